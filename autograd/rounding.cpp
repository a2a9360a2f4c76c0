// Rounding, signs, and remainders of divisions.
#include <cmath>
#include <type_traits>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"

namespace norma {

using namespace autograd;

namespace {

/// What is constant between its steps; integers stay as they are.
template <class F>
Tensor stepwise(const Operation& op, const Tensor& x, F f) {
  Tensor out = unary(x, number_type(op.name, x), [f](auto v) NORMA_INLINE {
    if constexpr (std::is_floating_point_v<decltype(v)>) {
      return f(v);
    } else {
      return v;
    }
  });
  return record(op, out, {&x}, [](const Tensor& g, InputGrads& d) { d[0] = zeros_like(g); });
}

/// 10^n, rounded once.
double power_of_ten(int64_t n) { return elementary::pow(10.0, static_cast<double>(n)); }

}  // namespace

Tensor TensorMethods::floor() const {
  return stepwise("floor", self(), [](auto x) NORMA_INLINE { return std::floor(x); });
}
Tensor TensorMethods::ceil() const {
  return stepwise("ceil", self(), [](auto x) NORMA_INLINE { return std::ceil(x); });
}
Tensor TensorMethods::trunc() const {
  return stepwise("trunc", self(), [](auto x) NORMA_INLINE { return std::trunc(x); });
}

Tensor TensorMethods::round(int64_t decimals) const {
  if (decimals == 0) {
    return stepwise("round", self(), [](auto x) NORMA_INLINE { return std::nearbyint(x); });
  }
  if (!is_floating(defined_impl(self(), "round")->dtype)) {
    fail("round", "expected a floating tensor for decimals = ", decimals, ", got ", self().dtype());
  }
  const double ten = power_of_ten(decimals < 0 ? -decimals : decimals);
  return decimals < 0
             ? stepwise({"round", {{"decimals", decimals}}}, self(),
                        [ten](auto x) NORMA_INLINE {
                          const auto t = static_cast<decltype(x)>(ten);
                          return std::nearbyint(x / t) * t;
                        })
             : stepwise({"round", {{"decimals", decimals}}}, self(), [ten](auto x) NORMA_INLINE {
                 const auto t = static_cast<decltype(x)>(ten);
                 return std::nearbyint(x * t) / t;
               });
}

Tensor TensorMethods::frac() const {
  if (!is_floating(defined_impl(self(), "frac")->dtype)) {
    fail("frac", "expected a floating tensor, got ", self().dtype());
  }
  Tensor out =
      unary_floating("frac", self(), [](auto x) NORMA_INLINE { return x - std::trunc(x); });
  return record("frac", out, {&self()}, [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

Tensor TensorMethods::sign() const {
  const DType dtype = defined_impl(self(), "sign")->dtype;
  Tensor out = unary(self(), dtype, [](auto x) NORMA_INLINE {
    using T = decltype(x);
    return static_cast<T>(static_cast<int>(x > T(0)) - static_cast<int>(x < T(0)));
  });
  return record("sign", out, {&self()},
                [](const Tensor& g, InputGrads& d) { d[0] = zeros_like(g); });
}

Tensor TensorMethods::sgn() const { return self().sign(); }

namespace {

/// With the sign of x, as C++'s %.
template <class T>
NORMA_INLINE inline T truncated_rest(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(x, y);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return y == -1 ? 0 : x % y;  // the lowest number has no opposite
  } else {
    return static_cast<T>(x % y);
  }
}

constexpr auto kFmod = [](auto x, auto y) NORMA_INLINE { return truncated_rest(x, y); };
constexpr auto kRemainder = [](auto x, auto y) NORMA_INLINE {
  using T = decltype(x);
  const T rest = truncated_rest(x, y);
  return rest != T(0) && (rest < T(0)) != (y < T(0)) ? static_cast<T>(rest + y) : rest;
};

void check_division(const char* op, DType dtype, bool by_zero) {
  if (dtype == kBool) fail(op, "expected numbers, got bool tensors");
  if (by_zero) fail(op, "expected integer divisors other than 0, got a 0");
}

template <class F>
Tensor rest_of(const char* op, const Tensor& x, Scalar y, F f) {
  const DType dtype = result_type(x, y, op);
  check_division(op, dtype,
                 dtype == kUInt8 ? y.to<uint8_t>() == 0
                                 : !is_floating(dtype) && wrapped(y, dtype).to<int64_t>() == 0);
  return record({op, {{"other", y}}}, binary(x, y, dtype, f), {&x},
                [](const Tensor& g, InputGrads& d) { d[0] = g; });
}

template <class F, class Whole>
Tensor rest_of(const char* op, const Tensor& x, const Tensor& y, F f, Whole whole) {
  const DType dtype = result_type(x, y, op);
  check_division(op, dtype, !is_floating(dtype) && y.to(dtype).eq(0).any().item<bool>());
  return record(op, binary(op, x, y, dtype, f), {&x, &y},
                [whole, a = Saved(x), b = Saved(y)](const Tensor& g, InputGrads& d) {
                  d[0] = g;
                  if (d.needs(1)) d[1] = g.neg().mul(whole(a->div(*b)));
                });
}

}  // namespace

Tensor TensorMethods::fmod(Scalar other) const { return rest_of("fmod", self(), other, kFmod); }
Tensor TensorMethods::fmod(const Tensor& other) const {
  return rest_of("fmod", self(), other, kFmod, [](const Tensor& x) { return x.trunc(); });
}
Tensor TensorMethods::remainder(Scalar other) const {
  return rest_of("remainder", self(), other, kRemainder);
}
Tensor TensorMethods::remainder(const Tensor& other) const {
  return rest_of("remainder", self(), other, kRemainder, [](const Tensor& x) { return x.floor(); });
}

Tensor& TensorMethods::abs_() { return assign("abs_", self(), original(self(), self()).abs()); }
Tensor& TensorMethods::floor_() { return assign("floor_", self(), floor()); }
Tensor& TensorMethods::ceil_() { return assign("ceil_", self(), ceil()); }
Tensor& TensorMethods::round_(int64_t decimals) {
  return assign("round_", self(), round(decimals));
}
Tensor& TensorMethods::trunc_() { return assign("trunc_", self(), trunc()); }

}  // namespace norma
