// Numbers as Python prints them, for `extra_repr`.
#pragma once
#include <concepts>
#include <string>

#include "norma/core/shape.h"

namespace norma::nn {

/// Python's repr: `0.1`, `1e-05`, `1.0`, `True`, `(10, 20)`, `(10,)`.
std::string repr(double value);
inline std::string repr(std::same_as<bool> auto value) { return value ? "True" : "False"; }
inline std::string repr(std::same_as<int64_t> auto value) { return std::to_string(value); }
std::string repr(const Shape& tuple);

}  // namespace norma::nn
