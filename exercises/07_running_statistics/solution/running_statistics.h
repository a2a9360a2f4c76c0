// Batch normalisation that remembers: what it uses in evaluation.
#pragma once
#include <norma/norma.h>

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
    if (!training) return normalise(x, running_mean, running_var, eps);
    const Tensor mean = x.mean({0}), var = x.var(0, /*unbiased=*/false);
    {
      const norma::NoGradGuard no_grad;
      const double n = static_cast<double>(x.size(0));
      running_mean = (1 - momentum) * running_mean + momentum * mean;
      running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1));
    }
    return normalise(x, mean, var, eps);
  }
};

}  // namespace mine
