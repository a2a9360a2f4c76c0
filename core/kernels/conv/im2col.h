// Convolution as a product of the weights with unrolled rows of the images (implicit im2col); the
// plain twin: plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/packed_weights.h"
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// y = x ⋆ w + bias.
template <class T>
void im2col_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y);

/// The gradients of the weights and the bias, which may each be null. They are overwritten.
template <class T>
void im2col_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw, T* db);

}  // namespace norma::kernels
