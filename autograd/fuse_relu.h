// A norm and the ReLU behind it as one operation. Two places decide:
// - `nn::Sequential`, before it runs: a BatchNorm followed by a ReLU is computed in one pass,
//   forward and backward (`BatchNorm::with_relu`). Not for derived classes, which may have their
//   own forward().
// - `fuse_relu`, after a ReLU of a temporary, `relu(bn(x))`, was written over it (donation.h): the
//   norm's node takes the ReLU over (`Node::take_relu`), so that backward is one pass. Not where
//   the norm's output was changed in between, has another owner, or its graph was freed.
// Neither while an observer watches: it is told of both operations.
#pragma once
#include "norma/core/tensor.h"

namespace norma::autograd {

/// Where `out`, the ReLU of `operand`, took over its memory, and the operation behind the operand
/// can: makes `out` the result of that operation, whose backward includes the ReLU's.
bool fuse_relu(const Tensor& operand, Tensor& out);

}  // namespace norma::autograd
