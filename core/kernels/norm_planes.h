// Batch normalisation of planes: [n, channels, length] where a channel's values lie in long runs.
#pragma once
#include "norma/core/kernels/norm.h"

namespace norma::kernels {

/// Values of a channel up to which planes are not worth it, and gradients need the care that they get
/// in batch_norm.cpp.
inline constexpr int64_t kFewestInPlanes = 1024;

/// Whether the functions below suit the shape: long runs, and many values per channel.
bool has_planes(ChannelShape shape);
/// Enough for evaluation, which has no sums: those of few values are better in lanes.
bool has_long_planes(ChannelShape shape);

/// What norm.h says of the functions without `_planes`. Sums are gathered over parts of the values
/// that depend on the shape alone, so that any number of threads gives the same ones.
template <class T>
void batch_norm_train_planes(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                             RunningStats<T> running, bool relu, T* y, BatchNormStats stats);

/// With the lines that `stats` holds.
template <class T>
void apply_planes(ChannelShape shape, const T* x, bool relu, T* y, BatchNormStats stats);

template <class T>
void batch_norm_backward_planes(ChannelShape shape, const T* dy, const T* x, const T* weight,
                                BatchNormStats stats, bool batch_stats, bool relu, T* dx,
                                T* dweight, T* dbias);

}  // namespace norma::kernels
