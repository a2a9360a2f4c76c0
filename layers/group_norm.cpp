#include "norma/layers/group_norm.h"

#include "norma/autograd/functional.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, const GroupNormOptions& options)
    : num_groups_(num_groups), num_channels_(num_channels), options_(options) {
  check_at_least("GroupNorm", "num_groups", num_groups, 1);
  check_at_least("GroupNorm", "num_channels", num_channels, 0);
  if (num_channels % num_groups != 0) {
    fail("GroupNorm",
         "num_channels must be divisible by num_groups, got num_channels=", num_channels,
         " and num_groups=", num_groups);
  }
  check_eps("GroupNorm", options.eps);
  weight = register_parameter("weight", options.affine ? ones({num_channels}) : Tensor());
  bias =
      register_parameter("bias", options.affine && options.bias ? zeros({num_channels}) : Tensor());
}

void GroupNorm::reset_parameters() { init::reset_gamma_and_beta(weight, bias); }

Tensor GroupNorm::forward(const Tensor& input) {
  return functional::group_norm(input, num_groups_, weight, bias, options_.eps);
}

std::string GroupNorm::extra_repr() const {
  return text(num_groups_, ", ", num_channels_, ", eps=", options_.eps,
              ", affine=", options_.affine, ", bias=", bias.defined());
}

}  // namespace norma::nn
