// What libtorch computes otherwise than methods of Norma's do, and what may change in place.
#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "norma/norma.h"

namespace norma::libtorch {

/// The dtype of an operation on both, by PyTorch's rules: of the higher kind (bool, integer,
/// floating); of one kind, tensors with dimensions outrank those of none.
inline DType common_type(const Tensor& a, const Tensor& b) {
  const auto kind = [](const Tensor& x) { return is_floating(x.dtype()) + (x.dtype() != kBool); };
  if (kind(a) != kind(b)) return kind(a) > kind(b) ? a.dtype() : b.dtype();
  if ((a.dim() == 0) != (b.dim() == 0)) return a.dim() > 0 ? a.dtype() : b.dtype();
  return std::max(a.dtype(), b.dtype());
}
/// Of a tensor and a number, which outranks tensors of lower kinds alone, as kFloat32 or kInt64.
inline DType common_type(const Tensor& a, Scalar b) {
  if (is_floating(b.dtype())) return is_floating(a.dtype()) ? a.dtype() : kFloat32;
  return a.dtype() == kBool ? b.dtype() : a.dtype();
}

/// a / b, rounded downwards, as PyTorch computes it: of floating numbers by their remainder, for a
/// quotient that was rounded may have become the next whole number.
template <class T>
T floor_quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T whole = std::floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
  } else {
    if (b == 0) fail("floor_divide", "expected integers to be divided by others than 0, got 0");
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return static_cast<T>(-static_cast<std::make_unsigned_t<T>>(a));
      return a / b - ((a < 0) != (b < 0) && a % b != 0 ? 1 : 0);
    } else {
      return static_cast<T>(a / b);
    }
  }
}
inline Tensor floor_divide(const Tensor& x, const Tensor& y, DType dtype) {
  if (dtype == kBool) fail("floor_divide", "expected numbers, got bools; convert one with to()");
  const Shape sizes = broadcast_shapes(x.sizes(), y.sizes(), "floor_divide");
  const auto flat = [&](const Tensor& side) {
    return side.detach().to(dtype).expand(sizes).contiguous();
  };
  const Tensor a = flat(x), b = flat(y);
  Tensor out = norma::empty(sizes, {.dtype = dtype});
  dispatch(dtype, [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      const T *from = a.data_ptr<T>(), *by = b.data_ptr<T>();
      std::transform(from, from + a.numel(), by, out.data_ptr<T>(), floor_quotient<T>);
    }
  });
  return out;
}

inline Tensor isclose(const Tensor& x, const Tensor& other, double rtol, double atol) {
  if (x.dtype() != other.dtype()) {
    fail("isclose", "expected tensors of one dtype, got ", x.dtype(), " and ", other.dtype());
  }
  if (!(rtol >= 0 && atol >= 0)) {
    fail("isclose", "expected rtol and atol >= 0, got ", rtol, " and ", atol);
  }
  const Tensor same = x.eq(other);
  if (rtol == 0 && atol == 0) return same;
  const auto number = [](const Tensor& a) { return a.dtype() == kBool ? a.to(kFloat32) : a; };
  const Tensor apart = (number(x) - number(other)).abs();
  const Tensor bound = other.to(is_floating(other.dtype()) ? other.dtype() : kFloat32);
  return apart.isfinite().logical_and(apart.le((bound * rtol).abs() + atol)).logical_or(same);
}

inline Tensor inner(const Tensor& x, const Tensor& other) {
  if (x.dtype() != other.dtype()) {
    fail("inner", "expected tensors of one dtype, got ", x.dtype(), " and ", other.dtype());
  }
  if (x.dim() == 0 || other.dim() == 0) return x * other;
  if (x.size(-1) != other.size(-1)) {
    fail("inner", "expected last dimensions of one size, got shapes ", x.sizes(), " and ",
         other.sizes());
  }
  return norma::tensordot(x, other, {-1}, {-1});
}

/// Refuses a new shape for a leaf whose gradient is wanted: its other handles keep the old one.
inline const Tensor& may_change(const Tensor& x, const char* op) {
  if (grad_enabled() && x.requires_grad() && x.is_leaf()) {
    fail(op, "expected a tensor that may change in place, got a leaf that requires_grad, of shape ",
         x.sizes(), "; change it under NoGradGuard, or use the out-of-place operation");
  }
  return x;
}

}  // namespace norma::libtorch
