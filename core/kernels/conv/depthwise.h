// Convolutions with one input channel per group (depthwise), where no matrix product pays off;
// their plain twin: plain/conv.h.
#pragma once
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// y = x ⋆ w + bias; `bias` may be null.
template <class T>
void depthwise_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y);

/// `dx` and `dw` may each be null. They are overwritten.
template <class T>
void depthwise_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw);

}  // namespace norma::kernels
