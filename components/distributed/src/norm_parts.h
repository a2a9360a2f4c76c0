// The parts of batch normalisation between which ranks tell each other their sums.
#pragma once
#include "norma/core/kernels/norm_stats.h"

namespace norma::distributed {

using kernels::BatchNormStats;
using kernels::ChannelParams;
using kernels::ChannelShape;
using kernels::RunningStats;

/// Of each channel of a tensor that is not empty: a shift and a rest, whose sum is the mean, and
/// the biased variance; thirds of one array.
template <class T>  // float or double
void channel_moments(ChannelShape shape, const T* x, double* moments);

/// From the moments of each rank, `rows` rows of one count and then thirds as above, in their
/// order: what `normalise_channels` needs goes to `stats`, the new values into the running
/// statistics. With n = Σ n_r, mean = Σ n_r mean_r / n and var = Σ n_r (var_r + (mean_r - mean)²) /
/// n. `n` is at least 2.
template <class T>
void join_moments(int64_t rows, int64_t channels, const double* moments, double n, double eps,
                  ChannelParams<T> params, RunningStats<T> running, BatchNormStats stats);

/// y = (x - mean) invstd weight + bias, and where `relu` says so the larger of that and 0.
template <class T>
void normalise_channels(ChannelShape shape, const T* x, BatchNormStats stats, bool relu, T* y);

/// Halves of one array: Σ dy and Σ dy (x - shift) of each channel, dy being what the ReLU lets
/// pass.
template <class T>
void gradient_sums(ChannelShape shape, const T* dy, const T* x, BatchNormStats stats, bool relu,
                   double* sums);

/// dweight = Σ dy x̂ and dbias = Σ dy, null where not wanted.
template <class T>
void parameter_gradients(int64_t channels, const double* sums, BatchNormStats stats, T* dweight,
                         T* dbias);

/// dx = (dy - Σ dy / n - x̂ Σ dy x̂ / n) weight invstd, the sums being those of all n values. dx
/// may be dy.
template <class T>
void input_gradient(ChannelShape shape, const T* dy, const T* x, const T* weight,
                    BatchNormStats stats, bool relu, double n, const double* sums, T* dx);

}  // namespace norma::distributed
