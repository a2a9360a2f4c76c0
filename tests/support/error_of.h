// What an action complains about.
#pragma once
#include <functional>
#include <string>

#include "norma/core/error.h"

/// The message of the Error that `action` raises, or "no error".
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const norma::Error& error) {
    return error.what();
  }
  return "no error";
}

/// Whether `part` is somewhere in `text`.
inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
