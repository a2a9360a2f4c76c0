// Means over windows of images, on contiguous memory.
#pragma once
#include "norma/core/kernels/pool_shape.h"

namespace norma::kernels {

template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y);
template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx);

/// Uses the sizes of `s` only.
template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y);
template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx);

}  // namespace norma::kernels
