// A linear layer: every output is a weighted sum of all inputs, plus a bias.
#pragma once
#include <norma/norma.h>

#include <stdexcept>

namespace mine {

using norma::Tensor;

/// x [N, in], weight [out, in], bias [out]; the result [N, out].
inline Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // Your code here.
  throw std::logic_error("linear() is not written yet");
}

struct LinearGradients {
  Tensor x, weight, bias;
};

/// `g` [N, out] is the gradient of the result: d(loss) / d(linear(x, weight, bias)).
inline LinearGradients linear_backward(const Tensor& g, const Tensor& x, const Tensor& weight) {
  // Your code here: return {.x = …, .weight = …, .bias = …};
  throw std::logic_error("linear_backward() is not written yet");
}

}  // namespace mine
