// A BatchNorm and the ReLU behind it, computed in one pass over memory: who decides, and when not.
//
// - `Sequential` asks `is_norm_and_relu` about each of its modules and the next one. Derived
//   classes are left alone, since they may have their own forward().
// - A program can ask for it: `bn.with_relu(x)`, or `functional::batch_norm` with `relu = true`.
// - In `relu(bn(x))` the ReLU is an operation of its own; if it overwrites the norm's result,
//   backward is one pass all the same (autograd/fuse_norm_relu.h).
//
// While an observer watches, or a hook is on one of them, nothing is fused: they see both modules
// and both operations. The results are the same bits either way. The pass itself:
// core/kernels/norm/batch_norm.cpp.
#pragma once
#include "norma/layers/batch_norm.h"

namespace norma::nn {

/// Whether these are a BatchNorm and a ReLU.
bool is_norm_and_relu(const Module& norm, const Module& relu);

/// `relu(norm(x))`, in one pass unless an observer watches or one has hooks.
Tensor norm_and_relu(BatchNorm& norm, Module& relu, Tensor x);

}  // namespace norma::nn
