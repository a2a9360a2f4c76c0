// What the windows of a convolution see, as columns. One version for every NORMA_SIMD: this is the
// definition.
#pragma once
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// y[n, (c, i, j), (row, col)] = x[n, c, row stride + i dilation - pad, …], zero outside the image.
template <class T>
void unfold(const Conv2dShape& s, const T* x, T* y);
/// Its adjoint.
template <class T>
void fold(const Conv2dShape& s, const T* dy, T* dx);

}  // namespace norma::kernels
