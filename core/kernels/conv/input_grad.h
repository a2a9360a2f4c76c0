// The gradient of a convolution's input as correlations of dy; plain twin: plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/packed_weights.h"
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// Computes y = x ⋆ w + bias.
template <class T>
using Correlate = void(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y);

/// `dx` is overwritten. All correlations that it takes have stride 1.
template <class T>
void input_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx, Correlate<T>& correlate);

}  // namespace norma::kernels
