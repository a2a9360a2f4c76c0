// ReLU, the rectified linear unit: what is negative becomes 0.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

/// max(x, 0) of every element.
inline Tensor relu(const Tensor& x) { return norma::where(x > 0.0, x, norma::zeros_like(x)); }

/// The gradient of x; `g` is the gradient of relu(x).
inline Tensor relu_backward(const Tensor& g, const Tensor& x) {
  return norma::where(x > 0.0, g, norma::zeros_like(g));
}

}  // namespace mine
