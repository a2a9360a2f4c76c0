// Batch normalisation, by its definition: the groups of norm.h are the channels of the whole batch.
// The fast version: core/kernels/norm/batch_norm.h.
#pragma once
#include "norma/core/kernels/plain/norm.h"

namespace norma::kernels::plain {

/// y = max(y, 0); NaN passes.
template <class T>
void relu(ChannelShape s, T* y) {
  for (int64_t i = 0; i < s.n * s.channels * s.length; ++i) y[i] = y[i] < T(0) ? T(0) : y[i];
}

template <class T>
void batch_norm_apply(ChannelShape shape, const T* x, ChannelParams<T> params, bool with_relu, T* y,
                      BatchNormStats stats) {
  for (int64_t c = 0; c < shape.channels; ++c) {
    stats.offset[c] = params.bias ? double(params.bias[c]) : 0.0;  // backward finds y again
  }
  normalise(batch_groups(shape), x, params, y, stats);
  if (with_relu) relu(shape, y);
}

/// With the statistics of the batch, which are taken into the running ones:
///
///     running = (1 - momentum) running + momentum new,  the new var being var n / (n - 1)
template <class T>
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, bool with_relu, T* y, BatchNormStats stats) {
  const double n = static_cast<double>(shape.n * shape.length), m = running.momentum;
  for (int64_t c = 0; c < shape.channels; ++c) {
    const double var = moments(batch_groups(shape), c, x, stats);
    const double mean = stats.shift[c] + stats.rest[c];
    stats.invstd[c] = inverse_deviation(var, eps);
    if (!running.mean) continue;
    running.mean[c] = static_cast<T>((1 - m) * double(running.mean[c]) + m * mean);
    running.var[c] = static_cast<T>((1 - m) * double(running.var[c]) + m * var * n / (n - 1));
  }
  batch_norm_apply(shape, x, params, with_relu, y, stats);
}

/// With the running statistics.
template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* var, bool with_relu, T* y, BatchNormStats stats) {
  for (int64_t c = 0; c < shape.channels; ++c) {
    stats.shift[c] = double(mean[c]);
    stats.rest[c] = 0;
    stats.invstd[c] = inverse_deviation(double(var[c]), eps);
  }
  batch_norm_apply(shape, x, params, with_relu, y, stats);
}

/// The ReLU's backward first: dy counts where y > 0. Then the norm's. dx may be dy.
template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         BatchNormStats stats, bool batch_stats, bool with_relu, T* dx, T* dweight,
                         T* dbias) {
  const Groups groups = batch_groups(shape);
  const int64_t count = shape.n * shape.channels * shape.length;
  std::vector<T> y(static_cast<std::size_t>(count)), g(dy, dy + count), bias;
  if (with_relu) {
    for (int64_t c = 0; c < shape.channels; ++c) bias.push_back(static_cast<T>(stats.offset[c]));
    normalise(groups, x, {weight, bias.data()}, y.data(), stats);
    for (std::size_t i = 0; i < y.size(); ++i) g[i] = y[i] <= T(0) ? T(0) : g[i];
  }
  normalise_backward(groups, g.data(), x, weight, stats, batch_stats, dx, dweight, dbias);
}

}  // namespace norma::kernels::plain
