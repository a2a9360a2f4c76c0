// Batch, layer and group normalisation, by their definition: they differ only in which elements
// share a mean. The fast version: core/kernels/norm/group_norm.h.
//
//     y = (x - mean) invstd weight[channel] + bias[channel],  invstd = 1 / sqrt(var + eps)
#pragma once
#include <cmath>

#include "norma/core/kernels/norm_stats.h"
#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// The elements of a [n, channels, length] tensor in groups that share a mean.
struct Groups {
  ChannelShape shape;
  int64_t count, size;
  bool across_samples;  // a channel of all samples; else, neighbours in memory

  /// Where element i of group g lies.
  int64_t at(int64_t g, int64_t i) const {
    if (!across_samples) return g * size + i;
    return (i / shape.length * shape.channels + g) * shape.length + i % shape.length;
  }
  int64_t channel(int64_t at) const { return at / shape.length % shape.channels; }
};

inline Groups batch_groups(ChannelShape s) { return {s, s.channels, s.n * s.length, true}; }
inline Groups sample_groups(ChannelShape s, int64_t groups) {
  return {s, s.n * groups, s.channels / groups * s.length, false};
}

/// A constant group may have a deviation of 0: its elements all become the bias.
inline double inverse_deviation(double var, double eps) {
  return var + eps == 0.0 ? 0.0 : 1 / std::sqrt(var + eps);
}

/// mean = Σ x / n and var = Σ (x - mean)² / n, the mean as shift + rest, the rest being what
/// rounding took from it. Summed as differences from the first element: exact for constant groups.
template <class T>
double moments(const Groups& groups, int64_t g, const T* x, NormStats stats) {
  const double n = static_cast<double>(groups.size), start = double(x[groups.at(g, 0)]);
  const double first = std::isfinite(start) ? start : 0.0;
  double sum = 0, rest = 0, squares = 0;
  for (int64_t i = 0; i < groups.size; ++i) sum += double(x[groups.at(g, i)]) - first;
  stats.shift[g] = first + sum / n;
  for (int64_t i = 0; i < groups.size; ++i) {
    const double d = double(x[groups.at(g, i)]) - stats.shift[g];
    rest += d;
    squares += d * d;
  }
  stats.rest[g] = std::isfinite(stats.shift[g]) ? rest / n : 0.0;
  return squares / n - stats.rest[g] * stats.rest[g];
}

/// From the statistics in `stats`. y may be x.
template <class T>
void normalise(const Groups& groups, const T* x, ChannelParams<T> params, T* y, NormStats stats) {
  for (int64_t g = 0; g < groups.count; ++g) {
    for (int64_t i = 0; i < groups.size; ++i) {
      const int64_t at = groups.at(g, i), c = groups.channel(at);
      double value = (double(x[at]) - stats.shift[g] - stats.rest[g]) * stats.invstd[g];
      if (params.weight) value *= double(params.weight[c]);
      if (params.bias) value += double(params.bias[c]);
      y[at] = static_cast<T>(value);
    }
  }
}

/// With x̂ = (x - mean) invstd and d = dy weight, over the n elements of a group:
///
///     dx = (d - Σ d / n - x̂ Σ d x̂ / n) invstd,  or d invstd where mean and var were given
///     dweight = Σ dy x̂ and dbias = Σ dy over a channel
template <class T>
void normalise_backward(const Groups& groups, const T* dy, const T* x, const T* weight,
                        NormStats stats, bool own_stats, T* dx, T* dweight, T* dbias) {
  Sums weight_sum(groups.shape.channels), bias_sum(groups.shape.channels);
  const double n = static_cast<double>(groups.size);
  for (int64_t g = 0; g < groups.count; ++g) {
    const auto hat = [&](int64_t at) {
      return (double(x[at]) - stats.shift[g] - stats.rest[g]) * stats.invstd[g];
    };
    const auto d = [&](int64_t at) {
      return weight ? double(dy[at]) * double(weight[groups.channel(at)]) : double(dy[at]);
    };
    double sum = 0, product = 0;
    for (int64_t i = 0; i < groups.size; ++i) {
      const int64_t at = groups.at(g, i), c = groups.channel(at);
      sum += d(at);
      product += d(at) * hat(at);
      weight_sum[c] += double(dy[at]) * hat(at);
      bias_sum[c] += double(dy[at]);
    }
    for (int64_t i = 0; dx && i < groups.size; ++i) {
      const int64_t at = groups.at(g, i);
      const double left = own_stats ? d(at) - sum / n - hat(at) * product / n : d(at);
      dx[at] = static_cast<T>(left * stats.invstd[g]);
    }
  }
  weight_sum.store(dweight);
  bias_sum.store(dbias);
}

/// Layer and group normalisation; the statistics are those of each group of each sample.
template <class T>
void group_norm(ChannelShape shape, int64_t groups, const T* x, ChannelParams<T> params, double eps,
                T* y, NormStats stats) {
  const Groups own = sample_groups(shape, groups);
  for (int64_t g = 0; g < own.count; ++g) {
    stats.invstd[g] = inverse_deviation(moments(own, g, x, stats), eps);
  }
  normalise(own, x, params, y, stats);
}

template <class T>
void group_norm_backward(ChannelShape shape, int64_t groups, const T* dy, const T* x,
                         const T* weight, NormStats stats, T* dx, T* dweight, T* dbias) {
  normalise_backward(sample_groups(shape, groups), dy, x, weight, stats, true, dx, dweight, dbias);
}

}  // namespace norma::kernels::plain
