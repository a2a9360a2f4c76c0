// Activations, and their gradients: smooth ones, then those of straight pieces.
#include <cmath>

#include "norma/autograd/elementwise.h"
#include "norma/autograd/functional_activations.h"
#include "norma/autograd/operands.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/text.h"

namespace norma::functional {

using namespace autograd;

namespace {

/// What the formulas below are made of: the fast functions, and in double their definitions.
struct Fast {
  template <class T>
  static NORMA_INLINE T exp(T x) {
    return fast_exp(x);
  }
  /// For x <= 0.
  template <class T>
  static NORMA_INLINE T expm1(T x) {
    const T t = fast_tanh(x / 2);
    return 2 * t / (1 - t);
  }
  template <class T>
  static NORMA_INLINE T sigmoid(T x) {
    return fast_sigmoid(x);
  }
  template <class T>
  static NORMA_INLINE T softplus(T x) {
    return fast_softplus(x);
  }
};
struct Plain {
  static double exp(double x) { return elementary::exp(x); }
  static double expm1(double x) { return elementary::expm1(x); }
  static double sigmoid(double x) { return kernels::plain::sigmoid(x); }
  static double softplus(double x) { return kernels::plain::softplus(x); }
};

/// A formula in plain functions, one type for all of them: the loops over it exist once.
class PlainFormula {
 public:
  template <class F>
  explicit PlainFormula(const F& f)
      : f_(&f), call_([](const void* g, double x) -> double {
          return (*static_cast<const F*>(g))(x, Plain());
        }) {}
  double operator()(double x) const { return call_(f_, x); }

