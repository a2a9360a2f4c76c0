#include "norma/layers/activation.h"

#include <utility>

#include "norma/autograd/functional_activations.h"
#include "norma/core/text.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

Tensor ReLU::forward(const Tensor& input) { return input.relu(); }
Tensor ReLU::forward_donated(Tensor&& input) {
  return is_exactly<ReLU>(*this) ? std::move(input).relu() : forward(input);
}

Tensor LeakyReLU::forward(const Tensor& input) { return input.leaky_relu(negative_slope_); }
std::string LeakyReLU::extra_repr() const { return text("negative_slope=", negative_slope_); }

GELU::GELU(const GELUOptions& options) : tanh_(options.approximate == "tanh") {
  if (!tanh_ && options.approximate != "none") {
    fail("GELU", "expected approximate to be \"none\" or \"tanh\", got ",
         in_quotes(options.approximate));
  }
}
Tensor GELU::forward(const Tensor& input) { return input.gelu(tanh_); }
std::string GELU::extra_repr() const { return tanh_ ? "approximate='tanh'" : "approximate='none'"; }
GELU GELU::fresh() const { return GELU({.approximate = tanh_ ? "tanh" : "none"}); }

Tensor Sigmoid::forward(const Tensor& input) { return input.sigmoid(); }

Tensor Tanh::forward(const Tensor& input) { return input.tanh(); }

Tensor Softmax::forward(const Tensor& input) { return input.softmax(dim_); }
std::string Softmax::extra_repr() const { return text("dim=", dim_); }

Tensor LogSoftmax::forward(const Tensor& input) { return input.log_softmax(dim_); }
std::string LogSoftmax::extra_repr() const { return text("dim=", dim_); }

Tensor Softmin::forward(const Tensor& input) { return functional::softmin(input, dim_); }
std::string Softmin::extra_repr() const { return text("dim=", dim_); }

Tensor Softmax2d::forward(const Tensor& input) {
  if (input.dim() != 3 && input.dim() != 4) {
    fail("Softmax2d", "expected an input [N, C, H, W] or [C, H, W], got ", input.sizes());
  }
  return input.softmax(-3);
}

}  // namespace norma::nn
