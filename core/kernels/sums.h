// Sums and maxima in lanes: running ones side by side, which become vectors. How many lanes there
// are and how they are added up is part of a sum's result; each user keeps to one way on every
// processor.
#pragma once
#include <cstdint>

#include "norma/core/simd.h"

namespace norma::kernels {

/// lanes[i mod N] += term(i) for all i below the largest multiple of N up to `count`, which is
/// returned.
template <int64_t N, class T, class Term>
NORMA_INLINE inline int64_t add_to_lanes(T (&lanes)[N], int64_t count, Term term) {
  int64_t i = 0;
  for (; i + N <= count; i += N) {
    for (int64_t l = 0; l < N; ++l) lanes[l] += term(i + l);
  }
  return i;
}

/// Halves the lanes, the upper ones onto the lower, until `Left` of them are left.
template <int64_t Left, int64_t N, class T>
NORMA_INLINE inline void halve_lanes(T (&lanes)[N]) {
  for (int64_t width = N / 2; width >= Left; width /= 2) {
    for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
}

/// Σ term(i) in double: in N lanes, halved to `Left` of them, which are added one after the other
/// and the odd terms behind them.
template <int64_t N, int64_t Left = N, class Term>
NORMA_INLINE inline double sum_in_lanes(int64_t count, Term term) {
  double total = 0;
  int64_t i = 0;
  if (count >= N) {
    double lanes[N] = {};
    i = add_to_lanes(lanes, count, term);
    halve_lanes<Left>(lanes);
    for (int64_t l = 0; l < Left; ++l) total += lanes[l];
  }
  for (; i < count; ++i) total += term(i);
  return total;
}

/// Σ x in double, in an order of its own for single values that a loss or a bias needs.
template <class T>
NORMA_INLINE inline double ordered_sum(int64_t count, const T* x) {
  const auto term = [=](int64_t i) NORMA_INLINE { return static_cast<double>(x[i]); };
  double lanes[8] = {};
  int64_t i = add_to_lanes(lanes, count, term);
  halve_lanes<4>(lanes);
  double total = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  for (; i < count; ++i) total += term(i);
  return total;
}

/// The one of count >= 1 values that wins against all before it.
template <int64_t N, class T, class Wins>
NORMA_INLINE inline T winner_in_lanes(const T* x, int64_t count, Wins wins) {
  T best = x[0];
  int64_t i = 0;
  if (count >= N) {
    T lanes[N];
    for (int64_t l = 0; l < N; ++l) lanes[l] = x[l];
    for (i = N; i + N <= count; i += N) {
      for (int64_t l = 0; l < N; ++l) lanes[l] = wins(x[i + l], lanes[l]) ? x[i + l] : lanes[l];
    }
    for (int64_t l = 0; l < N; ++l) best = wins(lanes[l], best) ? lanes[l] : best;
  }
  for (; i < count; ++i) best = wins(x[i], best) ? x[i] : best;
  return best;
}

/// Whether `count` runs of `length` values, `stride` apart, are finite.
template <class T>
bool all_finite(const T* values, int64_t count, int64_t stride, int64_t length) {
  if (length == stride) length *= count, count = 1;
  bool finite = true;
  simd([=, &finite]() NORMA_INLINE {
    // 0 times what is not finite is NaN, which stays in its lane.
    T lanes[64] = {}, total = T(0);
    for (int64_t run = 0; run < count; ++run) {
      const T* const v = values + run * stride;
      int64_t i = add_to_lanes(lanes, length, [=](int64_t k) NORMA_INLINE { return v[k] * T(0); });
      for (; i < length; ++i) total += v[i] * T(0);
    }
    for (const T lane : lanes) total += lane;
    finite = total == T(0);
  });
  return finite;
}

}  // namespace norma::kernels
