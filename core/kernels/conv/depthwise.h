// Convolutions with one input or output channel per group (depthwise), where no matrix product pays
// off; their plain twin: plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/packed_weights.h"
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// y = x ⋆ w + bias.
template <class T>
void depthwise_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y);

/// The gradient of the weights where groups have one input channel, which is overwritten; false
/// where something in it is not finite, as zeros beside a row may have met what is not.
template <class T>
bool depthwise_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw);

}  // namespace norma::kernels
