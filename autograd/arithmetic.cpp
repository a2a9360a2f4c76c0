// + - * / and powers, with dtype promotion, and their in-place forms.
#include <algorithm>
#include <cmath>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"
#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"

namespace norma {

namespace autograd {

namespace {
int kind(DType dtype) { return dtype == kBool ? 0 : is_floating(dtype) ? 2 : 1; }
}  // namespace

DType result_type(const Tensor& a, const Tensor& b, const char* op) {
  const DType da = defined_impl(a, op)->dtype, db = defined_impl(b, op)->dtype;
  if (da == db) return da;
  const bool a_weak = a.dim() == 0 && b.dim() != 0, b_weak = b.dim() == 0 && a.dim() != 0;
  if (b_weak && kind(da) >= kind(db)) return da;
  if (a_weak && kind(db) >= kind(da)) return db;
  return std::max(da, db);
}

DType result_type(const Tensor& a, Scalar b, const char* op) {
  const DType dtype = defined_impl(a, op)->dtype;
  if (kind(dtype) >= kind(b.dtype())) return dtype;
  return b.dtype() == kFloat64 ? kFloat32 : b.dtype();
}

}  // namespace autograd

using namespace autograd;

namespace {

/// Integers wrap around, which C++ promises for unsigned ones only.
template <class T>
NORMA_INLINE inline auto modular(T x) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return static_cast<uint64_t>(x);
  } else {
    return x;
  }
}

constexpr auto kAdd = [](auto x, auto y) NORMA_INLINE {
  return static_cast<decltype(x)>(modular(x) + modular(y));
};
constexpr auto kSub = [](auto x, auto y) NORMA_INLINE {
  return static_cast<decltype(x)>(modular(x) - modular(y));
};
constexpr auto kMul = [](auto x, auto y) NORMA_INLINE {
  return static_cast<decltype(x)>(modular(x) * modular(y));
};
constexpr auto kDiv = [](auto x, auto y) NORMA_INLINE { return static_cast<decltype(x)>(x / y); };

void refuse_bool_subtraction(const Tensor& a, DType b) {
  if (a.dtype() == kBool || b == kBool) {
    fail("sub",
         "expected numbers, got bool operands; use ne() or logical_not(), or convert with to()");
  }
}

/// The in-place form of a binary operation: straight into `self` where no graph, no observer and no
/// overlap is in the way, through a fresh result otherwise.
template <class F, class Out>
Tensor& binary_in_place(const char* op, Tensor& self, const Tensor& other, F f, Out out_of_place) {
  const TensorImpl *a = defined_impl(self, op), *b = defined_impl(other, op);
  const bool direct =
      a->dtype == b->dtype && is_floating(a->dtype) &&
      (a->sizes == b->sizes || broadcast_shapes(a->sizes, b->sizes, op) == a->sizes) &&
      (a->storage.get() != b->storage.get() ||
       (a->contiguous && b->contiguous && a->offset == b->offset && a->numel == b->numel)) &&
      !recording({&self, &other}) && !observer();
  if (!direct) return assign(op, self, out_of_place());
  check_in_place(op, self);
  dispatch_floating(a->dtype, [&]<class T>() { kernels::map2<T, T>(self, self, other, f); });
  impl_of(self)->storage->bump_version();
  return self;
}

template <class F, class Out>
Tensor& binary_in_place(const char* op, Tensor& self, Scalar other, F f, Out out_of_place) {
  const TensorImpl* a = defined_impl(self, op);
  if (!is_floating(a->dtype) || recording({&self}) || observer())
    return assign(op, self, out_of_place());
  check_in_place(op, self);
  dispatch_floating(a->dtype,
                    [&]<class T>() { kernels::map2<T, T>(self, self, other.to<T>(), f); });
  impl_of(self)->storage->bump_version();
  return self;
}

// `donated`: nobody else uses the operands, so that one which backward does not need may be
// overwritten.

Tensor add_of(const Tensor& x, const Tensor& y, bool donated) {
  Tensor out = binary("add", x, y, result_type(x, y, "add"), kAdd, donated);
  return record("add", out, {&x, &y}, [](const Tensor& g, InputGrads& d) { d[0] = d[1] = g; });
}

