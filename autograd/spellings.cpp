// What methods of Tensor with other names, and short forms, do.
#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma {

using namespace autograd;

namespace {

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
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return static_cast<T>(-static_cast<std::make_unsigned_t<T>>(a));
      return a / b - ((a < 0) != (b < 0) && a % b != 0 ? 1 : 0);
    } else {
      return static_cast<T>(a / b);
    }
  }
}
Tensor quotient(const Tensor& x, const Tensor& y) {
  const DType dtype = result_type(x, y, "floor_divide");
  if (dtype == kBool) fail("floor_divide", "expected numbers, got bools; convert one with to()");
  if (!is_floating(dtype) && y.to(dtype).eq(0).any().item<bool>()) {
    fail("floor_divide", "expected integers to be divided by others than 0, got 0");
  }
  const Tensor out = binary("floor_divide", x.detach(), y.detach(), dtype,
                            [](auto a, auto b) { return floor_quotient(a, b); });
  return autograd::told("floor_divide", out, {&x, &y});
}

/// Refuses a new shape for a leaf whose gradient is wanted: its other handles keep the old one.
const Tensor& may_change(const Tensor& x, const char* op) {
  if (grad_enabled() && x.requires_grad() && x.is_leaf()) {
    fail(op, "expected a tensor that may change in place, got a leaf that requires_grad, of shape ",
         x.sizes(), "; change it under NoGradGuard, or use the out-of-place operation");
  }
  return x;
}

}  // namespace

const Tensor& TensorSpellings::self() const { return static_cast<const Tensor&>(*this); }
Tensor& TensorSpellings::self() { return static_cast<Tensor&>(*this); }

bool TensorSpellings::allclose(const Tensor& other, double rtol, double atol) const {
  return norma::allclose(self(), other, rtol, atol);
}
bool TensorSpellings::equal(const Tensor& other) const { return norma::equal(self(), other); }
bool TensorSpellings::is_same_size(const Tensor& other) const {
  return self().sizes() == other.sizes();
}
std::string TensorSpellings::name() const { return ""; }
bool TensorSpellings::is_nonzero() const { return self().item<double>() != 0; }
Tensor TensorSpellings::where(const Tensor& condition, const Tensor& other) const {
  return norma::where(condition, self(), other);
}
Tensor TensorSpellings::where(const Tensor& condition, Scalar other) const {
  const DType dtype = result_type(self(), other, "where");
  return norma::where(condition, self().to(dtype), full({}, other, {.dtype = dtype}));
}
Tensor TensorSpellings::isclose(const Tensor& other, double rtol, double atol) const {
  if (self().dtype() != other.dtype()) {
    fail("isclose", "expected tensors of one dtype, got ", self().dtype(), " and ", other.dtype());
  }
  if (!(rtol >= 0 && atol >= 0)) {
    fail("isclose", "expected rtol and atol >= 0, got ", rtol, " and ", atol);
  }
  Tensor same = self().eq(other);
  if (rtol == 0 && atol == 0) return same;
  const auto number = [](const Tensor& a) { return a.dtype() == kBool ? a.to(kFloat32) : a; };
  const Tensor apart = (number(self()) - number(other)).abs();
  const Tensor bound = other.to(is_floating(other.dtype()) ? other.dtype() : kFloat32);
  return apart.isfinite().logical_and(apart.le((bound * rtol).abs() + atol)).logical_or(same);
}
Tensor TensorSpellings::absolute() const { return self().abs(); }
#define NORMA_SPELL(name, own)                                                          \
  Tensor TensorSpellings::name(const Tensor& other) const { return self().own(other); } \
  Tensor TensorSpellings::name(Scalar other) const { return self().own(other); }
NORMA_SPELL(multiply, mul)
NORMA_SPELL(divide, div)
NORMA_SPELL(subtract, sub)
NORMA_SPELL(greater, gt)
NORMA_SPELL(less, lt)
#undef NORMA_SPELL
Tensor TensorSpellings::floor_divide(const Tensor& other) const { return quotient(self(), other); }
Tensor TensorSpellings::floor_divide(Scalar other) const {
  return quotient(self(), full({}, other, {.dtype = result_type(self(), other)}));
}
Tensor TensorSpellings::clip(Scalar min, Scalar max) const { return self().clamp(min, max); }
Tensor TensorSpellings::inner(const Tensor& other) const {
  if (self().dtype() != other.dtype()) {
    fail("inner", "expected tensors of one dtype, got ", self().dtype(), " and ", other.dtype());
  }
  if (self().dim() == 0 || other.dim() == 0) return self() * other;
  if (self().size(-1) != other.size(-1)) {
    fail("inner", "expected last dimensions of one size, got shapes ", self().sizes(), " and ",
         other.sizes());
  }
  return tensordot(self(), other, {-1}, {-1});
}
Tensor TensorSpellings::dist(const Tensor& other, double p) const {
  return (self() - other).norm(p);
}
Tensor TensorSpellings::variable_data() const { return self().detach(); }
Tensor& TensorSpellings::unsqueeze_(int64_t dim) {
  return self() = may_change(self(), "unsqueeze_").unsqueeze(dim);
}
Tensor& TensorSpellings::squeeze_() { return self() = may_change(self(), "squeeze_").squeeze(); }
Tensor& TensorSpellings::squeeze_(int64_t dim) {
  return self() = may_change(self(), "squeeze_").squeeze(dim);
}
Tensor& TensorSpellings::transpose_(int64_t a, int64_t b) {
  return self() = may_change(self(), "transpose_").transpose(a, b);
}
Tensor& TensorSpellings::t_() { return self() = may_change(self(), "t_").t(); }
Tensor& TensorSpellings::resize_(const Shape& sizes) {
  if (self().requires_grad()) {
    fail("resize_", "expected a tensor that requires no gradient, got one of shape ",
         self().sizes(), "; use reshape, slice or cat");
  }
  if (std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size < 0; }))
    fail("resize_", "expected sizes of 0 or more, got ", sizes);
  const int64_t count = sizes.numel(), have = self().numel();
  const Tensor flat = self().reshape(-1);
  if (count <= have) return self() = flat.slice(0, 0, count).view(sizes);
  return self() = cat({flat, self().new_zeros(count - have)}).view(sizes);
}
Tensor& TensorSpellings::tril_(int64_t k) { return self().copy_(self().tril(k)); }
Tensor& TensorSpellings::triu_(int64_t k) { return self().copy_(self().triu(k)); }
Tensor& TensorSpellings::eq_(const Tensor& other) {
  return self().copy_(self().eq(other).to(self().dtype()));
}
Tensor& TensorSpellings::fill_diagonal_(Scalar value) {
  const Shape& sizes = self().sizes();
  const auto other = [&](int64_t size) { return size != sizes[0]; };
  if (sizes.size() < 2 || (sizes.size() > 2 && std::any_of(sizes.begin(), sizes.end(), other))) {
    fail("fill_diagonal_", "expected a matrix, or more dimensions of one size, got shape ", sizes);
  }
  Tensor places = self().diagonal(0, 0, -1);
  while (places.dim() > 1) places = places.diagonal(0, 0, -1);
  places.fill_(value);
  return self();
}

}  // namespace norma
