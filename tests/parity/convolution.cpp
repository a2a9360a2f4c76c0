// Convolutions: families/convolution.py.
#include "tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;

norma::PaddingMode mode_of(const Json& value) {
  const auto word = value.get<std::string>();
  return word == "reflect"     ? norma::PaddingMode::Reflect
         : word == "replicate" ? norma::PaddingMode::Replicate
         : word == "circular"  ? norma::PaddingMode::Circular
                               : norma::PaddingMode::Zeros;
}

Tensors conv2d(const Tensors& x, const Json& options) {
  const Json& padding = options.at("padding");
  const auto word = padding.is_string() ? padding.get<std::string>() : std::string();
  nn::Conv2d layer(options.at("in").get<int64_t>(), options.at("out").get<int64_t>(),
                   pair_of(options.at("kernel")),
                   {.stride = pair_of(options.at("stride")),
                    .padding = padding.is_string() ? norma::Padding(word.c_str())
                                                   : norma::Padding(pair_of(padding)),
                    .dilation = pair_of(options.at("dilation")),
                    .groups = options.at("groups").get<int64_t>(),
                    .bias = options.at("bias").get<bool>(),
                    .padding_mode = mode_of(options.at("mode"))});
  std::size_t next = 2;
  layer.weight = x[1];
  layer.bias = optional_input(x, next, options, "bias");
  return {layer.forward(x[0])};
}

const Family family("convolution", {{"conv2d", conv2d}});

}  // namespace
}  // namespace parity
