// Batch normalisation, as in training.
#pragma once
#include <norma/norma.h>

#include <stdexcept>

namespace mine {

using norma::Shape, norma::Tensor;

/// x [N, C] or [N, C, H, W], gamma and beta [C]; the result has the shape of x.
inline Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  // Your code here.
  throw std::logic_error("batch_norm() is not written yet");
}

}  // namespace mine
