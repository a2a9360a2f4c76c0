#include "norma/layers/repr.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace norma::nn {

std::string repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto write = [&](std::chars_format format) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  };
  const std::string scientific = write(std::chars_format::scientific);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 16) return scientific;
  const std::string fixed = write(std::chars_format::fixed);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

std::string repr(const Shape& tuple) {
  std::string out = "(";
  for (int64_t i = 0; i < tuple.size(); ++i) out += (i ? ", " : "") + std::to_string(tuple[i]);
  return out + (tuple.size() == 1 ? ",)" : ")");
}

}  // namespace norma::nn
