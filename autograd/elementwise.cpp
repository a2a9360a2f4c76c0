// Functions of single elements, and choices between elements.
#include "norma/autograd/elementwise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norma/autograd/fuse_norm_relu.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/vector_math.h"

namespace norma {

using namespace autograd;
namespace plain = kernels::plain;

namespace {

/// f(g, x) = g s(x) where s is constant between kinks, for backward.
template <class F>
Tensor combine_constant(const Tensor& g, const Tensor& x, F f) {
  if (!grad_enabled()) return combine(g, x, f);
  const Tensor slope = combine(ones(g.sizes(), {.dtype = g.dtype()}), x.detach(), f);
  return g.mul(record("slope", slope, {&x}, [](const Tensor& u, InputGrads& d) {
    d[0] = zeros_like(u);  // as in PyTorch, and not nothing
  }));
}

}  // namespace

Tensor Tensor::abs() const {
  const DType dtype = defined_impl(*this, "abs")->dtype;
  Tensor out = unary(*this, dtype, [](auto x) NORMA_INLINE {
    if constexpr (std::is_floating_point_v<decltype(x)>) {
      return std::fabs(x);
    } else {
      // The lowest int64 has no opposite and stays itself.
      return static_cast<decltype(x)>(x < decltype(x)(0) ? 0 - static_cast<uint64_t>(x)
                                                         : static_cast<uint64_t>(x));
    }
  });
  return record("abs", out, {this}, [x = Saved(*this)](const Tensor& g, InputGrads& d) {
    d[0] = combine_constant(g, *x, [](auto u, auto v) NORMA_INLINE {
      return v > 0 ? u : v < 0 ? -u : u * 0;
    });
  });
}

Tensor Tensor::exp() const {
  Tensor out =
      unary_floating("exp", *this, plain::exp, [](auto x) NORMA_INLINE { return fast_exp(x); });
  return record("exp", out, {this},
                [y = Saved(out)](const Tensor& g, InputGrads& d) { d[0] = g.mul(*y); });
}

Tensor Tensor::log() const {
  Tensor out =
      unary_floating("log", *this, plain::log, [](auto x) NORMA_INLINE { return fast_log(x); });
  return record("log", out, {this},
                [x = Saved(*this)](const Tensor& g, InputGrads& d) { d[0] = g.div(*x); });
}

Tensor Tensor::sqrt() const {
  Tensor out = unary_floating("sqrt", *this, [](auto x) NORMA_INLINE { return std::sqrt(x); });
  return record("sqrt", out, {this}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
    d[0] = grad_enabled() ? g.div(y->mul(2))
                          : combine(g, *y, [](auto u, auto v) NORMA_INLINE { return u / (2 * v); });
  });
}

Tensor Tensor::square() const { return pow(2); }

namespace {

struct Sigmoid {
  static NORMA_INLINE SigmoidParts begin(float x) { return begin_sigmoid(x); }
  static NORMA_INLINE float end(float x, SigmoidParts parts) { return end_sigmoid(x, parts); }
  NORMA_INLINE double operator()(double x) const { return fast_sigmoid(x); }
};

}  // namespace

Tensor Tensor::sigmoid() const {
  Tensor out = unary_floating("sigmoid", *this, plain::sigmoid, Sigmoid());
  return record("sigmoid", out, {this}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
    d[0] = grad_enabled() ? g.mul(*y).mul(1 - *y)
                          : combine(g, *y, plain::sigmoid_backward,
                                    [](auto u, auto v) NORMA_INLINE { return u * v * (1 - v); });
  });
}

Tensor Tensor::tanh() const {
  Tensor out =
      unary_floating("tanh", *this, plain::tanh, [](auto x) NORMA_INLINE { return fast_tanh(x); });
  return record("tanh", out, {this}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
    d[0] = grad_enabled() ? g.mul(1 - y->mul(*y))
                          : combine(g, *y, plain::tanh_backward, [](auto u, auto v) NORMA_INLINE {
                              return u * ((1 - v) * (1 + v));
                            });
  });
}

