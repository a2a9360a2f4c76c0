// Numbers as Python prints them, for `extra_repr`.
#pragma once
#include <string>

#include "norma/core/shape.h"
#include "norma/core/text.h"

namespace norma::nn {

/// Python's repr: `0.1`, `1e-05`, `1.0`, `True`, `(10, 20)`, `(10,)`.
inline std::string repr(auto value) { return text(value); }
std::string repr(const Shape& tuple);

}  // namespace norma::nn
