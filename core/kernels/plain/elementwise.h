// Functions of single elements, by their definition, and the gradients of those whose backward is
// not an operation of its own. The fast versions: core/kernels/vector_math.h, and what
// autograd/elementwise.cpp makes of them. One step of arithmetic or one comparison, as in x + y or
// relu, is its own definition.
#pragma once
#include <cmath>

#include "norma/core/elementary.h"

namespace norma::kernels::plain {

inline double exp(double x) { return elementary::exp(x); }
inline double log(double x) { return elementary::log(x); }

/// y = (e^x - e^-x) / (e^x + e^-x); dx = dy (1 - y²).
inline double tanh(double x) { return elementary::tanh(x); }
inline double tanh_backward(double dy, double y) { return dy * ((1 - y) * (1 + y)); }

/// y = 1 / (1 + e^-x), in the form that does not overflow; dx = dy y (1 - y).
inline double sigmoid(double x) {
  return x < 0 ? elementary::exp(x) / (1 + elementary::exp(x)) : 1 / (1 + elementary::exp(-x));
}
inline double sigmoid_backward(double dy, double y) { return dy * y * (1 - y); }

/// y = log(1 + e^x), in the form that does not overflow; its slope is the sigmoid.
inline double softplus(double x) {
  return std::fmax(x, 0.0) + elementary::log1p(elementary::exp(-std::fabs(x)));
}

/// y = x Φ(x), Φ being the normal distribution's; dx = dy (Φ(x) + x φ(x)), φ = Φ' its density.
inline double normal_distribution(double x) { return std::erfc(x * -std::sqrt(0.5)) / 2; }
inline double gelu(double x) { return x * normal_distribution(x); }
inline double gelu_backward(double dy, double x) {
  const double density = elementary::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
  return dy * (normal_distribution(x) + x * density);
}

/// y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³);
/// dx = dy ((1 + tanh u) / 2 + x (1 - tanh² u) u' / 2).
inline double gelu_angle(double x) {
  return std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
}
inline double gelu_tanh(double x) { return x * ((1 + elementary::tanh(gelu_angle(x))) / 2); }
inline double gelu_tanh_backward(double dy, double x) {
  const double t = elementary::tanh(gelu_angle(x));
  const double slope = std::sqrt(2 / std::acos(-1.0)) * (1 + 3 * 0.044715 * x * x);
  return dy * ((1 + t) / 2 + x / 2 * ((1 - t) * (1 + t)) * slope);
}

/// The functions above for elements of any floating type, rounded once.
template <class F>
struct Function {
  F f;
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(f(double(x)));
  }
};
template <class F>
Function(F) -> Function<F>;
template <class F>
struct Gradient {
  F f;
  template <class T>
  T operator()(T dy, T value) const {
    return static_cast<T>(f(double(dy), double(value)));
  }
};
template <class F>
Gradient(F) -> Gradient<F>;

}  // namespace norma::kernels::plain
