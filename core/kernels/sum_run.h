// The sum of neighbours in double, in an order that depends on their number alone, and the largest
// of them; the same of columns side by side.
#pragma once
#include <limits>

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

/// total += value. For floats as total + value · 1, with a 1 that the compiler does not see: that
/// is a step of the units that multiply, while those that add convert the next floats.
template <class T, int Bytes>
struct Plus {
  static constexpr bool kProduct = sizeof(T) < sizeof(double) && Bytes > 16;
  double one = 1;
  NORMA_INLINE Plus() {
    if constexpr (kProduct) asm("" : "+m"(one));
  }
  template <class V>
  NORMA_INLINE void operator()(V& total, const V& value) const {
    if constexpr (kProduct) {
      total += value * one;
    } else {
      total += value;
    }
  }
};

/// Adds whole groups of Count vectors to the lanes by add(lane, value), and returns how many
/// elements they have.
template <class Term, int N, int Count, class T, class Add>
NORMA_INLINE inline int64_t add_vectors(Elements<double, N> (&lanes)[Count], const T* x, int64_t n,
                                        const Add& add) {
  int64_t i = 0;
  for (; i + N * Count <= n; i += N * Count) {
    // What the processor fetches ahead by itself ends with each page.
    constexpr int64_t kLine = 64 / int64_t{sizeof(T)};
    for (int64_t k = 0; k + kLine <= N * Count; k += kLine) __builtin_prefetch(x + i + 512 + k);
    for (int k = 0; k < Count; ++k) {
      Elements<double, N> value;
      load<N>(x + i + k * N, value);
      Term::apply(value);
      add(lanes[k], value);
    }
  }
  return i;
}

/// total[j] += row[j], the Rows rows `stride` apart one after the other.
template <class Term, int Rows, int Bytes, class T>
NORMA_INLINE inline void add_rows(double* total, const T* x, int64_t stride, int64_t width,
                                  const Plus<T, Bytes>& plus) {
  in_vectors<Bytes / 8>(width, [=, &plus]<int N>(int64_t j) NORMA_INLINE {
    Elements<double, N> sum, value;
    load<N>(total + j, sum);
    for (int r = 0; r < Rows; ++r) {
      load<N>(x + r * stride + j, value);
      Term::apply(value);
      plus(sum, value);
    }
    store<N>(sum, total + j);
  });
}

/// In 32 lanes while there are many, then in 8, which are halved; odd terms behind them.
template <class Term, int Bytes, class T>
NORMA_INLINE inline double sum_run(const T* x, int64_t n) {
  constexpr int N = Bytes / 8, kFew = 8 / N;
  Elements<double, N> few[kFew] = {};
  int64_t i = 0;
  if (n >= 64) {
    Elements<double, N> many[4 * kFew] = {};
    i = add_vectors<Term, N>(many, x, n, Plus<T, Bytes>());
    for (int k = 0; k < kFew; ++k)
      few[k] = (many[k] + many[k + 2 * kFew]) + (many[k + kFew] + many[k + 3 * kFew]);
  }
  i += add_vectors<Term, N>(few, x + i, n - i, Plus<double, Bytes>());
  double total = sum_of_lanes<N>(few);
  for (; i < n; ++i) total += term_of<Term>(x[i]);
  return total;
}

/// now = max(now, value), and NaN where one of them is; of numbers or of vectors.
template <class V>
NORMA_INLINE inline void take_larger(const V& value, V& now) {
  const auto wins = (value > now) | (value != value);
  now = wins ? value : now;
}
template <class V, class T>
NORMA_INLINE inline void take_larger_at(const T* from, typename V::Value& now) {
  const typename V::Value value = V::at(from).value;
  take_larger(value, now);
}
/// The largest of n >= 1 values; NaN where there is one.
template <int Bytes, class T>
NORMA_INLINE inline T largest_or_nan(const T* x, int64_t n) {
  using V = Vector<T, Bytes>;
  constexpr int64_t kWidth = V::kLanes;
  T best = x[0];
  if (n < 2 * kWidth) {
    for (int64_t i = 1; i < n; ++i) take_larger(x[i], best);
    return best;
  }
  typename V::Value most = V::at(x).value, other = V::at(x + kWidth).value;
  for (int64_t i = 2 * kWidth; i + 2 * kWidth <= n; i += 2 * kWidth) {
    take_larger_at<V>(x + i, most);
    take_larger_at<V>(x + i + kWidth, other);
  }
  take_larger_at<V>(x + n - 2 * kWidth, most);
  take_larger_at<V>(x + n - kWidth, other);
  take_larger(other, most);
  T lanes[kWidth];
  V::at(lanes).value = most;
  for (int64_t width = kWidth / 2; width > 0; width /= 2) {
    for (int64_t l = 0; l < width; ++l) take_larger(lanes[l + width], lanes[l]);
  }
  return lanes[0];
}

inline constexpr int64_t kColumns = 16;  // taken together; their rows are `stride` apart
template <int Bytes, class T>
NORMA_INLINE inline void largest_of_columns(const T* x, int64_t rows, int64_t stride, T* largest) {
  using V = Vector<T, Bytes>;
  constexpr int kCount = static_cast<int>(kColumns) / V::kLanes;
  typename V::Value most[kCount];
  for (auto& vector : most) fill<V::kLanes>(-std::numeric_limits<T>::infinity(), vector);
  for (int64_t i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int k = 0; k < kCount; ++k) take_larger_at<V>(x + i * stride + k * V::kLanes, most[k]);
  }
  for (int k = 0; k < kCount; ++k) V::at(largest + k * V::kLanes).value = most[k];
}
template <int Bytes, class T>
NORMA_INLINE inline void sums_of_columns(const T* x, int64_t rows, int64_t stride, double* sums) {
  constexpr int N = Bytes / 8, kCount = static_cast<int>(kColumns) / N;
  Elements<double, N> totals[kCount] = {};
  for (int64_t i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int k = 0; k < kCount; ++k) {
      Elements<double, N> value;
      load<N>(x + i * stride + k * N, value);
      totals[k] += value;
    }
  }
  for (int k = 0; k < kCount; ++k) store<N>(totals[k], sums + k * N);
}

}  // namespace norma::kernels
