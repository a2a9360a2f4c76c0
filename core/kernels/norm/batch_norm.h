// The loops of batch normalisation.
#pragma once
#include "norma/core/kernels/norm_stats.h"

namespace norma::kernels {

/// y = (x - mean) invstd weight + bias with the statistics of the batch, which go to `stats`, and
/// where `relu` says so the larger of that and 0. y may be x. Needs n * length >= 2.
template <class T>  // float or double
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, bool relu, T* y, BatchNormStats stats);

/// The same with given statistics, which go to `stats`, too.
template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* var, bool relu, T* y, BatchNormStats stats);

/// Gradients from `dy`; null outputs are skipped. dx may be dy. `batch_stats`: the statistics came
/// from x itself.
template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         BatchNormStats stats, bool batch_stats, bool relu, T* dx, T* dweight,
                         T* dbias);

}  // namespace norma::kernels
