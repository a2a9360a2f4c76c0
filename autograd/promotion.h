// PyTorch's rules for the dtype of mixed operands. For Norma's own sources.
#pragma once
#include <utility>

#include "norma/core/scalar.h"
#include "norma/core/tensor.h"

namespace norma::autograd {

/// The dtype of an operation on both. A tensor with dimensions outranks 0-d tensors and numbers of
/// the same kind (bool, integer, floating); a higher kind always wins.
DType result_type(const Tensor& a, const Tensor& b, const char* op = "result_type");
DType result_type(const Tensor& a, Scalar b, const char* op = "result_type");

/// `dtype` where it is floating, kFloat32 otherwise: the result of `div`, `exp`, `mean` of
/// integers.
constexpr DType floating_type(DType dtype) { return is_floating(dtype) ? dtype : kFloat32; }

/// The type in which an operation on single elements is computed: kInt32 as kInt64, so that there
/// are no loops of its own for it; what does not fit wraps around on the way back.
constexpr DType computed_type(DType dtype) { return dtype == kInt32 ? kInt64 : dtype; }
/// What is left of a number that is to be an operand of that dtype, for computed_type.
inline Scalar wrapped(Scalar x, DType dtype) { return dtype == kInt32 ? x.to<int32_t>() : x; }
/// The same of a tensor's values, in that type.
inline Tensor operand(const Tensor& x, DType dtype) {
  if (dtype == kInt32 && x.dtype() == kInt64) return x.detach().to(kInt32).to(kInt64);
  return x.dtype() == computed_type(dtype) ? x : x.detach().to(computed_type(dtype));
}
/// `dispatch` for a type that `computed_type` gave.
template <class F>
decltype(auto) dispatch_computed(DType dtype, F&& f) {
  if (dtype == kBool) return f.template operator()<bool>();
  if (dtype == kUInt8) return f.template operator()<uint8_t>();
  if (dtype == kInt64) return f.template operator()<int64_t>();
  return dispatch_floating(dtype, std::forward<F>(f));
}

}  // namespace norma::autograd