 private:
  const void* f_;
  double (*call_)(const void*, double);
};

struct PlainProduct {
  PlainFormula f;
  double operator()(double g, double x) const { return g * f(x); }
};

/// y = value(x, math), whose derivative is slope(x, math), and formula(x) in tensor operations.
template <class Value, class Slope, class Formula>
Tensor activation(const Operation& op, const Tensor& input, Value value, Slope slope,
                  Formula formula) {
  check_floating(op.name, input);
  Tensor out = plain_kernels()
                   ? unary_floating(op.name, input, kernels::plain::Function{PlainFormula(value)})
                   : unary_floating(op.name, input,
                                    [value](auto x) NORMA_INLINE { return value(x, Fast()); });
  return record(op, out, {&input}, [=, x = Saved(input)](const Tensor& g, InputGrads& d) {
    if (grad_enabled()) {
      d[0] = g.mul(formula(*x));
    } else if (plain_kernels()) {
      d[0] = combine(g, *x, kernels::plain::Gradient{PlainProduct{PlainFormula(slope)}});
    } else {
      d[0] = combine(g, *x, [slope](auto u, auto v) NORMA_INLINE { return u * slope(v, Fast()); });
    }
  });
}

/// Straight pieces: the gradient is g where passes(x), 0 elsewhere.
template <class Passes>
Tensor pieces(const Operation& op, const Tensor& out, const Tensor& input, Passes passes) {
  return record(op, out, {&input}, [=, x = Saved(input)](const Tensor& g, InputGrads& d) {
    d[0] = combine_constant(
        g, *x, [passes](auto u, auto v) NORMA_INLINE { return passes(v) ? u : decltype(u)(0); });
  });
}
template <class Value, class Passes>
Tensor pieces(const Operation& op, const Tensor& input, Value value, Passes passes) {
  check_floating(op.name, input);
  return pieces(op, unary_floating(op.name, input, value), input, passes);
}

}  // namespace

Tensor leaky_relu(const Tensor& input, double negative_slope) {
  return input.leaky_relu(negative_slope);
}

Tensor gelu(const Tensor& input, const std::string& approximate) {
  if (approximate != "none" && approximate != "tanh") {
    fail("gelu", "expected approximate to be \"none\" or \"tanh\", got ", in_quotes(approximate));
  }
  return input.gelu(approximate == "tanh");
}

Tensor silu(const Tensor& input) {
  return activation(
      "silu", input, [](auto x, auto math) NORMA_INLINE { return x * math.sigmoid(x); },
      [](auto x, auto math) NORMA_INLINE {
        const auto s = math.sigmoid(x);
        return s * (1 + x * (1 - s));
      },
      [](const Tensor& x) {
        const Tensor s = x.sigmoid();
        return s * (1 + x * (1 - s));
      });
}

Tensor mish(const Tensor& input) {
  // tanh(log(1 + e)) = n / (n + 2) with e = e^x, n = e (e + 2); from 20 on it is 1.
  return activation(
      "mish", input,
      [](auto x, auto math) NORMA_INLINE {
        const auto e = math.exp(x > 20 ? decltype(x)(20) : x), n = e * (e + 2);
        return x * (n / (n + 2));
      },
      [](auto x, auto math) NORMA_INLINE {
        const auto e = math.exp(x > 20 ? decltype(x)(20) : x), n = e * (e + 2);
        const auto t = n / (n + 2), rest = x > 20 ? decltype(x)(0) : 2 / (n + 2);
        return t + x * math.sigmoid(x) * (rest * (1 + t));
      },
      [](const Tensor& x) {
        const Tensor t = softplus(x).tanh();
        return t + x * x.sigmoid() * (1 - t.square());
      });
}

namespace {

/// scale x where x > 0, scale alpha (e^(rate x) - 1) elsewhere.
Tensor exponential_unit(const Operation& op, const Tensor& input, double alpha, double scale,
                        double rate) {
  const double height = scale * alpha;
  return activation(
      op, input,
      [=](auto x, auto math) NORMA_INLINE {
        using T = decltype(x);
        const T below = math.expm1((x <= 0 ? x : T(0)) * static_cast<T>(rate));
        return x <= 0 ? below * static_cast<T>(height) : x * static_cast<T>(scale);
      },
      [=](auto x, auto math) NORMA_INLINE {
        using T = decltype(x);
        const T below = math.exp((x <= 0 ? x : T(0)) * static_cast<T>(rate));
        return x <= 0 ? below * static_cast<T>(height * rate) : static_cast<T>(scale);
      },
      [=](const Tensor& x) {
        const Tensor below = x.masked_fill(x > 0, 0).mul(rate).exp().mul(height * rate);
        return where(x <= 0, below, full(Shape{}, scale, {.dtype = x.dtype()}));
      });
}

}  // namespace

Tensor elu(const Tensor& input, double alpha) {
  return exponential_unit({"elu", {{"alpha", alpha}}}, input, alpha, 1, 1);
}

Tensor selu(const Tensor& input) {
  return exponential_unit("selu", input, 1.6732632423543772848170429916717,
                          1.0507009873554804934193349852946, 1);
}

Tensor celu(const Tensor& input, double alpha) {
  if (alpha == 0) fail("celu", "expected alpha other than 0, got 0");
  return exponential_unit({"celu", {{"alpha", alpha}}}, input, alpha, 1, 1 / alpha);
}

Tensor softplus(const Tensor& input, double beta, double threshold) {
  return activation(
      {"softplus", {{"beta", beta}, {"threshold", threshold}}}, input,
      [=](auto x, auto math) NORMA_INLINE {
        using T = decltype(x);
        const T angle = x * static_cast<T>(beta);
        return angle > static_cast<T>(threshold) ? x : math.softplus(angle) / static_cast<T>(beta);
      },
      [=](auto x, auto math) NORMA_INLINE {
        using T = decltype(x);
        const T angle = x * static_cast<T>(beta);
        return angle > static_cast<T>(threshold) ? T(1) : math.sigmoid(angle);
      },
      [=](const Tensor& x) {
        const Tensor angle = x * beta;
        return angle.sigmoid().masked_fill(angle > threshold, 1);
      });
}

Tensor logsigmoid(const Tensor& input) {
  return activation(
      "logsigmoid", input, [](auto x, auto math) NORMA_INLINE { return -math.softplus(-x); },
      [](auto x, auto math) NORMA_INLINE { return math.sigmoid(-x); },
      [](const Tensor& x) { return x.neg().sigmoid(); });
}

Tensor softsign(const Tensor& input) {
  number_type("softsign", input);
  return input.div(input.abs() + 1);
}

Tensor tanhshrink(const Tensor& input) {
  number_type("tanhshrink", input);
  const Tensor x = input.detach();
  return record(
      "tanhshrink", x - x.tanh(), {&input},
      [x = Saved(input)](const Tensor& g, InputGrads& d) { d[0] = g.mul(x->tanh().square()); });
}

Tensor prelu(const Tensor& input, const Tensor& weight) {
  const DType dtype = check_floating("prelu", input)->dtype;
  if (check_floating("prelu", weight, "weight")->dtype != dtype) {
    fail("prelu", "expected a weight of the input's dtype ", dtype, ", got ", weight.dtype());
  }
  if (weight.dim() > 1) {
    fail("prelu", "expected a weight [C] or a single number, got weight of size ", weight.sizes());
  }
  const int64_t channels = input.dim() > 1 ? input.size(1) : 1;
  if (weight.numel() != 1 && weight.numel() != channels) {
    fail("prelu", "expected a number per channel, ", channels, ", or a single one, got ",
         weight.numel(), " for input of size ", input.sizes());
  }
  Shape spread = Shape::filled(input.dim(), 1);
  if (input.dim() > 1) spread[1] = weight.numel();
  const Tensor w = weight.reshape(spread);
  const Tensor out = binary("prelu", input, w, dtype, [](auto x, auto slope) NORMA_INLINE {
    return x > 0 ? x : static_cast<decltype(x)>(slope * x);
  });
  return record("prelu", out, {&input, &w},
                [x = Saved(input), w = Saved(w)](const Tensor& g, InputGrads& d) {
                  const Tensor above = *x > 0;
                  if (d.needs(0)) d[0] = where(above, g, g * *w);
                  if (d.needs(1)) d[1] = (g * *x).masked_fill(above, 0);
                });
}

Tensor glu(const Tensor& input, int64_t dim) {
  const Shape& sizes = check_floating("glu", input)->sizes;
  if (sizes.empty()) fail("glu", "expected at least one dimension to halve, got a number, []");
  const int64_t d = wrap_dim(dim, sizes.size(), "glu"), half = sizes[d] / 2;
  if (sizes[d] % 2 != 0) {
    fail("glu", "Halving dimension must be even, but dimension ", d, " is size ", sizes[d]);
  }
  return input.narrow(d, 0, half) * input.narrow(d, half, half).sigmoid();
}

Tensor softmin(const Tensor& input, int64_t dim) {
  check_floating("softmin", input);
  return input.neg().softmax(dim);
}

namespace {

/// Clamped, with a gradient that passes between the bounds only, and at NaN.
Tensor bounded(const Operation& op, const Tensor& input, double min, double max) {
  const bool floating = is_floating(number_type(op.name, input));
  const auto as_input = [&](double bound) {
    return floating ? Scalar(bound) : Scalar(static_cast<int64_t>(bound));
  };
  return pieces(op, input.detach().clamp(as_input(min), as_input(max)), input,
                [=](auto x) NORMA_INLINE {
                  using T = decltype(x);
                  return !(x <= static_cast<T>(min) || x >= static_cast<T>(max));
                });
}

/// min(max(x + 3, 0), 6) / 6.
template <class T>
NORMA_INLINE inline T ramp(T x) {
  const T up = x + 3 < 0 ? T(0) : x + 3;
  return (up > 6 ? T(6) : up) / 6;
}

}  // namespace

Tensor relu6(const Tensor& input) { return bounded("relu6", input, 0, 6); }

Tensor hardtanh(const Tensor& input, double min_val, double max_val) {
  if (min_val > max_val) {
    fail("hardtanh", "expected min_val of at most max_val = ", max_val, ", got ", min_val);
  }
  return bounded({"hardtanh", {{"min_val", min_val}, {"max_val", max_val}}}, input, min_val,
                 max_val);
}

Tensor hardsigmoid(const Tensor& input) {
  check_floating("hardsigmoid", input);
  Tensor out = unary_floating("hardsigmoid", input, [](auto x) NORMA_INLINE { return ramp(x); });
  return record("hardsigmoid", out, {&input}, [x = Saved(input)](const Tensor& g, InputGrads& d) {
    d[0] = combine_constant(g, *x, [](auto u, auto v) NORMA_INLINE {
      return v > -3 && v < 3 ? u / 6 : decltype(u)(0);
    });
  });
}

Tensor hardswish(const Tensor& input) {
  return activation(
      "hardswish", input, [](auto x, auto) NORMA_INLINE { return x * ramp(x); },
      [](auto x, auto) NORMA_INLINE {
        using T = decltype(x);
        return x <= -3 ? T(0) : x < 3 ? x / 3 + T(0.5) : T(1);
      },
      [](const Tensor& x) {
        return (x / 3 + 0.5).masked_fill(x <= -3, 0).masked_fill((x < 3).logical_not(), 1);
      });
}

Tensor hardshrink(const Tensor& input, double lambda) {
  const auto outside = [lambda](auto x) NORMA_INLINE {
    using T = decltype(x);
    return !(x >= static_cast<T>(-lambda) && x <= static_cast<T>(lambda));
  };
  return pieces(
      {"hardshrink", {{"lambda", lambda}}}, input,
      [outside](auto x) NORMA_INLINE { return outside(x) ? x : decltype(x)(0); }, outside);
}

Tensor softshrink(const Tensor& input, double lambda) {
  if (!(lambda >= 0)) fail("softshrink", "expected lambda of 0 or more, got ", lambda);
  return pieces(
      {"softshrink", {{"lambda", lambda}}}, input,
      [lambda](auto x) NORMA_INLINE {
        using T = decltype(x);
        const T l = static_cast<T>(lambda);
        return x > l ? x - l : x < -l ? x + l : x * 0;
      },
      [lambda](auto x) NORMA_INLINE {
        using T = decltype(x);
        return !(x >= static_cast<T>(-lambda) && x <= static_cast<T>(lambda));
      });
}

Tensor threshold(const Tensor& input, double threshold, double value) {
  const DType dtype = number_type("threshold", input);
  const Tensor out = input.detach().masked_fill(
      is_floating(dtype) ? input <= threshold : input <= static_cast<int64_t>(threshold),
      is_floating(dtype) ? Scalar(value) : Scalar(static_cast<int64_t>(value)));
  return pieces({"threshold", {{"threshold", threshold}, {"value", value}}}, out, input,
                [threshold](auto x)
                    NORMA_INLINE { return !(x <= static_cast<decltype(x)>(threshold)); });
}

}  // namespace norma::functional
