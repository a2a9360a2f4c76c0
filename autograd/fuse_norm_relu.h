// `relu(bn(x))`: a ReLU that overwrote the norm's result (donation.h) becomes part of the norm's
// node (`Node::take_relu`), so that backward is one pass. Not where the norm's output was changed
// in between or has another owner, where its graph was freed, or while an observer watches. For a
// norm and a ReLU that are one pass in forward, too, see layers/fuse_norm_relu.h.
#pragma once
#include "norma/core/tensor.h"

namespace norma::autograd {

/// Where `out`, the ReLU of `operand`, lies in its memory, and the operation behind the operand is
/// a norm: makes `out` the result of that operation, whose backward includes the ReLU's.
bool fuse_norm_relu(const Tensor& operand, Tensor& out);

}  // namespace norma::autograd