Tensor sub_of(const Tensor& x, const Tensor& y, bool donated) {
  const DType dtype = result_type(x, y, "sub");
  refuse_bool_subtraction(x, y.dtype());
  Tensor out = binary("sub", x, y, dtype, kSub, donated);
  return record("sub", out, {&x, &y}, [](const Tensor& g, InputGrads& d) {
    d[0] = g;
    if (d.needs(1)) d[1] = g.neg();
  });
}

Tensor mul_of(const Tensor& x, const Tensor& y, bool donated) {
  const bool recorded = recording({&x, &y});
  Tensor out = binary("mul", x, y, result_type(x, y, "mul"), kMul, donated && !recorded);
  if (!recorded && !observer()) return out;
  const bool grad_x = y.requires_grad(), grad_y = x.requires_grad();
  return record("mul", out, {&x, &y},
                [a = Saved(grad_x ? x : Tensor()), b = Saved(grad_y ? y : Tensor())](
                    const Tensor& g, InputGrads& d) {
                  if (d.needs(0)) d[0] = g.mul(*b);
                  if (d.needs(1)) d[1] = g.mul(*a);
                });
}

Tensor div_of(const Tensor& x, const Tensor& y, bool donated) {
  const DType dtype = floating_type(result_type(x, y, "div"));
  Tensor out = binary("div", x, y, dtype, kDiv, donated && !recording({&x, &y}));
  return record(
      "div", out, {&x, &y},
      [a = Saved(y.requires_grad() ? x : Tensor()), b = Saved(y)](const Tensor& g, InputGrads& d) {
        if (d.needs(0)) d[0] = g.div(*b);
        if (d.needs(1)) d[1] = g.neg().mul(a->div(*b).div(*b));
      });
}

