// Cross-correlation as a product of the weights with the unrolled rows of the images; its plain
// twin: core/kernels/plain/conv.h.
#pragma once
#include "norma/core/kernels/conv/conv_shape.h"
#include "norma/core/kernels/tile.h"

namespace norma::kernels {

/// y = x ⋆ w + bias with the weights seen through `view`, whose groups are `group_stride` apart.
/// `bias` may be null.
template <class T>
void correlate(const Conv2dShape& s, const WeightView<T>& view, int64_t group_stride, const T* bias,
               const T* x, T* y);

}  // namespace norma::kernels
