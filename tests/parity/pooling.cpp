// Pooling: families/pooling.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;

norma::OptionalPair optional_pair(const Json& value) {
  return value.is_null() ? norma::OptionalPair() : norma::OptionalPair(pair_of(value));
}

Tensors max_pool2d(const Tensors& x, const Json& options) {
  nn::MaxPool2d layer(pair_of(options.at("kernel")),
                      {.stride = optional_pair(options.at("stride")),
                       .padding = pair_of(options.at("padding")),
                       .dilation = pair_of(options.at("dilation")),
                       .ceil_mode = options.at("ceil_mode").get<bool>()});
  return {layer(x[0])};
}

Tensors max_pool1d(const Tensors& x, const Json& options) {
  const auto number = [&](const char* name) { return options.at(name).at(0).get<int64_t>(); };
  nn::MaxPool1dOptions o{.padding = number("padding"),
                         .dilation = number("dilation"),
                         .ceil_mode = options.at("ceil_mode").get<bool>()};
  if (!options.at("stride").is_null()) o.stride = number("stride");
  nn::MaxPool1d layer(number("kernel"), o);
  return {layer(x[0])};
}

Tensors avg_pool2d(const Tensors& x, const Json& options) {
  nn::AvgPool2dOptions o{.stride = optional_pair(options.at("stride")),
                         .padding = pair_of(options.at("padding")),
                         .ceil_mode = options.at("ceil_mode").get<bool>(),
                         .count_include_pad = options.at("count_include_pad").get<bool>()};
  if (const Json& divisor = options.at("divisor_override"); !divisor.is_null()) {
    o.divisor_override = divisor.get<int64_t>();
  }
  nn::AvgPool2d layer(pair_of(options.at("kernel")), o);
  return {layer(x[0])};
}

Tensors adaptive_avg_pool2d(const Tensors& x, const Json& options) {
  nn::AdaptiveAvgPool2d layer(pair_of(options.at("size")));
  return {layer(x[0])};
}

const Family family("pooling", {{"max_pool1d", max_pool1d},
                                {"max_pool2d", max_pool2d},
                                {"avg_pool2d", avg_pool2d},
                                {"adaptive_avg_pool2d", adaptive_avg_pool2d}});

}  // namespace
}  // namespace parity
