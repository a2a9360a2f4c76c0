// Convolutions of 3×3 on tiles of 2×2 outputs with 16 multiplications each instead of 36:
// Winograd's F(2×2, 3×3), after Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2015). The plain twin: plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/packed_weights.h"
#include "norma/core/kernels/conv_shape.h"

namespace norma::kernels {

/// Whether a convolution is of the kind that the two functions below compute: 3×3, stride 1, a
/// padding of one cell.
bool has_winograd(const Conv2dShape& s);

/// y = x ⋆ w + bias, and for every image, whether all of its y is finite (1 or 0). Where it is not,
/// the direct way has to decide: differences of infinities make NaN of them, and sums overflow that
/// it does not take.
template <class T>
void winograd_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y,
                        unsigned char* finite);

/// The gradient of the weights, which is overwritten; false where something in it is not finite.
template <class T>
bool winograd_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw);

}  // namespace norma::kernels
