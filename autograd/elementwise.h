// How functions of single elements become operations. For Norma's own sources.
#pragma once
#include "norma/autograd/donation.h"
#include "norma/autograd/promotion.h"
#include "norma/autograd/record.h"
#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/kernels/plain/elementwise.h"

namespace norma::autograd {

/// The dtype of `tensor`, which is not kBool.
inline DType number_type(const char* op, const Tensor& tensor) {
  const DType dtype = defined_impl(tensor, op)->dtype;
  if (dtype == kBool) fail(op, "expected numbers, got a bool tensor; convert it with to(kFloat32)");
  return dtype;
}

/// out = f(a, b) on the promoted dtype; `F` is called as f(x, y) with two values of one type.
/// `donated`: the caller is done with the operands, see `donate_or_new`.
template <class F>
Tensor binary(const char* op, const Tensor& a, const Tensor& b, DType result, F f,
              bool donated = false) {
  const Shape& sa = defined_impl(a, op)->sizes;
  const Shape& sb = defined_impl(b, op)->sizes;
  const Shape sizes = sa == sb ? sa : broadcast_shapes(sa, sb, op);
  const DType dtype = computed_type(result);
  const bool second = donated && !(sa == sizes && is_donatable(a));
  Tensor out = donated ? donate_or_new(second ? b : a, sizes, dtype) : new_tensor(sizes, dtype);
  const Tensor x = operand(a, result), y = operand(b, result);
  dispatch_computed(dtype, [&]<class T>() { kernels::map2<T, T>(out, x, y, f); });
  if (dtype != result) return out.to(result);
  return out;
}

/// The same with one value for b.
template <class F>
Tensor binary(const Tensor& a, Scalar b, DType result, F f, bool donated = false) {
  const DType dtype = computed_type(result);
  Tensor out = donated ? donate_or_new(a, a.sizes(), dtype) : new_tensor(a.sizes(), dtype);
  const Tensor x = operand(a, result);
  const Scalar y = wrapped(b, result);
  dispatch_computed(dtype, [&]<class T>() { kernels::map2<T, T>(out, x, y.to<T>(), f); });
  if (dtype != result) return out.to(result);
  return out;
}

template <class F>
Tensor unary(const Tensor& x, DType result, F f, bool donated = false) {
  const DType dtype = computed_type(result);
  Tensor out = donated ? donate_or_new(x, x.sizes(), dtype) : new_tensor(x.sizes(), dtype);
  const Tensor from = operand(x, result);
  dispatch_computed(dtype, [&]<class T>() { kernels::map<T, T>(out, from, f); });
  if (dtype != result) return out.to(result);
  return out;
}

/// For functions that make sense on floating values only; integers are taken as kFloat32.
template <class F>
Tensor unary_floating(const char* op, const Tensor& x, F f) {
  const DType dtype = floating_type(defined_impl(x, op)->dtype);
  Tensor out = new_tensor(x.sizes(), dtype);
  const Tensor from = x.dtype() == dtype ? x : x.detach().to(dtype);
  dispatch_floating(dtype, [&]<class T>() { kernels::map<T, T>(out, from, f); });
  return out;
}

/// For functions with a plain twin.
template <class F>
Tensor unary_floating(const char* op, const Tensor& x, double (*plain)(double), F f) {
  return plain_kernels() ? unary_floating(op, x, kernels::plain::Function{plain})
                         : unary_floating(op, x, f);
}

/// The same of two tensors.
template <class F>
Tensor binary_floating(const char* op, const Tensor& a, const Tensor& b, F f) {
  const DType dtype = floating_type(result_type(a, b, op));
  Tensor out = new_tensor(broadcast_shapes(a.sizes(), b.sizes(), op), dtype);
  const Tensor x = a.detach().to(dtype), y = b.detach().to(dtype);
  dispatch_floating(dtype, [&]<class T>() { kernels::map2<T, T>(out, x, y, f); });
  return out;
}

/// A function of core/elementary.h, in both types.
struct Elementary {
  double (*wide)(double);
  float (*narrow)(float);
  double operator()(double x) const { return wide(x); }
  float operator()(float x) const { return narrow(x); }
};

/// y = f(x), of which slope(x) is the derivative, made of tensor operations.
template <class Slope>
Tensor smooth(const char* op, const Tensor& x, Elementary f, Slope slope) {
  return record(op, unary_floating(op, x, f), {&x},
                [slope, x = Saved(x)](const Tensor& g, InputGrads& d) { d[0] = g.mul(slope(*x)); });
}

/// f(g, x) in one pass, for backward functions that are done with g then: it may hold the result.
template <class F>
Tensor combine(const Tensor& g, const Tensor& x, F f) {
  Tensor out = donate_or_new(g, g.sizes(), g.dtype());
  const Tensor y = x.dtype() == g.dtype() ? x : x.to(g.dtype());
  dispatch_floating(g.dtype(), [&]<class T>() { kernels::map2<T, T>(out, g, y, f); });
  return out;
}
template <class F>
Tensor combine(const Tensor& g, const Tensor& x, double (*plain)(double, double), F f) {
  return plain_kernels() ? combine(g, x, kernels::plain::Gradient{plain}) : combine(g, x, f);
}

/// f(g, x) = g s(x) where s is constant between kinks, for backward.
template <class F>
Tensor combine_constant(const Tensor& g, const Tensor& x, F f) {
  if (!grad_enabled()) return combine(g, x, f);
  const Tensor slope = combine(ones(g.sizes(), {.dtype = g.dtype()}), x.detach(), f);
  return g.mul(record("slope", slope, {&x}, [](const Tensor& u, InputGrads& d) {
    d[0] = zeros_like(u);  // as in PyTorch, and not nothing
  }));
}

/// The part of g that goes to an operand, which is 0 where its share is, also of infinities.
inline Tensor share_of(const Tensor& g, const Tensor& share) {
  if (grad_enabled()) return g.mul(share).masked_fill(share.eq(0), 0);
  return binary_floating("share", g, share,
                         [](auto u, auto v) NORMA_INLINE { return v == 0 ? v : u * v; });
}

}  // namespace norma::autograd
