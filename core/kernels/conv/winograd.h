// Convolutions of 3×3 on tiles of 2×2 outputs with 16 multiplications each instead of 36:
// Winograd's F(2×2, 3×3), after Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2015). The plain twin: core/kernels/plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/conv_shape.h"
#include "norma/core/kernels/tile.h"

namespace norma::kernels {

/// Whether a convolution is of this kind (3×3, stride 1, a padding of one cell) and large enough to
/// gain by it.
bool winograd_suits(const Conv2dShape& s);
bool winograd_suits_weight_grad(const Conv2dShape& s);

/// y = x ⋆ w + bias with the weights seen through `view`, whose groups are `group_stride` apart.
/// `bias` may be null. False where something in y is not finite: differences of infinities make NaN
/// of them, and sums overflow that the direct way does not take, so that it has to decide.
template <class T>
bool winograd_correlate(const Conv2dShape& s, const WeightView<T>& view, int64_t group_stride,
                        const T* bias, const T* x, T* y);

/// The gradient of the weights, which is overwritten; false as above.
template <class T>
bool winograd_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw);

}  // namespace norma::kernels
