// Powers, roots, logarithms, and the error function.
#include <cmath>
#include <limits>
#include <numbers>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"

namespace norma {

using namespace autograd;

Tensor TensorMethods::exp2() const {
  return smooth("exp2", self(), {elementary::exp2, elementary::exp2},
                [](const Tensor& x) { return x.exp2().mul(std::numbers::ln2); });
}

Tensor TensorMethods::expm1() const {
  return smooth("expm1", self(), {elementary::expm1, elementary::expm1},
                [](const Tensor& x) { return x.exp(); });
}

Tensor TensorMethods::log1p() const {
  return smooth("log1p", self(), {elementary::log1p, elementary::log1p},
                [](const Tensor& x) { return (x + 1).reciprocal(); });
}

Tensor TensorMethods::log2() const {
  return smooth("log2", self(), {elementary::log2, elementary::log2},
                [](const Tensor& x) { return (x * std::numbers::ln2).reciprocal(); });
}

Tensor TensorMethods::log10() const {
  return smooth("log10", self(), {elementary::log10, elementary::log10},
                [](const Tensor& x) { return (x * std::numbers::ln10).reciprocal(); });
}

Tensor TensorMethods::rsqrt() const {
  Tensor out =
      unary_floating("rsqrt", self(), [](auto x) NORMA_INLINE { return 1 / std::sqrt(x); });
  return record("rsqrt", out, {&self()}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
    d[0] = g.mul(-0.5).mul(y->pow(3));
  });
}

Tensor TensorMethods::reciprocal() const {
  defined_impl(self(), "reciprocal");
  return 1 / self();
}

Tensor TensorMethods::erf() const {
  return smooth("erf", self(), {elementary::erf, elementary::erf}, [](const Tensor& x) {
    return x.square().neg().exp().mul(2 * std::numbers::inv_sqrtpi);
  });
}

Tensor TensorMethods::erfc() const {
  return smooth("erfc", self(), {elementary::erfc, elementary::erfc}, [](const Tensor& x) {
    return x.square().neg().exp().mul(-2 * std::numbers::inv_sqrtpi);
  });
}

namespace {

/// A rational approximation, and two steps of Newton's method; NaN outside [-1, 1].
double inverse_erf(double y) {
  const double a = std::fabs(y);
  if (!(a < 1)) {
    return a == 1 ? std::copysign(std::numeric_limits<double>::infinity(), y)
                  : std::numeric_limits<double>::quiet_NaN();
  }
  double x = 0;
  if (a <= 0.7) {
    const double z = y * y;
    x = y * (((-0.140543331 * z + 0.914624893) * z - 1.645349621) * z + 0.886226899) /
        ((((0.012229801 * z - 0.329097515) * z + 1.442710462) * z - 2.118377725) * z + 1);
  } else {
    const double z = std::sqrt(-elementary::log((1 - a) / 2));
    x = std::copysign((((1.641345311 * z + 3.429567803) * z - 1.624906493) * z - 1.970840454) /
                          ((1.637067800 * z + 3.543889200) * z + 1),
                      y);
  }
  for (int i = 0; i < 2; ++i) {
    // By erfc where erf is so near 1 that its digits are lost.
    const double error = a <= 0.7 ? elementary::erf(x) - y
                                  : std::copysign((1 - a) - elementary::erfc(std::fabs(x)), y);
    x -= error / (2 * std::numbers::inv_sqrtpi * elementary::exp(-x * x));
  }
  return x;
}

}  // namespace

Tensor TensorMethods::erfinv() const {
  Tensor out = unary_floating("erfinv", self(), [](auto y) NORMA_INLINE {
    return static_cast<decltype(y)>(inverse_erf(static_cast<double>(y)));
  });
  return record("erfinv", out, {&self()}, [y = Saved(self())](const Tensor& g, InputGrads& d) {
    d[0] = g.mul(y->erfinv().square().exp().mul(0.5 / std::numbers::inv_sqrtpi));
  });
}

Tensor TensorMethods::logaddexp(const Tensor& other) const {
  const DType dtype = result_type(self(), other, "logaddexp");
  if (!is_floating(dtype)) {
    fail("logaddexp", "expected floating tensors, got ", dtype, "; convert one with to(kFloat32)");
  }
  Tensor out = binary_floating("logaddexp", self(), other, [](auto x, auto y) NORMA_INLINE {
    const double a = static_cast<double>(x), b = static_cast<double>(y);
    const double less = elementary::log1p(elementary::exp(-std::fabs(a - b)));
    return static_cast<decltype(x)>(a == b ? a + std::numbers::ln2 : (a > b ? a : b) + less);
  });
  return record("logaddexp", out, {&self(), &other},
                [x = Saved(self()), y = Saved(other)](const Tensor& g, InputGrads& d) {
                  if (d.needs(0)) d[0] = g.div((*y - *x).exp() + 1);
                  if (d.needs(1)) d[1] = g.div((*x - *y).exp() + 1);
                });
}

Tensor& TensorMethods::log_() { return assign("log_", self(), original(self(), self()).log()); }
Tensor& TensorMethods::rsqrt_() { return assign("rsqrt_", self(), rsqrt()); }
Tensor& TensorMethods::reciprocal_() { return assign("reciprocal_", self(), reciprocal()); }
Tensor& TensorMethods::square_() {
  return assign("square_", self(), original(self(), self()).square());
}

}  // namespace norma
