#include "norma/layers/conv.h"

#include "norma/core/factory.h"
#include "norma/layers/conv_check.h"
#include "norma/layers/init.h"

namespace norma::nn {

namespace {

functional::ConvOptions functional_options(const Conv2dOptions& o) {
  return {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
}

functional::Conv1dOptions functional_options(const Conv1dOptions& o) {
  return {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
}

template <class Options>
void check_layer(const char* op, int64_t in_channels, int64_t out_channels, bool empty_kernel,
                 const std::string& kernel_size, const Options& options) {
  functional_options(options).check(op);
  check_conv_sizes(op, in_channels, out_channels, options.groups, empty_kernel, kernel_size);
}

const char* mode_name(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::Reflect:
      return "reflect";
    case PaddingMode::Replicate:
      return "replicate";
    case PaddingMode::Circular:
      return "circular";
    case PaddingMode::Zeros:
      break;
  }
  return "zeros";
}

template <class Size, class Options>
std::string conv_repr(int64_t in_channels, int64_t out_channels, Size kernel_size,
                      const Options& options, bool bias) {
  std::string line = text(in_channels, ", ", out_channels, ", kernel_size=", tuple(kernel_size),
                          ", stride=", tuple(options.stride));
  if (options.padding.str() != tuple(Size(0))) line += text(", padding=", options.padding);
  if (options.dilation != Size(1)) line += text(", dilation=", tuple(options.dilation));
  if (options.groups != 1) line += text(", groups=", options.groups);
  if (!bias) line += ", bias=False";
  if (options.padding_mode != PaddingMode::Zeros) {
    line += text(", padding_mode=", mode_name(options.padding_mode));
  }
  return line;
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
               const Conv2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  check_layer("Conv2d", in_channels, out_channels, kernel_size.h < 1 || kernel_size.w < 1,
              kernel_size.str(), options);
  weight = register_parameter(
      "weight", empty({out_channels, in_channels / options.groups, kernel_size.h, kernel_size.w}));
  bias = register_parameter("bias", options.bias ? empty({out_channels}) : Tensor());
  reset_parameters();
}

void Conv2d::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor Conv2d::forward(const Tensor& input) {
  functional::ConvOptions options = functional_options(options_);
  if (options_.padding_mode == PaddingMode::Zeros) {
    return functional::conv2d(input, weight, bias, options);
  }
  const functional::PadSizes padding = options.pad_sizes(kernel_size_);
  options.padding = 0;
  return functional::conv2d(functional::pad2d(input, padding, options_.padding_mode), weight, bias,
                            options);
}

std::string Conv2d::extra_repr() const {
  return conv_repr(in_channels_, out_channels_, kernel_size_, options_, bias.defined());
}

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
               const Conv1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  check_layer("Conv1d", in_channels, out_channels, kernel_size < 1, text(kernel_size), options);
  weight = register_parameter("weight",
                              empty({out_channels, in_channels / options.groups, kernel_size}));
  bias = register_parameter("bias", options.bias ? empty({out_channels}) : Tensor());
  reset_parameters();
}

void Conv1d::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor Conv1d::forward(const Tensor& input) {
  functional::Conv1dOptions options = functional_options(options_);
  if (options_.padding_mode == PaddingMode::Zeros) {
    return functional::conv1d(input, weight, bias, options);
  }
  const functional::Pad1dSizes padding = options.pad_sizes(kernel_size_);
  options.padding = 0;
  return functional::conv1d(functional::pad1d(input, padding, options_.padding_mode), weight, bias,
                            options);
}

std::string Conv1d::extra_repr() const {
  return conv_repr(in_channels_, out_channels_, kernel_size_, options_, bias.defined());
}

}  // namespace norma::nn
