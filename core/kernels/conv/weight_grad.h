// The gradients of a convolution's weights and bias; their plain twin: core/kernels/plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/conv_shape.h"

namespace norma::kernels {

/// `dw` and `db` may each be null. They are overwritten.
template <class T>
void weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw, T* db);

}  // namespace norma::kernels
