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
