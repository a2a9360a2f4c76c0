// A linear layer: every output is a weighted sum of all inputs, plus a bias.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

/// x [N, in], weight [out, in], bias [out]; the result [N, out].
inline Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return x.matmul(weight.t()) + bias;
}

struct LinearGradients {
  Tensor x, weight, bias;
};

/// `g` [N, out] is the gradient of the result: d(loss) / d(linear(x, weight, bias)).
inline LinearGradients linear_backward(const Tensor& g, const Tensor& x, const Tensor& weight) {
  return {.x = g.matmul(weight), .weight = g.t().matmul(x), .bias = g.sum({0})};
}

}  // namespace mine