namespace {

Tensor relu_of(const Tensor& input, bool donated) {
  // Written so that NaN passes through, as in PyTorch.
  Tensor out = unary(
      input, defined_impl(input, "relu")->dtype,
      [](auto x) NORMA_INLINE { return x < decltype(x)(0) ? decltype(x)(0) : x; }, donated);
  if (donated && fuse_norm_relu(input, out)) return out;
  return record("relu", out, {&input}, [y = Saved(out)](const Tensor& g, InputGrads& d) {
    d[0] = combine_constant(
        g, *y, [](auto u, auto v) NORMA_INLINE { return v <= 0 ? decltype(u)(0) : u; });
  });
}

}  // namespace

Tensor Tensor::relu() const& { return relu_of(*this, false); }
Tensor Tensor::relu() && { return relu_of(std::exchange(*this, Tensor()), true); }

Tensor Tensor::leaky_relu(double negative_slope) const {
  Tensor out = unary_floating("leaky_relu", *this, [negative_slope](auto x) NORMA_INLINE {
    return x > 0 ? x : x * static_cast<decltype(x)>(negative_slope);
  });
  return record("leaky_relu", out, {this},
                [negative_slope, x = Saved(*this)](const Tensor& g, InputGrads& d) {
                  d[0] = combine_constant(g, *x, [negative_slope](auto u, auto v) NORMA_INLINE {
                    return v > 0 ? u : u * static_cast<decltype(u)>(negative_slope);
                  });
                });
}

namespace {

constexpr double kSqrt2OverPi = 0.79788456080286536, kCubic = 0.044715;

/// √(2/π) (x + 0.044715 x³).
template <class T>
NORMA_INLINE inline T gelu_angle(T x) {
  return T(kSqrt2OverPi) * (x + T(kCubic) * x * x * x);
}
Tensor gelu_angle(const Tensor& x) { return kSqrt2OverPi * (x + kCubic * x.pow(3)); }

Tensor gelu_by_tanh(const Tensor& input) {
  Tensor out = unary_floating("gelu", input, plain::gelu_tanh, [](auto x) NORMA_INLINE {
    return x / 2 * (1 + fast_tanh(gelu_angle(x)));
  });
  return record("gelu", out, {&input}, [x = Saved(input)](const Tensor& g, InputGrads& d) {
    if (grad_enabled()) {
      const Tensor t = gelu_angle(*x).tanh(), slope = kSqrt2OverPi * (1 + 3 * kCubic * x->square());
      d[0] = g.mul((1 + t) / 2 + *x / 2 * (1 - t.square()) * slope);
      return;
    }
    d[0] = combine(g, *x, plain::gelu_tanh_backward, [](auto u, auto v) NORMA_INLINE {
      const auto t = fast_tanh(gelu_angle(v));
      const auto slope = decltype(v)(kSqrt2OverPi) * (1 + 3 * decltype(v)(kCubic) * v * v);
      return u * ((1 + t) / 2 + v / 2 * ((1 - t) * (1 + t)) * slope);
    });
  });
}

/// d gelu(x) / dx = Φ(x) + x φ(x), whose derivative is (2 - x²) φ(x).
Tensor gelu_slope(const Tensor& x) {
  Tensor out = unary_floating("gelu", x, [](auto v) NORMA_INLINE { return fast_gelu_slope(v); });
  return record("gelu_slope", out, {&x}, [x = Saved(x)](const Tensor& g, InputGrads& d) {
    const Tensor square = x->mul(*x), density = square.div(-2).exp().mul(0.3989422804014327);
    d[0] = g.mul(2 - square).mul(density);
  });
}

}  // namespace