Tensor add_of(const Tensor& x, Scalar y, bool donated) {
  Tensor out = binary(x, y, result_type(x, y, "add"), kAdd, donated);
  return record({"add", {{"other", y}}}, out, {&x},
                [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

Tensor sub_of(const Tensor& x, Scalar y, bool donated) {
  const DType dtype = result_type(x, y, "sub");
  refuse_bool_subtraction(x, y.dtype());
  Tensor out = binary(x, y, dtype, kSub, donated);
  return record({"sub", {{"other", y}}}, out, {&x},
                [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

Tensor mul_of(const Tensor& x, Scalar y, bool donated) {
  Tensor out = binary(x, y, result_type(x, y, "mul"), kMul, donated);
  return record({"mul", {{"other", y}}}, out, {&x},
                [y](const Tensor& g, InputGrads& d) { d[0] = g.mul(y); });
}

Tensor div_of(const Tensor& x, Scalar y, bool donated) {
  const DType dtype = floating_type(defined_impl(x, "div")->dtype);
  Tensor out = binary(x, y, dtype, kDiv, donated);
  return record({"div", {{"other", y}}}, out, {&x},
                [y](const Tensor& g, InputGrads& d) { d[0] = g.div(y); });
}

}  // namespace

Tensor Tensor::add(const Tensor& other) const { return add_of(*this, other, false); }
Tensor Tensor::sub(const Tensor& other) const { return sub_of(*this, other, false); }
Tensor Tensor::mul(const Tensor& other) const { return mul_of(*this, other, false); }
Tensor Tensor::div(const Tensor& other) const { return div_of(*this, other, false); }
Tensor operator+(Tensor a, Tensor b) { return add_of(a, b, true); }
Tensor operator-(Tensor a, Tensor b) { return sub_of(a, b, true); }
Tensor operator*(Tensor a, Tensor b) { return mul_of(a, b, true); }
Tensor operator/(Tensor a, Tensor b) { return div_of(a, b, true); }
Tensor Tensor::add(Scalar other) const { return add_of(*this, other, false); }
Tensor Tensor::sub(Scalar other) const { return sub_of(*this, other, false); }
Tensor Tensor::mul(Scalar other) const { return mul_of(*this, other, false); }
Tensor Tensor::div(Scalar other) const { return div_of(*this, other, false); }
Tensor operator+(Tensor a, Scalar b) { return add_of(a, b, true); }
Tensor operator-(Tensor a, Scalar b) { return sub_of(a, b, true); }
Tensor operator*(Tensor a, Scalar b) { return mul_of(a, b, true); }
Tensor operator/(Tensor a, Scalar b) { return div_of(a, b, true); }

namespace {

template <class T>
NORMA_INLINE inline T power(T base, T exponent) {
  if constexpr (std::is_floating_point_v<T>) {
    return elementary::pow(base, exponent);
  } else {
    T result = 1;
    for (; exponent > 0; exponent = static_cast<T>(exponent / 2)) {
      if (exponent % 2 != 0) result = kMul(result, base);
      base = kMul(base, base);
    }
    return result;
  }
}

constexpr auto kPow = [](auto x, auto y) NORMA_INLINE { return power(x, y); };

void refuse_negative_integer_power(DType dtype, bool negative) {
  if (negative && !is_floating(dtype)) {
    fail("pow",
         "expected an exponent of 0 or more for integers, got a negative one; convert with "
         "to(kFloat32)");
  }
}

void refuse_large_power(DType dtype, Scalar exponent) {
  if (is_floating(dtype) || exponent.to<int64_t>() <= range_of(dtype).most) return;
  fail("pow", "expected an exponent that fits ", dtype, ", got ", exponent.to<int64_t>());
}

/// x^p; PyTorch's short cuts, which decide what becomes of -0 and -inf.
Tensor raise(const Tensor& x, Scalar exponent) {
  const DType dtype = result_type(x, exponent, "pow");
  const double p = exponent.to<double>();
  refuse_negative_integer_power(dtype, p < 0);
  refuse_large_power(dtype, exponent);
  if (p == 2) return binary("pow", x, x, dtype, kMul);
  if (is_floating(dtype)) {
    if (p == 0.5) return unary_floating("pow", x, [](auto v) NORMA_INLINE { return std::sqrt(v); });
    if (p == 3) return unary_floating("pow", x, [](auto v) NORMA_INLINE { return v * v * v; });
    if (p == -1) return unary_floating("pow", x, [](auto v) NORMA_INLINE { return 1 / v; });
    if (p == -2) return unary_floating("pow", x, [](auto v) NORMA_INLINE { return 1 / (v * v); });
    if (p == -0.5) {
      return unary_floating("pow", x, [](auto v) NORMA_INLINE { return 1 / std::sqrt(v); });
    }
  }
  return binary(x, exponent, dtype, kPow);
}

/// d/dx x^p = p x^(p-1), and 0 for p = 0 also where x is 0.
Tensor power_gradient(const Tensor& g, const Tensor& x, double p) {
  if (p == 0) return zeros_like(g);
  if (p == 1) return g;
  if (grad_enabled()) return g.mul(x.pow(p - 1)).mul(p);
  if (p == 2) return combine(g, x, [](auto u, auto v) NORMA_INLINE { return 2 * u * v; });
  return combine(g, raise(x, p - 1), [p](auto u, auto v) NORMA_INLINE {
    return u * (static_cast<decltype(u)>(p) * v);
  });
}

}  // namespace

Tensor Tensor::pow(const Tensor& exponent) const {
  const DType dtype = result_type(*this, exponent, "pow");
  refuse_negative_integer_power(dtype, !is_floating(dtype) && exponent.lt(0).any().item<bool>());
  Tensor out = binary("pow", *this, exponent, dtype, kPow);
  return record(
      "pow", out, {this, &exponent},
      [x = Saved(*this), p = Saved(exponent), y = Saved(out)](const Tensor& g, InputGrads& d) {
        if (d.needs(0)) {
          const Tensor slope = p->mul(x->pow(p->sub(1)));
          d[0] = g.mul(slope).masked_fill(p->eq(0), 0);
        }
        // y log x, and 0 at x = 0 for exponents of 0 or more, as the limit from above.
        if (d.needs(1)) d[1] = g.mul(y->mul(x->log()).masked_fill(x->eq(0).mul(p->ge(0)), 0));
      });
}

Tensor Tensor::pow(Scalar exponent) const {
  return record({"pow", {{"exponent", exponent}}}, raise(*this, exponent), {this},
                [p = exponent.to<double>(), x = Saved(*this)](const Tensor& g, InputGrads& d) {
                  d[0] = power_gradient(g, *x, p);
                });
}

Tensor Tensor::neg() const {
  if (defined_impl(*this, "neg")->dtype == kBool) {
    fail("neg", "expected numbers, got a bool tensor; use logical_not()");
  }
  Tensor out = unary(*this, dtype(),
                     [](auto x) NORMA_INLINE { return static_cast<decltype(x)>(-modular(x)); });
  return record("neg", out, {this}, [](const Tensor& g, InputGrads& d) { d[0] = g.neg(); });
}

Tensor operator-(Scalar a, const Tensor& b) {
  const DType dtype = result_type(b, a, "sub");
  refuse_bool_subtraction(b, a.dtype());
  Tensor out = binary(b, a, dtype, [](auto x, auto y) NORMA_INLINE { return kSub(y, x); });
  return record({"rsub", {{"other", a}}}, out, {&b},
                [](const Tensor& g, InputGrads& d) { d[0] = g.neg(); });
}

Tensor operator/(Scalar a, const Tensor& b) {
  const DType dtype = floating_type(defined_impl(b, "div")->dtype);
  Tensor out = binary(b, a, dtype, [](auto x, auto y) NORMA_INLINE { return kDiv(y, x); });
  return record({"reciprocal", {{"numerator", a}}}, out, {&b},
                [a, y = Saved(out)](const Tensor& g, InputGrads& d) {
                  // -a / b² = -(y / a) y, where y² might overflow; the first also serves a = 0.
                  if (a.to<double>() == 0) {
                    d[0] = g.mul(*y).neg();
                  } else if (grad_enabled()) {
                    d[0] = g.mul(*y).mul(y->div(a)).neg();
                  } else {
                    d[0] = combine(g, *y, [a](auto u, auto v) NORMA_INLINE {
                      return -u * (v / a.to<decltype(u)>() * v);
                    });
                  }
                });
}

Tensor& Tensor::add_(const Tensor& other) {
  return binary_in_place("add_", *this, other, kAdd, [&] { return add(other); });
}
Tensor& Tensor::sub_(const Tensor& other) {
  return binary_in_place("sub_", *this, other, kSub, [&] { return sub(other); });
}
Tensor& Tensor::mul_(const Tensor& other) {
  return binary_in_place("mul_", *this, other, kMul,
                         [&] { return original(*this, other).mul(other); });
}
Tensor& Tensor::div_(const Tensor& other) {
  return binary_in_place("div_", *this, other, kDiv,
                         [&] { return original(*this, other).div(other); });
}
Tensor& Tensor::add_(Scalar other) {
  return binary_in_place("add_", *this, other, kAdd, [&] { return add(other); });
}
Tensor& Tensor::sub_(Scalar other) {
  defined_impl(*this, "sub_");
  refuse_bool_subtraction(*this, other.dtype());
  return binary_in_place("sub_", *this, other, kSub, [&] { return sub(other); });
}
Tensor& Tensor::mul_(Scalar other) {
  return binary_in_place("mul_", *this, other, kMul, [&] { return mul(other); });
}
Tensor& Tensor::div_(Scalar other) {
  return binary_in_place("div_", *this, other, kDiv, [&] { return div(other); });
}
Tensor& Tensor::pow_(Scalar exponent) {
  return assign("pow_", *this, original(*this, *this).pow(exponent));
}
Tensor& Tensor::neg_() { return assign("neg_", *this, neg()); }
Tensor& Tensor::exp_() { return assign("exp_", *this, exp()); }
Tensor& Tensor::sqrt_() { return assign("sqrt_", *this, sqrt()); }
Tensor& Tensor::relu_() { return assign("relu_", *this, relu()); }
Tensor& Tensor::sigmoid_() { return assign("sigmoid_", *this, sigmoid()); }
Tensor& Tensor::tanh_() { return assign("tanh_", *this, tanh()); }

}  // namespace norma
