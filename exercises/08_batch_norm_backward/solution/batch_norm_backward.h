// Batch normalisation as an operation of your own, with its backward pass.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

struct BatchNormGradients {
  Tensor x, gamma, beta;
};

/// `g` [N, C] is the gradient of the result y = x_hat · gamma + beta, where
/// x_hat [N, C] = (x - mean) · inv_std and inv_std [C] = 1 / √(var + eps).
inline BatchNormGradients batch_norm_backward(const Tensor& g, const Tensor& x_hat,
                                              const Tensor& inv_std, const Tensor& gamma) {
  const Tensor mean_g = g.mean({0}), mean_g_x_hat = (g * x_hat).mean({0});
  return {.x = gamma * inv_std * (g - mean_g - x_hat * mean_g_x_hat),
          .gamma = (g * x_hat).sum({0}),
          .beta = g.sum({0})};
}

/// For x [N, C]. The forward pass computes with detached tensors, so nothing of it is recorded;
/// record() puts it into the graph as one operation, with the backward pass above.
inline Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  const Tensor centred = x.detach() - x.detach().mean({0});
  const Tensor inv_std = 1.0 / (centred.square().mean({0}) + eps).sqrt();
  const Tensor x_hat = centred * inv_std;
  return norma::autograd::record(
      "my_batch_norm", x_hat * gamma.detach() + beta.detach(), {&x, &gamma, &beta},
      [=, gamma = norma::autograd::Saved(gamma)](const Tensor& g, norma::autograd::InputGrads& d) {
        const BatchNormGradients grads = batch_norm_backward(g, x_hat, inv_std, *gamma);
        d[0] = grads.x;
        d[1] = grads.gamma;
        d[2] = grads.beta;
      });
}

}  // namespace mine
