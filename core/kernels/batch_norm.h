// What both ways of batch normalisation do with the sums of one channel.
#pragma once
#include "norma/core/kernels/norm.h"
#include "norma/core/kernels/norm_lanes.h"

namespace norma::kernels {

/// ReLU as Tensor::relu() has it: NaN passes.
template <class V>
NORMA_INLINE inline void keep_positive(V& y) {
  y = y < V{} ? V{} : y;
}
/// Its gradient: `g` where its result, or what it was made of, is positive.
template <class V>
NORMA_INLINE inline void keep_where_positive(const V& y, V& g) {
  g = y <= V{} ? V{} : g;
}

/// y = (x - base) scale + offset.
template <class T>
struct ChannelLine {
  T base, scale, offset;

  /// Backward finds the signs of forward: this is compiled alike wherever it stands.
  template <class V>
  NORMA_INLINE void apply(V& x) const {
    x = (x - base) * scale + offset;
  }
};

/// Notes the statistics of channel `c` and its line.
template <class T>
NORMA_INLINE inline ChannelLine<T> make_line(int64_t c, T shift, double rest, double var,
                                             double eps, ChannelParams<T> params,
                                             BatchNormStats stats) {
  const double w = params.weight ? static_cast<double>(params.weight[c]) : 1.0;
  const double z = params.bias ? static_cast<double>(params.bias[c]) : 0.0;
  const double invstd = inverse_deviation(var, eps);
  const Base<T> base(shift, rest, var);
  const ChannelLine<T> line{base.value, static_cast<T>(invstd * w),
                            static_cast<T>(z - base.missing * invstd * w)};
  stats.shift[c] = static_cast<double>(shift);
  stats.rest[c] = rest;
  stats.invstd[c] = invstd;
  stats.base[c] = static_cast<double>(line.base);
  stats.scale[c] = static_cast<double>(line.scale);
  stats.offset[c] = static_cast<double>(line.offset);
  return line;
}

/// The line that `make_line` noted.
template <class T>
NORMA_INLINE inline ChannelLine<T> noted_line(int64_t c, BatchNormStats stats) {
  return {static_cast<T>(stats.base[c]), static_cast<T>(stats.scale[c]),
          static_cast<T>(stats.offset[c])};
}

/// Takes the mean and the biased variance of n values in.
template <class T>
NORMA_INLINE inline void update_running(RunningStats<T> running, int64_t c, double n, double mean,
                                        double var) {
  if (!running.mean) return;
  const double m = running.momentum, unbiased = var * (n / (n - 1.0));
  running.mean[c] = static_cast<T>((1.0 - m) * static_cast<double>(running.mean[c]) + m * mean);
  running.var[c] = static_cast<T>((1.0 - m) * static_cast<double>(running.var[c]) + m * unbiased);
}

/// dx = (dy + (x - shift) slope + constant) factor.
struct GradientLine {
  double factor, slope, constant;
};

/// From Σ dy and Σ dy (x - shift) of n values; notes the gradients of weight and bias where wanted.
template <class T>
NORMA_INLINE inline GradientLine gradient_line(int64_t c, double n, double sum, double product,
                                               const T* weight, BatchNormStats stats, T* dweight,
                                               T* dbias) {
  const double rest = stats.rest[c], invstd = stats.invstd[c], inv_n = 1.0 / n;
  const double w = weight ? static_cast<double>(weight[c]) : 1.0;
  const double centred = product - rest * sum;  // Σ dy (x - mean)
  if (dweight) dweight[c] = static_cast<T>(centred * invstd);
  if (dbias) dbias[c] = static_cast<T>(sum);
  // What is left of dy after its mean and its slope along x; scaled at the very end, so that the
  // factor's rounding cannot outweigh a small remainder.
  const double slope = -invstd * invstd * centred * inv_n;
  return {w * invstd, slope, -sum * inv_n - slope * rest};
}

}  // namespace norma::kernels
