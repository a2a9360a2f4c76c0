// Functions of single elements, and choices between elements.
#include "norma/autograd/elementwise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norma/autograd/fuse_norm_relu.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/vector_math.h"

namespace norma {

using namespace autograd;
namespace plain = kernels::plain;

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
      input, number_type("relu", input),
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
  check_floating("leaky_relu", *this);
  Tensor out = unary_floating("leaky_relu", *this, [negative_slope](auto x) NORMA_INLINE {
    return x > 0 ? x : x * static_cast<decltype(x)>(negative_slope);
  });
  return record({"leaky_relu", {{"negative_slope", negative_slope}}}, out, {this},
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
  return record({"gelu", {{"approximate", "tanh"}}}, out, {&input},
                [x = Saved(input)](const Tensor& g, InputGrads& d) {
                  if (grad_enabled()) {
                    const Tensor t = gelu_angle(*x).tanh(),
                                 slope = kSqrt2OverPi * (1 + 3 * kCubic * x->square());
                    d[0] = g.mul((1 + t) / 2 + *x / 2 * (1 - t.square()) * slope);
                    return;
                  }
                  d[0] = combine(g, *x, plain::gelu_tanh_backward, [](auto u, auto v) NORMA_INLINE {
                    const auto t = fast_tanh(gelu_angle(v));
                    const auto slope =
                        decltype(v)(kSqrt2OverPi) * (1 + 3 * decltype(v)(kCubic) * v * v);
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
  check_floating("gelu", *this);
  if (approximate_tanh) return gelu_by_tanh(*this);
  Tensor out =
      unary_floating("gelu", *this, plain::gelu, [](auto x) NORMA_INLINE { return fast_gelu(x); });
  return record({"gelu", {{"approximate", "none"}}}, out, {this},
                [x = Saved(*this)](const Tensor& g, InputGrads& d) {
                  d[0] = grad_enabled()
                             ? g.mul(gelu_slope(*x))
                             : combine(g, *x, plain::gelu_backward,
                                       [](auto u, auto v)
                                           NORMA_INLINE { return u * fast_gelu_slope(v); });
                });
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
  const auto backward = [c = Saved(condition)](const Tensor& g, InputGrads& d) {
    const Tensor zero = zeros(Shape{}, {.dtype = g.dtype()});
    if (d.needs(0)) d[0] = where(*c, g, zero);
    if (d.needs(1)) d[1] = where(*c, zero, g);
  };
  return record("where", out, {&a, &b}, backward, {&condition});
}

Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const {
  const DType dtype = defined_impl(*this, "masked_fill")->dtype;
  if (defined_impl(mask, "masked_fill")->dtype != kBool) {
    fail("masked_fill", "expected a mask of dtype bool, got ", mask.dtype());
  }
  return norma::where(mask, full(Shape{}, value, {.dtype = dtype}), *this);
}

}  // namespace norma
