// The loops of group normalisation, and of layer normalisation: rows of `size` elements are the
// shape [rows, size, 1] with one group.
#pragma once
#include "norma/core/kernels/norm_stats.h"

namespace norma::kernels {

/// Normalises each of `groups` groups of neighbouring channels of each of the n samples: n * groups
/// statistics. `groups` divides the channels, and nothing is empty.
template <class T>
void group_norm(ChannelShape shape, int64_t groups, const T* x, ChannelParams<T> params, double eps,
                T* y, NormStats stats);

/// Gradients from `dy`; null outputs are skipped.
template <class T>
void group_norm_backward(ChannelShape shape, int64_t groups, const T* dy, const T* x,
                         const T* weight, NormStats stats, T* dx, T* dweight, T* dbias);

}  // namespace norma::kernels
