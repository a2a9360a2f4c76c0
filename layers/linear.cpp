#include "norma/layers/linear.h"

#include "norma/autograd/functional.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options)
    : in_features_(in_features), out_features_(out_features) {
  check_at_least("Linear", "in_features", in_features, 0);
  check_at_least("Linear", "out_features", out_features, 0);
  weight = register_parameter("weight", empty({out_features, in_features}));
  bias = register_parameter("bias", options.bias ? empty({out_features}) : Tensor());
  reset_parameters();
}

void Linear::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor Linear::forward(const Tensor& input) { return functional::linear(input, weight, bias); }

std::string Linear::extra_repr() const {
  return text("in_features=", in_features_, ", out_features=", out_features_,
              ", bias=", bias.defined());
}

Linear Linear::fresh() const { return Linear(in_features_, out_features_, {bias.defined()}); }

}  // namespace norma::nn
