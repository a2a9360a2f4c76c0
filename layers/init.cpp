#include "norma/layers/init.h"

#include <cmath>

#include "norma/autograd/grad_mode.h"
#include "norma/core/random.h"
#include "norma/core/text.h"

namespace norma::nn::init {

namespace {

double kaiming_std(const char* op, const Tensor& tensor, const KaimingOptions& options) {
  if (options.mode != "fan_in" && options.mode != "fan_out") {
    fail(op, "expected mode \"fan_in\" or \"fan_out\", got ", in_quotes(options.mode));
  }
  const auto [fan_in, fan_out] = calculate_fan_in_and_fan_out(tensor);
  const double gain = calculate_gain(options.nonlinearity, options.a);
  return gain / std::sqrt(static_cast<double>(options.mode == "fan_in" ? fan_in : fan_out));
}

double xavier_std(const Tensor& tensor, double gain) {
  const auto [fan_in, fan_out] = calculate_fan_in_and_fan_out(tensor);
  return gain * std::sqrt(2.0 / (static_cast<double>(fan_in) + static_cast<double>(fan_out)));
}

}  // namespace

Tensor uniform_(Tensor tensor, double low, double high) {
  if (!(low <= high)) fail("uniform_", "expected low <= high, got ", low, " and ", high);
  const NoGradGuard no_grad;
  return norma::uniform_(tensor, low, high);
}

Tensor normal_(Tensor tensor, double mean, double std) {
  if (!(std >= 0.0)) fail("normal_", "expected std of at least 0, got ", std);
  const NoGradGuard no_grad;
  return norma::normal_(tensor, mean, std);
}

Tensor constant_(Tensor tensor, double value) {
  const NoGradGuard no_grad;
  return tensor.fill_(value);
}

Tensor ones_(Tensor tensor) { return constant_(std::move(tensor), 1.0); }
Tensor zeros_(Tensor tensor) { return constant_(std::move(tensor), 0.0); }

std::pair<int64_t, int64_t> calculate_fan_in_and_fan_out(const Tensor& tensor) {
  const Shape& sizes = tensor.sizes();
  if (sizes.size() < 2) {
    fail("calculate_fan_in_and_fan_out", "expected a tensor of at least 2 dimensions, got ", sizes,
         "; give biases and gammas constant_, zeros_ or uniform_");
  }
  int64_t receptive_field = 1;
  for (int64_t i = 2; i < sizes.size(); ++i) receptive_field *= sizes[i];
  return {sizes[1] * receptive_field, sizes[0] * receptive_field};
}

double calculate_gain(const std::string& nonlinearity, double param) {
  for (const char* linear : {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
                             "conv_transpose2d", "conv_transpose3d", "sigmoid"}) {
    if (nonlinearity == linear) return 1.0;
  }
  if (nonlinearity == "tanh") return 5.0 / 3.0;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1.0 + param * param));
  if (nonlinearity == "selu") return 3.0 / 4.0;
  fail("calculate_gain", "expected linear, conv2d, sigmoid, tanh, relu, leaky_relu or selu, got ",
       in_quotes(nonlinearity));
}

Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options) {
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", tensor, options);
  return tensor.numel() == 0 ? tensor : init::uniform_(tensor, -bound, bound);
}

Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options) {
  const double std = kaiming_std("kaiming_normal_", tensor, options);
  return tensor.numel() == 0 ? tensor : init::normal_(tensor, 0.0, std);
}

Tensor xavier_uniform_(Tensor tensor, double gain) {
  const double bound = std::sqrt(3.0) * xavier_std(tensor, gain);
  return tensor.numel() == 0 ? tensor : init::uniform_(tensor, -bound, bound);
}

Tensor xavier_normal_(Tensor tensor, double gain) {
  const double std = xavier_std(tensor, gain);
  return tensor.numel() == 0 ? tensor : init::normal_(tensor, 0.0, std);
}

void reset_weight_and_bias(const Tensor& weight, const Tensor& bias) {
  kaiming_uniform_(weight, {.a = std::sqrt(5.0)});
  if (!bias.defined()) return;
  const int64_t fan_in = calculate_fan_in_and_fan_out(weight).first;
  const double bound = fan_in > 0 ? 1.0 / std::sqrt(static_cast<double>(fan_in)) : 0.0;
  init::uniform_(bias, -bound, bound);
}

void reset_gamma_and_beta(const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) ones_(weight);
  if (bias.defined()) zeros_(bias);
}

}  // namespace norma::nn::init
