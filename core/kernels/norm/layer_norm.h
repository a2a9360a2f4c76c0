// Layer normalisation: group normalisation of rows whose elements are channels of one group.
#pragma once
#include "norma/core/kernels/norm/group_norm.h"

namespace norma::kernels {

/// Normalises each of `rows` rows of `size` elements; weight and bias have `size` elements.
template <class T>
void layer_norm(int64_t rows, int64_t size, const T* x, ChannelParams<T> params, double eps, T* y,
                NormStats stats) {
  group_norm({rows, size, 1}, 1, x, params, eps, y, stats);
}

template <class T>
void layer_norm_backward(int64_t rows, int64_t size, const T* dy, const T* x, const T* weight,
                         NormStats stats, T* dx, T* dweight, T* dbias) {
  group_norm_backward({rows, size, 1}, 1, dy, x, weight, stats, dx, dweight, dbias);
}

}  // namespace norma::kernels
