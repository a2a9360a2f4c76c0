// A row-major tensor seen along one dimension, or along several adjacent ones.
#pragma once
#include "norma/core/shape.h"
#include "norma/core/simd.h"

namespace norma::kernels {

/// [outer, length, inner]: what comes before the middle, the middle itself, and what comes behind.
struct MiddleShape {
  int64_t outer = 1, length = 1, inner = 1;

  MiddleShape() = default;
  MiddleShape(int64_t outer_size, int64_t length_size, int64_t inner_size)
      : outer(outer_size), length(length_size), inner(inner_size) {}
  /// The middle is dimension `dim`; a 0-d tensor is one element.
  MiddleShape(const Shape& sizes, int64_t dim) {
    for (int64_t i = 0; i < sizes.size(); ++i) {
      int64_t& part = i < dim ? outer : i > dim ? inner : length;
      part *= sizes[i];
    }
  }

  /// Lines along the middle: `length` elements, `inner` apart.
  int64_t lines() const { return outer * inner; }
  /// Where a line starts.
  NORMA_INLINE int64_t start(int64_t line) const {
    return inner == 1 ? line * length : line / inner * length * inner + line % inner;
  }
};

}  // namespace norma::kernels
