// Padding around images, on contiguous memory.
#pragma once
#include "norma/core/kernels/pad_shape.h"

namespace norma::kernels {

template <class T>
void pad2d_forward(const Pad2dShape& s, const T* x, T* y);
template <class T>
void pad2d_backward(const Pad2dShape& s, const T* dy, T* dx);

}  // namespace norma::kernels
