// Sizes and places as Python writes them.
#pragma once
#include <string>

#include "norma/core/shape.h"

namespace norma {

/// "(2, 3)", "(2,)", "()".
std::string tuple_text(const Shape& sizes);

}  // namespace norma
