// What three tensors become together.
#include <algorithm>
#include <cmath>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"

namespace norma {

using namespace autograd;

namespace {

void check_lerp(const Tensor& start, const Tensor& other, const char* name) {
  const DType dtype = defined_impl(start, "lerp")->dtype;
  if (!is_floating(dtype)) {
    fail("lerp", "expected floating tensors, got ", dtype, "; convert with to(kFloat32)");
  }
  if (defined_impl(other, "lerp")->dtype != dtype) {
    fail("lerp", "expected ", name, " of the dtype ", dtype, ", got ", other.dtype());
  }
}

/// From the nearer end, so that the ends themselves are met.
template <class T>
NORMA_INLINE inline T between(T start, T end, T weight) {
  return std::fabs(weight) < T(0.5) ? start + weight * (end - start)
                                    : end - (end - start) * (1 - weight);
}

/// value · factor, where both are integers if `dtype` is.
Tensor times(const Tensor& factor, Scalar value, DType dtype) {
  if (!is_floating(dtype)) {
    const int64_t whole = value.to<int64_t>();
    const auto [least, most] = range_of(dtype);
    if (whole < (dtype == kUInt8 ? -most : least) || whole > most)
      fail("addcmul", "expected a value that fits ", dtype, ", got ", whole);
    value = whole;
  }
  return value.to<double>() == 1 ? factor : factor.mul(value);
}

}  // namespace

Tensor TensorMethods::lerp(const Tensor& end, Scalar weight) const {
  check_lerp(self(), end, "an end");
  const double w = weight.to<double>();
  Tensor out = binary_floating("lerp", self(), end, [w](auto a, auto b) NORMA_INLINE {
    return between(a, b, static_cast<decltype(a)>(w));
  });
  return record({"lerp", {{"weight", w}}}, out, {&self(), &end},
                [w](const Tensor& g, InputGrads& d) {
                  if (d.needs(0)) d[0] = g.mul(1 - w);
                  if (d.needs(1)) d[1] = g.mul(w);
                });
}

Tensor TensorMethods::lerp(const Tensor& end, const Tensor& weight) const {
  check_lerp(self(), end, "an end");
  check_lerp(self(), weight, "a weight");
  const Tensor a = self().detach(), b = end.detach(), w = weight.detach(), way = b - a;
  const Tensor out = norma::where(w.abs().lt(0.5), a + w * way, b - way * (1 - w));
  return record(
      "lerp", out, {&self(), &end, &weight},
      [x = Saved(self()), y = Saved(end), w = Saved(weight)](const Tensor& g, InputGrads& d) {
        if (d.needs(0)) d[0] = g.mul(1 - *w);
        if (d.needs(1)) d[1] = g.mul(*w);
        if (d.needs(2)) d[2] = g.mul(y->sub(*x));
      });
}

Tensor TensorMethods::addcmul(const Tensor& a, const Tensor& b, Scalar value) const {
  const DType both = result_type(a, b, "addcmul");
  const DType dtype = std::max(both, defined_impl(self(), "addcmul")->dtype);
  if (dtype == kBool) fail("addcmul", "expected numbers, got bool tensors");
  if (!is_floating(dtype)) {  // nothing wraps around in a type that is not the result's
    const Shape rank(a.dim() + b.dim() > 0 ? Shape{1} : Shape{});
    const DType common = result_type(self(), zeros(rank, {.dtype = both}), "addcmul");
    return self().add(times(a.to(common), value, common).mul(b.to(common)));
  }
  return self().add(times(a, value, dtype).mul(b));
}

Tensor TensorMethods::addcdiv(const Tensor& a, const Tensor& b, Scalar value) const {
  const DType both = result_type(a, b, "addcdiv");
  defined_impl(self(), "addcdiv");
  if (!is_floating(both)) {
    fail("addcdiv", "expected one of the operands to be floating, got ", a.dtype(), " and ",
         b.dtype(), "; convert one with to(kFloat32)");
  }
  return self().add(times(a, value, both).div(b));
}

Tensor& TensorMethods::lerp_(const Tensor& end, const Tensor& weight) {
  return assign("lerp_", self(), original(self(), weight).lerp(end, weight));
}
Tensor& TensorMethods::lerp_(const Tensor& end, Scalar weight) {
  return assign("lerp_", self(), lerp(end, weight));
}
Tensor& TensorMethods::addcmul_(const Tensor& a, const Tensor& b, Scalar value) {
  return assign("addcmul_", self(), addcmul(a, b, value));
}
Tensor& TensorMethods::addcdiv_(const Tensor& a, const Tensor& b, Scalar value) {
  return assign("addcdiv_", self(), addcdiv(a, b, value));
}

}  // namespace norma
