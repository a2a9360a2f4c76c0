// Mean and variance of a group of elements, by one pass where that is safe.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "norma/core/kernels/norm/runs.h"

namespace norma::kernels {

/// The elements that share a mean: `rows` rows of `length` elements, `stride` apart.
template <class T>
struct Group {
  const T* x;
  int64_t rows, length, stride;

  double count() const { return static_cast<double>(rows * length); }
  const T& operator[](int64_t i) const { return x[i / length * stride + i % length]; }
};

/// The mean is shift + rest, where T holds the shift; the variance is the biased one.
template <class T>
struct Moments {
  T shift;
  double rest, var;
  double mean() const { return static_cast<double>(shift) + rest; }
};

/// A value of the group, near enough to the mean for one pass. Floats have digits to spare in
/// double, so that any value will do; doubles take the mean of a few.
template <class T>
inline T near_mean(const Group<T>& group) {
  if constexpr (sizeof(T) == sizeof(float)) return group.x[0];
  const int64_t few = std::min<int64_t>(group.rows * group.length, 64);
  T sum = T(0);
  for (int64_t i = 0; i < few; ++i) sum += group[i] - group.x[0];
  return group.x[0] + sum / static_cast<T>(few);
}

/// Exact up to double's rounding for any input: two passes without shortcuts. Rarely needed.
template <class T>
__attribute__((noinline)) inline Moments<T> exact_moments(const Group<T>& group) {
  const double n = group.count(), first = static_cast<double>(group.x[0]);
  double sum = 0.0, rest = 0.0, square = 0.0;
  const auto each = [&](auto use) {
    for (int64_t r = 0; r < group.rows; ++r) {
      for (int64_t i = 0; i < group.length; ++i) {
        use(static_cast<double>(group.x[r * group.stride + i]));
      }
    }
  };
  each([&](double x) { sum += x - first; });
  double mean = first + sum / n;
  each([&](double x) {
    rest += x - mean;
    square += (x - mean) * (x - mean);
  });
  const double r = rest / n;
  const double var = std::isnan(square) ? square : std::max(0.0, square / n - r * r);
  if (std::isfinite(mean)) mean += r;
  const T shift = static_cast<T>(mean);
  return {shift, std::isfinite(mean) ? mean - static_cast<double>(shift) : 0.0, var};
}

/// From Σ d and Σ d² with d = x - from. Where these cannot be trusted, because `from` was far from
/// the mean or squares leave double's range, exact_moments takes its place.
template <class T>
inline Moments<T> moments_from_sums(const Group<T>& group, double from, double sum, double square) {
  constexpr bool kFloat = sizeof(T) == sizeof(float);
  constexpr double kFar = kFloat ? 1e6 : 4.0, kTiny = kFloat ? 0.0 : 1e-280;
  constexpr double kHuge = std::numeric_limits<double>::max();
  const double inv_n = 1.0 / group.count(), r = sum * inv_n, q = square * inv_n;
  const double var = q - r * r;
  if (r == 0.0 && q == 0.0) return {static_cast<T>(from), 0.0, 0.0};
  if (!(r * r <= kFar * var && q > kTiny && q <= kHuge)) return exact_moments(group);
  const T shift = static_cast<T>(from + r);
  return {shift, (from - static_cast<double>(shift)) + r, var};
}

/// The sums of a group: of d and of d², d = x minus the job's only value.
template <class T>
struct MomentSums {
  static constexpr int kSumValues = 1;
  const T* x;

  template <int N>
  NORMA_INLINE void add(const Elements<double, N> (&from)[1], int64_t at, Elements<double, N>& sum,
                        Elements<double, N>& square) const {
    Elements<double, N> d;
    load<N>(x + at, d);
    d -= from[0];
    sum += d;
    square += d * d;
  }
};

inline double inverse_deviation(double var, double eps) {
  const double v = var + eps;
  return v == 0.0 ? 0.0 : 1.0 / std::sqrt(v);
}

}  // namespace norma::kernels
