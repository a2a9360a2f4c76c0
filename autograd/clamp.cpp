// Bounds: clamp, and the larger and the smaller of two.
#include <algorithm>
#include <cmath>
#include <limits>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/ops.h"
#include "norma/core/integers.h"

namespace norma {

using namespace autograd;

namespace {

using Bound = std::optional<Scalar>;

/// What bounds every element by itself is none; one that no element can hold is refused.
void fit_bounds(const char* op, DType dtype, Bound& min, Bound& max) {
  const auto refuse = [&](const char* name, Scalar bound) {
    fail(op, "expected bounds that fit ", dtype, ", got ", name, " = ", bound.to<double>());
  };
  if (dtype != kUInt8 && dtype != kInt32) return;
  const auto [least, most] = range_of(dtype);
  if (min && min->to<int64_t>() > most) refuse("min", *min);
  if (max && max->to<int64_t>() < least) refuse("max", *max);
  if (min && min->to<int64_t>() < least) min.reset();
  if (max && max->to<int64_t>() > most) max.reset();
}

/// The gradient passes where the value was within the bounds; at a bound, it does not.
Tensor clamp_between(const char* op, const Tensor& x, Bound min, Bound max) {
  DType dtype = defined_impl(x, op)->dtype;
  if (!min && !max) fail(op, "expected at least one bound, got none");
  if (min) dtype = std::max(dtype, result_type(x, *min));
  if (max) dtype = std::max(dtype, result_type(x, *max));
  if (dtype == kBool) fail(op, "expected numbers, got a bool tensor and bool bounds");
  const auto is_nan = [](const Bound& bound) { return bound && std::isnan(bound->to<double>()); };
  const bool nowhere = is_nan(min) || is_nan(max);
  fit_bounds(op, dtype, min, max);
  const bool below = min.has_value(), above = max.has_value();
  const Scalar low = min.value_or(0), high = max.value_or(0);
  const DType computed = computed_type(dtype);
  Tensor out = new_tensor(x.sizes(), computed);
  const Tensor from = x.detach().to(computed);
  dispatch_computed(computed, [&]<class T>() {
    kernels::map<T, T>(out, from, [=, l = low.to<T>(), h = high.to<T>()](T v) NORMA_INLINE {
      if (below && v < l) v = l;
      if (above && v > h) v = h;
      return v;
    });
  });
  if (computed != dtype) out = out.to(dtype);
  if (nowhere) out.fill_(std::numeric_limits<double>::quiet_NaN());
  // Without a bound, an infinite one says the same.
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const Scalar least = min.value_or(-kInf), most = max.value_or(kInf);
  return record({op, {{"min", least}, {"max", most}}}, out, {&x},
                [=, saved = Saved(x)](const Tensor& g, InputGrads& d) {
                  d[0] = combine_constant(g, *saved, [=](auto u, auto v) NORMA_INLINE {
                    using T = decltype(u);
                    const T l = low.to<T>(), h = high.to<T>();
                    // NaN is within no bounds, and nothing within NaN.
                    const bool inside = v == v && (!below || v > l) && (!above || v < h);
                    return inside ? u : T(0);
                  });
                });
}

/// Ties share the gradient in halves, as in PyTorch; NaN wins.
template <class F>
Tensor extremum(const char* op, const Tensor& a, const Tensor& b, F first_wins) {
  Tensor out = binary(op, a, b, result_type(a, b, op), [first_wins](auto x, auto y) NORMA_INLINE {
    return x != x || first_wins(x, y) ? x : y;
  });
  return record(op, out, {&a, &b}, [=, x = Saved(a), y = Saved(b)](const Tensor& g, InputGrads& d) {
    // A gradient is lost only to what wins; two NaN, or NaN and a number, both get it whole.
    const auto share = [first_wins](auto u, auto v) NORMA_INLINE {
      using T = decltype(u);
      return u == v ? T(0.5) : first_wins(v, u) ? T(0) : T(1);
    };
    if (d.needs(0)) d[0] = share_of(g, binary(op, *x, *y, g.dtype(), share));
    if (d.needs(1)) d[1] = share_of(g, binary(op, *y, *x, g.dtype(), share));
  });
}

/// g where `all`, half of it where `half`, 0 elsewhere.
Tensor portion(const Tensor& g, const Tensor& all, const Tensor& half) {
  return share_of(g, all.to(g.dtype()) + half.to(g.dtype()) * 0.5);
}

}  // namespace

Tensor Tensor::clamp(std::optional<Scalar> min, std::optional<Scalar> max) const {
  return clamp_between("clamp", *this, min, max);
}
Tensor Tensor::clamp_min(Scalar min) const {
  return clamp_between("clamp_min", *this, min, std::nullopt);
}
Tensor Tensor::clamp_max(Scalar max) const {
  return clamp_between("clamp_max", *this, std::nullopt, max);
}

Tensor Tensor::clamp(const Tensor& min, const Tensor& max) const {
  if (!min.defined() && !max.defined()) fail("clamp", "expected at least one bound, got none");
  if (!max.defined()) return maximum(min);
  if (!min.defined()) return minimum(max);
  const Tensor out = detach().maximum(min.detach()).minimum(max.detach());
  return record(
      "clamp", out, {this, &min, &max},
      [saved = Saved(*this), low = Saved(min), high = Saved(max)](const Tensor& g, InputGrads& d) {
        const Tensor x = saved->detach(), l = low->detach(), h = high->detach();
        const Tensor wide = l < h, at_low = x.eq(l), at_high = x.eq(h);
        const Tensor inside = (x < l).logical_or(x > h).logical_not();
        const Tensor tie = at_low.logical_or(at_high).logical_and(wide);
        if (d.needs(0)) d[0] = portion(g, inside * tie.logical_not(), inside * tie);
        if (d.needs(1)) d[1] = portion(g, (x < l) * (l <= h), at_low * wide);
        if (d.needs(2)) d[2] = portion(g, ((x > h) * (l <= h)).logical_or(h < l), at_high * wide);
      });
}

Tensor Tensor::maximum(const Tensor& other) const {
  return extremum("maximum", *this, other, [](auto x, auto y) NORMA_INLINE { return x > y; });
}
Tensor Tensor::minimum(const Tensor& other) const {
  return extremum("minimum", *this, other, [](auto x, auto y) NORMA_INLINE { return x < y; });
}

Tensor& Tensor::clamp_(std::optional<Scalar> min, std::optional<Scalar> max) {
  return assign("clamp_", *this, original(*this, *this).clamp(min, max));
}
Tensor& Tensor::clamp_(const Tensor& min, const Tensor& max) {
  return assign("clamp_", *this, original(*this, *this).clamp(min, max));
}
Tensor& TensorMethods::clamp_min_(Scalar min) {
  return assign("clamp_min_", self(), original(self(), self()).clamp_min(min));
}
Tensor& TensorMethods::clamp_max_(Scalar max) {
  return assign("clamp_max_", self(), original(self(), self()).clamp_max(max));
}
Tensor& TensorMethods::masked_fill_(const Tensor& mask, Scalar value) {
  return assign("masked_fill_", self(), self().masked_fill(mask, value));
}

}  // namespace norma
