// Batch normalisation, as in training.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Shape, norma::Tensor;

/// x [N, C] or [N, C, H, W], gamma and beta [C]; the result has the shape of x.
inline Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  Shape axes = {0}, per_channel = {1, x.size(1)};
  for (int64_t axis = 2; axis < x.dim(); ++axis) {
    axes.push_back(axis);
    per_channel.push_back(1);
  }
  const Tensor centred = x - x.mean(axes, /*keepdim=*/true);
  const Tensor var = centred.square().mean(axes, /*keepdim=*/true);
  const Tensor normalised = centred / (var + eps).sqrt();
  return normalised * gamma.reshape(per_channel) + beta.reshape(per_channel);
}

}  // namespace mine
