// The sum of neighbours in double, in an order that depends on their number alone.
#pragma once
#include "norma/core/kernels/norm/runs.h"

namespace norma::kernels {

/// What is summed, made of a value in double or of a vector of them.
struct Itself {
  template <class V>
  NORMA_INLINE static void apply(V&) {}
};
struct Square {
  template <class V>
  NORMA_INLINE static void apply(V& value) {
    value *= value;
  }
};
template <class Term, class T>
NORMA_INLINE inline double term_of(T x) {
  double value = static_cast<double>(x);
  Term::apply(value);
  return value;
}

/// Adds whole groups of Count vectors to the lanes, and returns how many elements they have.
template <class Term, int N, int Count, class T>
NORMA_INLINE inline int64_t add_vectors(Elements<double, N> (&lanes)[Count], const T* x,
                                        int64_t n) {
  int64_t i = 0;
  for (; i + N * Count <= n; i += N * Count) {
    for (int k = 0; k < Count; ++k) {
      Elements<double, N> value;
      load<N>(x + i + k * N, value);
      Term::apply(value);
      lanes[k] += value;
    }
  }
  return i;
}

/// In 32 lanes while there are many, then in 8, which are halved; odd terms behind them.
template <class Term, int Bytes, class T>
NORMA_INLINE inline double sum_run(const T* x, int64_t n) {
  constexpr int N = Bytes / 8, kFew = 8 / N;
  Elements<double, N> few[kFew] = {};
  int64_t i = 0;
  if (n >= 64) {
    Elements<double, N> many[4 * kFew] = {};
    i = add_vectors<Term, N>(many, x, n);
    for (int k = 0; k < kFew; ++k)
      few[k] = (many[k] + many[k + 2 * kFew]) + (many[k + kFew] + many[k + 3 * kFew]);
  }
  i += add_vectors<Term, N>(few, x + i, n - i);
  double total = sum_of_lanes<N>(few);
  for (; i < n; ++i) total += term_of<Term>(x[i]);
  return total;
}

}  // namespace norma::kernels
