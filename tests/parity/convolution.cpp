// Convolutions: families/convolution.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;

template <class Size>
Size size_of(const Json& value) {
  if constexpr (std::is_same_v<Size, int64_t>) {
    return value.at(0).get<int64_t>();
  } else {
    return pair_of(value);
  }
}

template <class Padding, class Size>
Padding padding_of(const Json& value) {
  return value.is_string() ? Padding(value.get<std::string>().c_str())
                           : Padding(size_of<Size>(value));
}

template <class Layer, class Options, class Padding, class Size>
Tensors convolve(const Tensors& x, const Json& options) {
  Layer layer(options.at("in").get<int64_t>(), options.at("out").get<int64_t>(),
              size_of<Size>(options.at("kernel")),
              Options{.stride = size_of<Size>(options.at("stride")),
                      .padding = padding_of<Padding, Size>(options.at("padding")),
                      .dilation = size_of<Size>(options.at("dilation")),
                      .groups = options.at("groups").get<int64_t>(),
                      .bias = options.at("bias").get<bool>(),
                      .padding_mode = padding_mode_of(options.at("mode"))});
  std::size_t next = 2;
  layer.weight = x[1];
  layer.bias = optional_input(x, next, options, "bias");
  return {layer.forward(x[0])};
}

constexpr auto conv2d = convolve<nn::Conv2d, nn::Conv2dOptions, norma::Padding, norma::Pair>;
const Family family("convolution",
                    {{"conv1d", convolve<nn::Conv1d, nn::Conv1dOptions, norma::Padding1d, int64_t>},
                     {"conv2d", conv2d},
                     {"conv2d_of_many_channels", conv2d}});

}  // namespace
}  // namespace parity
