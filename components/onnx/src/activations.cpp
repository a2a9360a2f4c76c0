// Activations, softmax, and what is left of dropout.
#include <cmath>
#include <numbers>

#include "call.h"

namespace norma::onnx {

namespace {

/// A node of one attribute, which is an option here.
Writer with_alpha(const char* type, const char* option) {
  return [=](Call& c) { return c.node(type, {c.in(0)}, {{"alpha", c.number(option)}}); };
}

std::string gelu(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0);
  std::string angle;
  if (c.word("approximate") == "tanh") {
    const std::string cube = c.node("Mul", {x, c.node("Mul", {x, x})});
    const std::string sum = c.node("Add", {x, c.linear(cube, 0.044715)});
    angle = c.node("Tanh", {c.linear(sum, std::sqrt(2 / std::numbers::pi))});
  } else {
    angle = c.node("Erf", {c.linear(x, 1 / std::numbers::sqrt2)});
  }
  return c.node("Mul", {c.linear(x, 0.5), c.node("Add", {angle, c.scalar(1, dtype)})});
}

std::string softplus(Call& c) {
  const double beta = c.number("beta"), threshold = c.number("threshold");
  const std::string angle = c.linear(c.in(0), beta);
  std::string smooth = c.linear(c.node("Softplus", {angle}), 1 / beta);
  if (threshold >= 20) return smooth;  // there it is x, but for less than a float holds
  const std::string far = c.node("Greater", {angle, c.scalar(threshold, c.out().dtype())});
  return c.node("Where", {far, c.in(0), smooth});
}

std::string celu(Call& c) {
  const DType dtype = c.out().dtype();
  const double alpha = c.number("alpha");
  const std::string zero = c.scalar(0, dtype), x = c.in(0);
  const std::string below = c.node("Exp", {c.linear(c.node("Min", {x, zero}), 1 / alpha)});
  const std::string curve = c.linear(c.node("Sub", {below, c.scalar(1, dtype)}), alpha);
  return c.node("Where", {c.node("Greater", {x, zero}), x, curve});
}

std::string hardsigmoid(Call& c) {
  return c.node("HardSigmoid", {c.in(0)}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
}

std::string bounded(Call& c, double min, double max) {
  const DType dtype = c.out().dtype();
  return c.node("Clip", {c.in(0), c.scalar(min, dtype), c.scalar(max, dtype)});
}

/// 0 within ± lambda, x moved towards 0 by `bias` outside.
std::string shrink(Call& c, bool moves) {
  const double lambda = c.number("lambda");
  return c.node("Shrink", {c.in(0)}, {{"lambd", lambda}, {"bias", moves ? lambda : 0.0}});
}

std::string threshold(Call& c) {
  const DType dtype = c.out().dtype();
  const std::string x = c.in(0);
  const std::string above = c.node("Greater", {x, c.option_scalar("threshold", dtype)});
  return c.node("Where", {above, x, c.option_scalar("value", dtype)});
}

Writer normalised(const char* type) {
  return [type](Call& c) {
    const int64_t dim = c.integer("dim");
    return c.node(type, {c.in(0)}, {{"axis", dim < 0 ? dim + c.rank(0) : dim}});
  };
}

}  // namespace

Writers activation_writers() {
  return {
      {"leaky_relu", with_alpha("LeakyRelu", "negative_slope")},
      {"elu", with_alpha("Elu", "alpha")},
      {"selu", [](Call& c) { return c.node("Selu", {c.in(0)}); }},
      {"celu", celu},
      {"gelu", gelu},
      {"silu",
       [](Call& c) {
         return c.node("Mul", {c.in(0), c.node("Sigmoid", {c.in(0)})});
       }},
      {"mish",
       [](Call& c) {
         return c.node("Mul", {c.in(0), c.node("Tanh", {c.node("Softplus", {c.in(0)})})});
       }},
      {"softplus", softplus},
      {"logsigmoid",
       [](Call& c) { return c.node("Neg", {c.node("Softplus", {c.node("Neg", {c.in(0)})})}); }},
      {"tanhshrink",
       [](Call& c) {
         return c.node("Sub", {c.in(0), c.node("Tanh", {c.in(0)})});
       }},
      {"prelu",
       [](Call& c) {
         return c.node("PRelu", {c.in(0), c.in(1)});
       }},
      {"relu6", [](Call& c) { return bounded(c, 0, 6); }},
      {"hardtanh", [](Call& c) { return bounded(c, c.number("min_val"), c.number("max_val")); }},
      {"hardsigmoid", hardsigmoid},
      {"hardswish",
       [](Call& c) {
         return c.node("Mul", {c.in(0), hardsigmoid(c)});
       }},
      {"hardshrink", [](Call& c) { return shrink(c, false); }},
      {"softshrink", [](Call& c) { return shrink(c, true); }},
      {"threshold", threshold},
      {"softmax", normalised("Softmax")},
      {"log_softmax", normalised("LogSoftmax")},
  };
}

}  // namespace norma::onnx
