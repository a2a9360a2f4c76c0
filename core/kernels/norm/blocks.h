// How the norm kernels walk over memory: 64 running values ("lanes") side by side, which compilers
// turn into vector registers. Sums are kept in double.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/kernels/norm/stats.h"
#include "norma/core/simd.h"

namespace norma::kernels {

inline constexpr int64_t kLanes = 64;

/// Vector code for float; double, for reference runs, takes the plain way and spares its size.
template <class T, class F>
inline void simd_float(F body) {
  if constexpr (std::is_same_v<T, float>) {
    simd(body);
  } else {
    body();
  }
}

/// Elements of one or more channels: `rows` rows of `width` elements, `stride` apart, and a last
/// row of `tail` elements. Lane l of a row always belongs to the same channel: either there is only
/// one, or the row has at most `kLanes` elements, the pattern of `channels` times `length`
/// repeated.
struct Block {
  int64_t offset, rows, stride, width, tail;
  int64_t channels, length, first_channel;

  int64_t numel() const { return rows * width + tail; }
  int64_t lanes() const { return std::min(width, kLanes); }
  /// Elements per channel.
  int64_t count() const { return numel() / channels; }
};

/// Calls `step(position, count)` for consecutive runs of at most `kLanes` elements of one row; the
/// count of full runs is a compile-time constant.
template <class Step>
NORMA_INLINE inline void walk_row(int64_t begin, int64_t end, Step step) {
  int64_t at = begin;
  for (; at + kLanes <= end; at += kLanes) {
    step(at, std::integral_constant<int64_t, kLanes>{});
  }
  if (at < end) step(at, end - at);
}

/// The same over a whole block.
template <class Step>
NORMA_INLINE inline void walk(const Block& block, Step step) {
  for (int64_t r = 0; r < block.rows; ++r) {
    const int64_t start = block.offset + r * block.stride;
    walk_row(start, start + block.width, step);
  }
  const int64_t last = block.offset + block.rows * block.stride;
  if (block.tail > 0) walk_row(last, last + block.tail, step);
}

/// Calls `use(n)` with a compile-time constant for the most usual channel counts.
template <class Use>
NORMA_INLINE inline void with_channels(int64_t channels, Use use) {
  if (channels == 16) return use(std::integral_constant<int64_t, 16>{});
  if (channels == 64) return use(std::integral_constant<int64_t, 64>{});
  use(channels);
}

/// lanes[j][l] = values[j][c] of the channel c that lane l belongs to.
template <class T, int N>
NORMA_INLINE inline void spread(const Block& block, const T (&values)[N][kLanes],
                                T (&lanes)[N][kLanes]) {
  const int64_t count = block.lanes();
  if (block.channels == 1) {
    for (int j = 0; j < N; ++j) {
      for (int64_t l = 0; l < kLanes; ++l) lanes[j][l] = values[j][0];
    }
  } else if (block.length == 1) {
    with_channels(block.channels, [&](auto channels) NORMA_INLINE {
      for (int64_t l = 0; l < count; l += channels) {
        for (int j = 0; j < N; ++j) {
          for (int64_t c = 0; c < channels; ++c) lanes[j][l + c] = values[j][c];
        }
      }
    });
  } else {
    for (int64_t l = 0; l < count;) {
      for (int64_t c = 0; c < block.channels; ++c) {
        for (int64_t i = 0; i < block.length; ++i, ++l) {
          for (int j = 0; j < N; ++j) lanes[j][l] = values[j][c];
        }
      }
    }
  }
}

/// The other way: sums[j][c] = the sum over the lanes of channel c. Overwrites `lanes`.
template <class T, int N>
NORMA_INLINE inline void gather(const Block& block, T (&lanes)[N][kLanes], T (&sums)[N][kLanes]) {
  const int64_t count = block.lanes();
  if (block.channels == 1) {
    for (int j = 0; j < N; ++j) {
      for (int64_t l = 0; l < 32; ++l) lanes[j][l] += lanes[j][l + 32];
      for (int64_t l = 0; l < 16; ++l) lanes[j][l] += lanes[j][l + 16];
      for (int64_t l = 0; l < 8; ++l) lanes[j][l] += lanes[j][l + 8];
      for (int64_t l = 0; l < 4; ++l) lanes[j][l] += lanes[j][l + 4];
      sums[j][0] = (lanes[j][0] + lanes[j][2]) + (lanes[j][1] + lanes[j][3]);
    }
  } else if (block.length == 1) {
    with_channels(block.channels, [&](auto channels) NORMA_INLINE {
      for (int j = 0; j < N; ++j) {
        for (int64_t c = 0; c < channels; ++c) sums[j][c] = lanes[j][c];
      }
      for (int64_t l = channels; l < count; l += channels) {
        for (int j = 0; j < N; ++j) {
          for (int64_t c = 0; c < channels; ++c) sums[j][c] += lanes[j][l + c];
        }
      }
    });
  } else {
    for (int j = 0; j < N; ++j) {
      for (int64_t c = 0; c < block.channels; ++c) sums[j][c] = T(0);
    }
    for (int64_t l = 0; l < count;) {
      for (int64_t c = 0; c < block.channels; ++c) {
        for (int64_t i = 0; i < block.length; ++i, ++l) {
          for (int j = 0; j < N; ++j) sums[j][c] += lanes[j][l];
        }
      }
    }
  }
}

/// Exact up to double's rounding for any input: two passes without shortcuts. Rarely needed.
template <class T>
__attribute__((noinline)) inline void plain_moments(const Block& block, const T* x, double* mean,
                                                    double* var) {
  const double n = static_cast<double>(block.count());
  const auto each = [&](auto&& use) {
    for (int64_t r = 0; r <= block.rows; ++r) {
      const int64_t width = r < block.rows ? block.width : block.tail;
      for (int64_t i = 0; i < width; ++i) {
        const int64_t c = block.channels == 1 ? 0 : i / block.length % block.channels;
        use(c, static_cast<double>(x[block.offset + r * block.stride + i]));
      }
    }
  };
  double first[kLanes] = {}, sum[kLanes] = {}, square[kLanes] = {}, rest[kLanes] = {};
  for (int64_t c = 0; c < block.channels; ++c) {
    first[c] = static_cast<double>(x[block.offset + (block.channels == 1 ? 0 : c * block.length)]);
  }
  each([&](int64_t c, double value) { sum[c] += value - first[c]; });
  for (int64_t c = 0; c < block.channels; ++c) mean[c] = first[c] + sum[c] / n;
  each([&](int64_t c, double value) {
    const double d = value - mean[c];
    rest[c] += d;
    square[c] += d * d;
  });
  for (int64_t c = 0; c < block.channels; ++c) {
    const double r = rest[c] / n;
    var[c] = std::max(0.0, square[c] / n - r * r);
    if (std::isnan(square[c])) var[c] = square[c];
    if (std::isfinite(mean[c])) mean[c] += r;
  }
}

/// Two sums per channel, in double: `terms(i, l, a, b)` sets a and b to those of element i, in lane l.
template <class Terms>
NORMA_INLINE inline void sum_pairs(const Block& block, Terms terms, double (&total)[2][kLanes]) {
  double sums[2][kLanes] = {};
  walk(block, [&](int64_t at, auto count) NORMA_INLINE {
    for (int64_t l = 0; l < count; ++l) {
      double a, b;
      terms(at + l, l, a, b);
      sums[0][l] += a;
      sums[1][l] += b;
    }
  });
  gather(block, sums, total);
}

/// Mean - shift and biased variance from Σ d and Σ d², d = x - shift; whether they can be trusted:
/// not where the shift was far from the mean, nor where squares leave double's range.
template <class T>
NORMA_INLINE inline bool moments_from_sums(double sum, double square, double inv_n, double& rest,
                                           double& var) {
  // Floats have digits to spare in double, and squares that double holds.
  constexpr bool kFloat = sizeof(T) == sizeof(float);
  constexpr double kFar = kFloat ? 1e6 : 4.0, kTiny = kFloat ? 0.0 : 1e-280;
  constexpr double kHuge = std::numeric_limits<double>::max();
  const double r = sum * inv_n, q = square * inv_n;
  rest = r;
  var = q - r * r;
  const bool constant = r == 0.0 && q == 0.0;
  return constant | ((r * r <= kFar * var) & (q > kTiny) & (q <= kHuge));
}

/// The mean of each channel as shift + rest, and the biased variance.
///
/// The shift is the mean of a few elements: near enough to the true mean that one pass gives both
/// moments without cancellation. Where it is not (a drifting channel; squares out of double's range),
/// the plain way is taken.
template <class T>
NORMA_INLINE inline void moments(const Block& block, const T* x, T (&shift)[1][kLanes],
                                 double (&rest)[kLanes], double (&var)[kLanes]) {
  T k[1][kLanes];  // the shift per lane
  const int64_t channels = block.channels;
  for (int64_t c = 0; c < channels; ++c) {
    shift[0][c] = x[block.offset + (channels == 1 ? 0 : c * block.length)];
  }
  spread(block, shift, k);
  const int64_t lanes = block.lanes();
  const int64_t rows = std::min(block.rows, (8 * channels + lanes - 1) / lanes);
  T near[1][kLanes], near_sum[1][kLanes];
  for (int64_t l = 0; l < kLanes; ++l) near[0][l] = T(0);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t start = block.offset + r * block.stride;
    walk_row(start, start + lanes, [&](int64_t at, auto count) NORMA_INLINE {
      for (int64_t l = 0; l < count; ++l) near[0][l] += x[at + l] - k[0][l];
    });
  }
  gather(block, near, near_sum);
  const T few = T(1) / static_cast<T>(rows * lanes / channels);
  for (int64_t c = 0; c < channels; ++c) shift[0][c] += near_sum[0][c] * few;
  spread(block, shift, k);

