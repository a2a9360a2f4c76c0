#include "norma/layers/layer_norm.h"

#include "norma/autograd/functional.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  if (normalized_shape.empty())
    fail("LayerNorm", "expected normalized_shape of at least one dimension, got []");
  for (const int64_t size : normalized_shape)
    check_at_least("LayerNorm", "sizes in normalized_shape", size, 0);
  check_eps("LayerNorm", options.eps);
  const bool affine = options.elementwise_affine;
  weight = register_parameter("weight", affine ? ones(normalized_shape) : Tensor());
  bias = register_parameter("bias", affine && options.bias ? zeros(normalized_shape) : Tensor());
}

void LayerNorm::reset_parameters() { init::reset_gamma_and_beta(weight, bias); }

Tensor LayerNorm::forward(const Tensor& input) {
  return functional::layer_norm(input, normalized_shape_, weight, bias, options_.eps);
}

std::string LayerNorm::extra_repr() const {
  return text(tuple(normalized_shape_), ", eps=", options_.eps,
              ", elementwise_affine=", options_.elementwise_affine, ", bias=", bias.defined());
}

}  // namespace norma::nn
