// Where an element stands, and how Python writes that. For Norma's own sources.
#pragma once
#include <string>

#include "norma/core/shape.h"

namespace norma {

/// The index in every dimension of the element that comes `flat`-th in row-major order.
Shape unravel(int64_t flat, const Shape& sizes);

/// "(2, 3)", "(2,)", "()".
std::string tuple_text(const Shape& sizes);

}  // namespace norma
