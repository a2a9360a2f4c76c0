// Numbers in error messages. For Norma's own sources.
#pragma once
#include <charconv>
#include <string>

namespace norma::optim {

/// The shortest text that reads back as the same value: "0.1", "-1", "1e-08".
inline std::string number(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace norma::optim
