// PyTorch's rule for the dtype of an operation on a tensor and a number.
#pragma once
#include "norma/norma.h"

namespace norma::libtorch {

/// A number outranks tensors of lower kinds (bool, integer, floating) alone, as kFloat32 or kInt64.
inline DType common_type(const Tensor& a, Scalar b) {
  if (is_floating(b.dtype())) return is_floating(a.dtype()) ? a.dtype() : kFloat32;
  return a.dtype() == kBool ? b.dtype() : a.dtype();
}

}  // namespace norma::libtorch
