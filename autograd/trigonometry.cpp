// Functions of angles, and their inverses.
#include <cmath>
#include <numbers>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"

namespace norma {

using namespace autograd;

namespace {

Tensor one_over_root(const Tensor& x) { return x.rsqrt(); }

}  // namespace

Tensor TensorMethods::sin() const {
  return smooth("sin", self(), {elementary::sin, elementary::sin},
                [](const Tensor& x) { return x.cos(); });
}

Tensor TensorMethods::cos() const {
  return smooth("cos", self(), {elementary::cos, elementary::cos},
                [](const Tensor& x) { return x.sin().neg(); });
}

Tensor TensorMethods::tan() const {
  return smooth("tan", self(), {elementary::tan, elementary::tan},
                [](const Tensor& x) { return x.tan().square() + 1; });
}

Tensor TensorMethods::asin() const {
  return smooth("asin", self(), {elementary::asin, elementary::asin},
                [](const Tensor& x) { return one_over_root(1 - x.square()); });
}

Tensor TensorMethods::acos() const {
  return smooth("acos", self(), {elementary::acos, elementary::acos},
                [](const Tensor& x) { return one_over_root(1 - x.square()).neg(); });
}

Tensor TensorMethods::atan() const {
  return smooth("atan", self(), {elementary::atan, elementary::atan},
                [](const Tensor& x) { return (x.square() + 1).reciprocal(); });
}

Tensor TensorMethods::sinh() const {
  return smooth("sinh", self(), {elementary::sinh, elementary::sinh},
                [](const Tensor& x) { return x.cosh(); });
}

Tensor TensorMethods::cosh() const {
  return smooth("cosh", self(), {elementary::cosh, elementary::cosh},
                [](const Tensor& x) { return x.sinh(); });
}

Tensor TensorMethods::asinh() const {
  return smooth("asinh", self(), {elementary::asinh, elementary::asinh},
                [](const Tensor& x) { return one_over_root(x.square() + 1); });
}

Tensor TensorMethods::acosh() const {
  return smooth("acosh", self(), {elementary::acosh, elementary::acosh},
                [](const Tensor& x) { return one_over_root(x.square() - 1); });
}

Tensor TensorMethods::atanh() const {
  return smooth("atanh", self(), {elementary::atanh, elementary::atanh},
                [](const Tensor& x) { return (1 - x.square()).reciprocal(); });
}

Tensor TensorMethods::atan2(const Tensor& other) const {
  Tensor out = binary_floating("atan2", self(), other,
                               [](auto y, auto x) NORMA_INLINE { return elementary::atan2(y, x); });
  return record("atan2", out, {&self(), &other},
                [y = Saved(self()), x = Saved(other)](const Tensor& g, InputGrads& d) {
                  const Tensor square = y->square() + x->square(), zero = square.eq(0);
                  const Tensor share = g.div(square.masked_fill(zero, 1)).masked_fill(zero, 0);
                  if (d.needs(0)) d[0] = share.mul(*x);
                  if (d.needs(1)) d[1] = share.mul(y->neg());
                });
}

Tensor TensorMethods::hypot(const Tensor& other) const {
  const DType dtype = result_type(self(), other, "hypot");
  if (!is_floating(dtype)) {
    fail("hypot", "expected floating tensors, got ", dtype, "; convert one with to(kFloat32)");
  }
  Tensor out = binary_floating("hypot", self(), other,
                               [](auto x, auto y) NORMA_INLINE { return elementary::hypot(x, y); });
  return record(
      "hypot", out, {&self(), &other},
      [x = Saved(self()), y = Saved(other), r = Saved(out)](const Tensor& g, InputGrads& d) {
        if (d.needs(0)) d[0] = g.mul(x->div(*r));
        if (d.needs(1)) d[1] = g.mul(y->div(*r));
      });
}

namespace {

/// (cos(πx) - sinc(x)) / x, by its series where that would cancel.
double sinc_slope(double x) {
  const double angle = std::numbers::pi * x, z = angle * angle;
  if (std::fabs(angle) > 0.5) {
    return (elementary::cos(angle) - elementary::sin(angle) / angle) / x;
  }
  const double series = z * (1.0 / 30 + z * (-1.0 / 840 + z * (1.0 / 45360 - z / 3991680)));
  return std::numbers::pi * angle * (series - 1.0 / 3);
}

}  // namespace

Tensor TensorMethods::sinc() const {
  Tensor out = unary_floating("sinc", self(), [](auto x) NORMA_INLINE {
    const double angle = std::numbers::pi * static_cast<double>(x);
    return static_cast<decltype(x)>(angle == 0 ? 1 : elementary::sin(angle) / angle);
  });
  return record("sinc", out, {&self()}, [x = Saved(self())](const Tensor& g, InputGrads& d) {
    if (!grad_enabled()) {
      d[0] = combine(g, *x, [](auto u, auto v) NORMA_INLINE {
        return u * static_cast<decltype(u)>(sinc_slope(static_cast<double>(v)));
      });
      return;
    }
    const Tensor zero = x->eq(0), away = x->masked_fill(zero, 1);
    const Tensor angle = away.mul(std::numbers::pi);
    d[0] = g.mul(((angle.cos() - angle.sin() / angle) / away).masked_fill(zero, 0));
  });
}

Tensor& TensorMethods::sin_() { return assign("sin_", self(), original(self(), self()).sin()); }
Tensor& TensorMethods::cos_() { return assign("cos_", self(), original(self(), self()).cos()); }

}  // namespace norma
