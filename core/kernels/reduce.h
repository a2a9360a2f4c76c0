// Loops over [outer, length, inner] that reduce the middle dimension.
#pragma once
#include "norma/core/grains.h"
#include "norma/core/kernels/middle_shape.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// out[outer, inner] = Σ over the middle / divisor, in double, rounded once. Integers wrap around
/// and take no divisor.
template <class T>
void sum_middle(T* out, const T* x, MiddleShape shape, double divisor = 1);

/// The values that are reduced to one.
template <class T>
struct Line {
  const T* first;
  int64_t stride, length;
  T operator[](int64_t i) const { return first[i * stride]; }
};

/// Calls `reduce(line, position)` for every element of the result.
template <class T, class Reduce>
void for_each_line(const T* x, MiddleShape shape, Reduce reduce) {
  const int64_t grain = rows_grain(kElementGrain, shape.length);
  parallel_for(shape.lines(), grain, [=](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      reduce(Line<T>{x + shape.start(at), shape.inner, shape.length}, at);
    }
  });
}

}  // namespace norma::kernels
