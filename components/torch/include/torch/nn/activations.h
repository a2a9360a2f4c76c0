// Activations and losses beyond the common ones.
#pragma once
#include "torch/nn/layers.h"

namespace torch::nn {

NORMA_TORCH_SIMPLE0(SiLU);
NORMA_TORCH_SIMPLE0(Mish);
NORMA_TORCH_SIMPLE0(SELU);
NORMA_TORCH_SIMPLE0(ReLU6);
NORMA_TORCH_SIMPLE0(LogSigmoid);
NORMA_TORCH_SIMPLE0(Softsign);
NORMA_TORCH_SIMPLE0(Hardsigmoid);
NORMA_TORCH_SIMPLE0(Hardswish);
NORMA_TORCH_SIMPLE1(ELU, double, alpha, 1.0);
NORMA_TORCH_SIMPLE1(CELU, double, alpha, 1.0);
NORMA_TORCH_SIMPLE1(GLU, int64_t, dim, -1);
NORMA_TORCH_SIMPLE1(Softmin, int64_t, dim, -1);
struct SoftplusOptions {
  auto make() const { return norma::nn::Softplus(beta_, threshold_); }
  TORCH_ARG(double, beta) = 1;
  TORCH_ARG(double, threshold) = 20;
};
NORMA_TORCH_IMPL(Layer, Softplus);
struct HardtanhOptions {
  auto make() const { return norma::nn::Hardtanh(min_val_, max_val_); }
  TORCH_ARG(double, min_val) = -1;
  TORCH_ARG(double, max_val) = 1;
  TORCH_ARG(bool, inplace) = false;
};
NORMA_TORCH_IMPL(Layer, Hardtanh);
struct PReLUOptions {
  PReLUOptions(int64_t parameters = 1) : num_parameters_(parameters) {}
  auto make() const { return norma::nn::PReLU(num_parameters_, init_); }
  TORCH_ARG(int64_t, num_parameters);
  TORCH_ARG(double, init) = 0.25;
};
NORMA_TORCH_IMPL(Layer, PReLU);

NORMA_TORCH_LOSS(BCELoss, weight);
NORMA_TORCH_LOSS(SmoothL1Loss, beta);
NORMA_TORCH_LOSS(HuberLoss, delta);
NORMA_TORCH_LOSS(KLDivLoss, log_target);
NORMA_TORCH_LOSS(HingeEmbeddingLoss, margin);

}  // namespace torch::nn
