#include "norma/layers/rms_norm.h"

#include "norma/autograd/functional_norm.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  if (normalized_shape.empty())
    fail("RMSNorm", "expected normalized_shape of at least one dimension, got []");
  for (const int64_t size : normalized_shape)
    check_at_least("RMSNorm", "sizes in normalized_shape", size, 0);
  if (options.eps) check_eps("RMSNorm", *options.eps);
  weight =
      register_parameter("weight", options.elementwise_affine ? ones(normalized_shape) : Tensor());
}

void RMSNorm::reset_parameters() { init::reset_gamma_and_beta(weight, Tensor()); }

Tensor RMSNorm::forward(const Tensor& input) {
  return functional::rms_norm(input, normalized_shape_, weight, options_.eps);
}

std::string RMSNorm::extra_repr() const {
  return text(tuple(normalized_shape_), ", eps=", (options_.eps ? text(*options_.eps) : "None"),
              ", elementwise_affine=", options_.elementwise_affine);
}

LocalResponseNorm::LocalResponseNorm(int64_t size, const LocalResponseNormOptions& options)
    : size_(size), options_(options) {
  check_at_least("LocalResponseNorm", "size", size, 1);
}

Tensor LocalResponseNorm::forward(const Tensor& input) {
  return functional::local_response_norm(input, size_, options_.alpha, options_.beta, options_.k);
}

std::string LocalResponseNorm::extra_repr() const {
  return text(size_, ", alpha=", options_.alpha, ", beta=", options_.beta, ", k=", options_.k);
}

}  // namespace norma::nn
