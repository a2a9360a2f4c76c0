// Batch normalisation that remembers: what it uses in evaluation.
#pragma once
#include <norma/norma.h>

#include <stdexcept>

namespace mine {

using norma::Tensor;

inline Tensor normalise(const Tensor& x, const Tensor& mean, const Tensor& var, double eps) {
  return (x - mean) / (var + eps).sqrt();
}

/// For x [N, C], without gamma and beta.
struct BatchNorm {
  Tensor running_mean, running_var;  // [C] each
  double momentum = 0.1, eps = 1e-5;
  bool training = true;

  explicit BatchNorm(int64_t channels)
      : running_mean(norma::zeros({channels})), running_var(norma::ones({channels})) {}

  Tensor forward(const Tensor& x) {
    // Your code here.
    throw std::logic_error("forward() is not written yet");
  }
};

}  // namespace mine
