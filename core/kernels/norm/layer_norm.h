// The loops of layer normalisation.
#pragma once
#include "norma/core/kernels/norm/stats.h"

namespace norma::kernels {

/// Normalises each of `rows` rows of `size` elements; weight and bias have `size` elements.
template <class T>
void layer_norm(int64_t rows, int64_t size, const T* x, ChannelParams<T> params, double eps, T* y,
                NormStats stats);

template <class T>
void layer_norm_backward(int64_t rows, int64_t size, const T* dy, const T* x, const T* weight,
                         NormStats stats, T* dx, T* dweight, T* dbias);

}  // namespace norma::kernels
