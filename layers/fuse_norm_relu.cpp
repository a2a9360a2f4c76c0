#include "norma/layers/fuse_norm_relu.h"

#include <utility>

#include "norma/autograd/observer.h"
#include "norma/layers/activation.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

bool is_norm_and_relu(const Module& norm, const Module& relu) {
  return is_exactly<BatchNorm1d, BatchNorm2d, BatchNorm3d>(norm) && is_exactly<ReLU>(relu);
}

Tensor norm_and_relu(BatchNorm& norm, Module& relu, Tensor x) {
  const bool is_followed = autograd::is_watched() || norm.has_hooks() || relu.has_hooks();
  return is_followed ? relu(norm(std::move(x))) : norm.with_relu(std::move(x));
}

}  // namespace norma::nn
