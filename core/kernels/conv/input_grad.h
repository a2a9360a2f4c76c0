// The gradient of a convolution's input; its plain twin: core/kernels/plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/conv_shape.h"

namespace norma::kernels {

/// `dx` is overwritten.
template <class T>
void input_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx);

}  // namespace norma::kernels
