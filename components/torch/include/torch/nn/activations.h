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

NORMA_TORCH_LOSS(BCELoss, weight);
NORMA_TORCH_LOSS(SmoothL1Loss, beta);
NORMA_TORCH_LOSS(HuberLoss, delta);
NORMA_TORCH_LOSS(KLDivLoss, log_target);
NORMA_TORCH_LOSS(HingeEmbeddingLoss, margin);

}  // namespace torch::nn
