// Loops over [outer, length, inner] that reduce the middle dimension.
#pragma once
#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/grains.h"
#include "norma/core/kernels/middle_shape.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// out[outer, inner] = Σ over the middle / divisor, in double, rounded once. Integers wrap around
/// and take no divisor. From float to double and back, for sums in several steps.
template <class Out, class T>
void sum_middle(Out* out, const T* x, MiddleShape shape, double divisor = 1);
/// out[outer, inner] = Σ x² over the middle, in double.
template <class T>
void sum_squares(double* out, const T* x, MiddleShape shape);

/// The values that are reduced to one.
template <class T>
struct Line {
  const T* first;
  int64_t stride, length;
  T operator[](int64_t i) const { return first[i * stride]; }
};

/// (Σ |x|^p)^(1/p); for p = ±inf the largest or smallest |x|, for p = 0 how many are not 0.
template <class T>
double power_norm(Line<T> line, double p) {
  const bool extreme = std::isinf(p);
  double total = extreme && p < 0 ? -p : 0;
  for (int64_t i = 0; i < line.length; ++i) {
    const double v = std::fabs(static_cast<double>(line[i]));
    if (extreme) {
      total = (p > 0 ? v > total : v < total) || v != v ? v : total;
    } else {
      total += p == 2 ? v * v : p == 1 ? v : p == 0 ? double(v != 0) : elementary::pow(v, p);
    }
  }
  if (extreme || p == 1 || p == 0) return total;
  return p == 2 ? std::sqrt(total) : elementary::pow(total, 1 / p);
}

/// Calls `reduce(line, position)` for every element of the result.
template <class T, class Reduce>
void for_each_line(const T* x, MiddleShape shape, Reduce reduce) {
  const int64_t grain = rows_grain(kElementGrain, shape.length);
  parallel_for(shape.lines(), grain, [=](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t start = shape.length > 0 ? shape.start(at) : 0;  // x may be null then
      reduce(Line<T>{x + start, shape.inner, shape.length}, at);
    }
  });
}

}  // namespace norma::kernels
