// Transposed convolutions: families/conv_transpose.py.
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

template <class Layer, class Options, class Size>
Tensors transposed(const Tensors& x, const Json& options) {
  const auto size = [&](const char* name) { return size_of<Size>(options.at(name)); };
  Layer layer(options.at("in").get<int64_t>(), options.at("out").get<int64_t>(), size("kernel"),
              Options{.stride = size("stride"),
                      .padding = size("padding"),
                      .output_padding = options.contains("size") ? Size(0) : size("output_padding"),
                      .groups = options.at("groups").get<int64_t>(),
                      .bias = options.at("bias").get<bool>(),
                      .dilation = size("dilation")});
  std::size_t next = 2;
  layer.weight = x[1];
  layer.bias = optional_input(x, next, options, "bias");
  if (options.contains("size")) return {layer.forward(x[0], shape_of(options.at("size")))};
  return {layer.forward(x[0])};
}

const Family family("conv_transpose",
                    {{"conv_transpose1d",
                      transposed<nn::ConvTranspose1d, nn::ConvTranspose1dOptions, int64_t>},
                     {"conv_transpose2d",
                      transposed<nn::ConvTranspose2d, nn::ConvTranspose2dOptions, norma::Pair>}});

}  // namespace
}  // namespace parity
