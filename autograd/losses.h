// What losses share. For Norma's own sources.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

inline void check_reduction(const char* op, Reduction reduction) {
  if (reduction == Reduction::BatchMean) {
    fail(op, "expected Reduction None, Mean or Sum, got BatchMean, which kl_div alone has");
  }
}

inline void check_same_size(const char* op, const Tensor& input, const Tensor& target) {
  const Shape &expected = defined_impl(input, op)->sizes, &got = defined_impl(target, op)->sizes;
  if (got == expected) return;
  fail(op, "Target size ", got, " must be the same as input size ", expected,
       "; reshape or expand one to the other's size");
}

inline void check_constant(const char* op, const char* name, const Tensor& weight) {
  if (!weight.defined() || !weight.requires_grad()) return;
  fail(op, "expected ", name,
       " that needs no gradient, got one that requires_grad; pass its detach()");
}

/// What becomes of the losses of all elements.
inline Tensor reduced(const char* op, const Tensor& losses, Reduction reduction) {
  check_reduction(op, reduction);
  if (reduction == Reduction::None) return losses;
  return reduction == Reduction::Mean ? losses.mean() : losses.sum();
}

}  // namespace norma::autograd