Tensor Tensor::gelu(bool approximate_tanh) const {
  if (approximate_tanh) return gelu_by_tanh(*this);
  Tensor out =
      unary_floating("gelu", *this, plain::gelu, [](auto x) NORMA_INLINE { return fast_gelu(x); });
  return record("gelu", out, {this}, [x = Saved(*this)](const Tensor& g, InputGrads& d) {
    d[0] = grad_enabled() ? g.mul(gelu_slope(*x))
                          : combine(g, *x, plain::gelu_backward, [](auto u, auto v) NORMA_INLINE {
                              return u * fast_gelu_slope(v);
                            });
  });
}

namespace {

/// Clamps to whichever bounds are given; the gradient passes where the value was within them.
Tensor clamp_between(const char* op, const Tensor& x, const Scalar* min, const Scalar* max) {
  defined_impl(x, op);
  DType dtype = x.dtype();
  if (min) dtype = std::max(dtype, result_type(x, *min));
  if (max) dtype = std::max(dtype, result_type(x, *max));
  Tensor out = new_tensor(x.sizes(), dtype);
  const Tensor from = x.detach().to(dtype);
  const bool below = min != nullptr, above = max != nullptr;
  const Scalar low = below ? *min : Scalar(0), high = above ? *max : Scalar(0);
  dispatch(dtype, [&]<class T>() {
    kernels::map<T, T>(out, from, [=, l = low.to<T>(), h = high.to<T>()](T v) NORMA_INLINE {
      if (below && v < l) v = l;
      if (above && v > h) v = h;
      return v;
    });
  });
  return record(op, out, {&x}, [=, saved = Saved(x)](const Tensor& g, InputGrads& d) {
    d[0] = combine_constant(g, *saved, [=](auto u, auto v) NORMA_INLINE {
      using T = decltype(u);
      // NaN is within no bounds.
      return (!below || v >= low.to<T>()) && (!above || v <= high.to<T>()) ? u : T(0);
    });
  });
}

}  // namespace

Tensor Tensor::clamp(Scalar min, Scalar max) const {
  return clamp_between("clamp", *this, &min, &max);
}
Tensor Tensor::clamp_min(Scalar min) const {
  return clamp_between("clamp_min", *this, &min, nullptr);
}
Tensor Tensor::clamp_max(Scalar max) const {
  return clamp_between("clamp_max", *this, nullptr, &max);
}

namespace {

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
    if (d.needs(0)) d[0] = g.mul(binary(op, *x, *y, g.dtype(), share));
    if (d.needs(1)) d[1] = g.mul(binary(op, *y, *x, g.dtype(), share));
  });
}

}  // namespace

Tensor Tensor::maximum(const Tensor& other) const {
  return extremum("maximum", *this, other, [](auto x, auto y) NORMA_INLINE { return x > y; });
}
Tensor Tensor::minimum(const Tensor& other) const {
  return extremum("minimum", *this, other, [](auto x, auto y) NORMA_INLINE { return x < y; });
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (defined_impl(condition, "where")->dtype != kBool) {
    fail("where", "expected a condition of dtype bool, got ", condition.dtype(),
         "; compare first, for example with gt(0)");
  }
  const DType dtype = result_type(a, b, "where");
  const Shape sizes =
      broadcast_shapes(condition.sizes(), broadcast_shapes(a.sizes(), b.sizes(), "where"), "where");
  Tensor out = new_tensor(sizes, dtype);
  const Tensor x = a.detach().to(dtype), y = b.detach().to(dtype);
  kernels::choose(out, condition, x, y);
  return record("where", out, {&a, &b}, [c = Saved(condition)](const Tensor& g, InputGrads& d) {
    const Tensor zero = zeros(Shape{}, {.dtype = g.dtype()});
    if (d.needs(0)) d[0] = where(*c, g, zero);
    if (d.needs(1)) d[1] = where(*c, zero, g);
  });
}

Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const {
  const DType dtype = defined_impl(*this, "masked_fill")->dtype;
  if (defined_impl(mask, "masked_fill")->dtype != kBool) {
    fail("masked_fill", "expected a mask of dtype bool, got ", mask.dtype());
  }
  return where(mask, full(Shape{}, value, {.dtype = dtype}), *this);
}

}  // namespace norma