  double total[2][kLanes];
  sum_pairs(
      block,
      [&](int64_t i, int64_t l, double& a, double& b) NORMA_INLINE {
        a = static_cast<double>(x[i]) - static_cast<double>(k[0][l]);
        b = a * a;
      },
      total);
  const double inv_n = 1.0 / static_cast<double>(block.count());
  bool good = true;
  for (int64_t c = 0; c < channels; ++c) {
    good &= moments_from_sums<T>(total[0][c], total[1][c], inv_n, rest[c], var[c]);
  }
  if (good) return;

  double mean[kLanes];
  plain_moments(block, x, mean, var);
  for (int64_t c = 0; c < channels; ++c) {
    shift[0][c] = static_cast<T>(mean[c]);
    rest[c] = std::isfinite(mean[c]) ? mean[c] - static_cast<double>(shift[0][c]) : 0.0;
  }
}

/// Where y = (x - base) a + b starts from, and what is missing from there to the mean. Subtracting the
/// shift rounds x, which costs more than a mean within the deviation does; constant groups keep it and
/// come out exact.
template <class T>
struct Base {
  T value;
  double missing;
  NORMA_INLINE Base(T shift, double rest, double var) : value(shift), missing(rest) {
    const double mean = static_cast<double>(shift) + rest;
    if (!(mean * mean < var)) return;
    value = T(0);
    missing = mean;
  }
};

/// x to (x - mean) invstd with saved statistics, in double.
struct Standard {
  double shift, rest, invstd;
  NORMA_INLINE Standard(NormStats stats, int64_t row)
      : shift(stats.shift[row]), rest(stats.rest[row]), invstd(stats.invstd[row]) {}
  template <class T>
  NORMA_INLINE double operator()(T x) const {
    return (static_cast<double>(x) - shift - rest) * invstd;
  }
};

NORMA_INLINE inline double inverse_deviation(double var, double eps) {
  const double v = var + eps;
  return v == 0.0 ? 0.0 : 1.0 / std::sqrt(v);
}

}  // namespace norma::kernels
