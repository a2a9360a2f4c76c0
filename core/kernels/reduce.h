// Loops over [outer, length, inner] that reduce the middle dimension.
#pragma once
#include <algorithm>
#include <cstdint>

#include "norma/core/grains.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// out[outer, inner] = Σ over the middle / divisor, in double, rounded once. Integers wrap around
/// and take no divisor.
template <class T>
void sum_middle(T* out, const T* x, int64_t outer, int64_t length, int64_t inner,
                double divisor = 1);

/// Calls `cell(first, stride, position)` for every element of the result: `first` points at the
/// first of `length` values, `stride` apart.
template <class T, class Cell>
void for_each_middle(const T* x, int64_t outer, int64_t length, int64_t inner, Cell cell) {
  const int64_t grain = rows_grain(kElementGrain, length);
  parallel_for(outer * inner, grain, [=](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      cell(x + at / inner * length * inner + at % inner, inner, at);
    }
  });
}

}  // namespace norma::kernels
