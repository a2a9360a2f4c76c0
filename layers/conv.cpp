#include "norma/layers/conv.h"

#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

namespace {

functional::ConvOptions conv_options(const Conv2dOptions& o) {
  return {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
}

void check_divisible(const char* name, int64_t channels, int64_t groups) {
  if (channels % groups == 0) return;
  fail("Conv2d", std::string(name) + " must be divisible by groups, got " + name + "=" +
                     repr(channels) + " and groups=" + repr(groups));
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

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
               const Conv2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  conv_options(options).check("Conv2d");
  check_at_least("Conv2d", "in_channels", in_channels, 0);
  check_at_least("Conv2d", "out_channels", out_channels, 1);
  check_divisible("in_channels", in_channels, options.groups);
  check_divisible("out_channels", out_channels, options.groups);
  if (kernel_size.h < 1 || kernel_size.w < 1) {
    fail("Conv2d", "kernel_size should be greater than zero, but got " + kernel_size.str());
  }
  weight = register_parameter(
      "weight", empty({out_channels, in_channels / options.groups, kernel_size.h, kernel_size.w}));
  bias = register_parameter("bias", options.bias ? empty({out_channels}) : Tensor());
  reset_parameters();
}

void Conv2d::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor Conv2d::forward(const Tensor& input) {
  functional::ConvOptions options = conv_options(options_);
  if (options_.padding_mode == PaddingMode::Zeros) {
    return functional::conv2d(input, weight, bias, options);
  }
  const functional::PadSizes frame = options.pad_sizes(kernel_size_);
  options.padding = 0;
  return functional::conv2d(functional::pad2d(input, frame, options_.padding_mode), weight, bias,
                            options);
}

std::string Conv2d::extra_repr() const {
  std::string text = repr(in_channels_) + ", " + repr(out_channels_) +
                     ", kernel_size=" + kernel_size_.str() + ", stride=" + options_.stride.str();
  if (options_.padding.str() != "(0, 0)") text += ", padding=" + options_.padding.str();
  if (options_.dilation != Pair(1)) text += ", dilation=" + options_.dilation.str();
  if (options_.groups != 1) text += ", groups=" + repr(options_.groups);
  if (!bias.defined()) text += ", bias=False";
  if (options_.padding_mode != PaddingMode::Zeros) {
    text += std::string(", padding_mode=") + mode_name(options_.padding_mode);
  }
  return text;
}

}  // namespace norma::nn
