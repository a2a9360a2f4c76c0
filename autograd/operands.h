// Checks and views of operands that operations on dense memory share. For Norma's own sources.
#pragma once
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

/// What `tensor` points at, whose elements are floating; throws `[op] …` otherwise.
inline const TensorImpl* check_floating(const char* op, const Tensor& tensor,
                                        const char* name = "input") {
  const TensorImpl* impl = defined_impl(tensor, op);
  if (!is_floating(impl->dtype)) {
    fail(op, "expected a floating ", name, ", got ", impl->dtype, "; convert it with to(kFloat32)");
  }
  return impl;
}

/// The values in row-major order, outside the graph: the tensor itself where it is so already.
inline Tensor packed(const Tensor& tensor) {
  return !tensor.defined() || tensor.is_contiguous() ? tensor : tensor.detach().contiguous();
}

/// The elements of a contiguous tensor, null where it is undefined.
template <class T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.impl()->data_as<T>() : nullptr;
}

}  // namespace norma::autograd
