#include "norma/layers/piecewise_activation.h"

#include "norma/autograd/functional_activations.h"
#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/core/text.h"

namespace norma::nn {

namespace F = functional;

Tensor ReLU6::forward(const Tensor& input) { return F::relu6(input); }

Hardtanh::Hardtanh(double min_val, double max_val) : min_val_(min_val), max_val_(max_val) {
  if (!(max_val > min_val)) {
    fail("Hardtanh", "expected max_val above min_val = ", min_val, ", got ", max_val);
  }
}
Tensor Hardtanh::forward(const Tensor& input) { return F::hardtanh(input, min_val_, max_val_); }
std::string Hardtanh::extra_repr() const {
  return text("min_val=", min_val_, ", max_val=", max_val_);
}

Tensor Hardsigmoid::forward(const Tensor& input) { return F::hardsigmoid(input); }

Tensor Hardswish::forward(const Tensor& input) { return F::hardswish(input); }

Tensor Hardshrink::forward(const Tensor& input) { return F::hardshrink(input, lambda_); }
std::string Hardshrink::extra_repr() const { return text(lambda_); }

Tensor Softshrink::forward(const Tensor& input) { return F::softshrink(input, lambda_); }
std::string Softshrink::extra_repr() const { return text(lambda_); }

Tensor Threshold::forward(const Tensor& input) { return F::threshold(input, threshold_, value_); }
std::string Threshold::extra_repr() const {
  return text("threshold=", threshold_, ", value=", value_);
}

PReLU::PReLU(const PReLUOptions& options) : options_(options) {
  if (options.num_parameters < 1) {
    fail("PReLU", "expected num_parameters of at least 1, got ", options.num_parameters);
  }
  weight = register_parameter("weight", full({options.num_parameters}, options.init));
}
PReLU::PReLU(int64_t num_parameters, double init)
    : PReLU(PReLUOptions{.num_parameters = num_parameters, .init = init}) {}
Tensor PReLU::forward(const Tensor& input) { return F::prelu(input, weight); }
void PReLU::reset_parameters() {
  const NoGradGuard guard;
  weight.fill_(options_.init);
}
std::string PReLU::extra_repr() const { return text("num_parameters=", options_.num_parameters); }

}  // namespace norma::nn
