// PyTorch's rules for the dtype of mixed operands. For Norma's own sources.
#pragma once
#include "norma/core/tensor.h"

namespace norma::autograd {

/// The dtype of an operation on both. A tensor with dimensions outranks 0-d tensors and numbers of
/// the same kind (bool, integer, floating); a higher kind always wins.
DType result_type(const Tensor& a, const Tensor& b, const char* op = "result_type");
DType result_type(const Tensor& a, Scalar b, const char* op = "result_type");

/// `dtype` where it is floating, kFloat32 otherwise: the result of `div`, `exp`, `mean` of
/// integers.
constexpr DType floating_type(DType dtype) { return is_floating(dtype) ? dtype : kFloat32; }

}  // namespace norma::autograd
