// Maxima over windows of images, on contiguous memory.
#pragma once
#include "norma/core/kernels/pool_shape.h"

namespace norma::kernels {

/// Writes the maxima to y and, where `choice` is not null, the cell of the window that won:
/// row * kernel_w + column. `Index` is uint8_t or int32_t where it holds every cell of a window,
/// else int64_t, for places in x.
template <class T, class Index>
void max_pool_forward(const Pool2dShape& s, const T* x, T* y, Index* choice);
template <class T, class Index>
void max_pool_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx);

}  // namespace norma::kernels
