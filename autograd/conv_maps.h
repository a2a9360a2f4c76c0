// What convolutions and transposed convolutions are made of. For Norma's own sources.
#pragma once
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/tensor.h"

namespace norma::autograd {

/// Which of a convolution's three tensors the other two give.
enum class Third { Output, Input, Weight };

/// y = x ⋆ w, and with a gradient g of y in the place of one factor the gradients of x and w. Each
/// is linear in both of its operands, and its derivatives are the other two. `first` and `second`:
/// x and w; g and w for Third::Input; x and g for Third::Weight. `sizes`: the result's.
Tensor bilinear(const char* op, const kernels::Conv2dShape& shape, Third third, const Shape& sizes,
                const Tensor& first, const Tensor& second);

/// The sum for every channel, in the second dimension.
Tensor sum_channels(const Tensor& g);

}  // namespace norma::autograd
