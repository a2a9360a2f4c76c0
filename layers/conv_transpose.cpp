#include "norma/layers/conv_transpose.h"

#include "norma/core/factory.h"
#include "norma/layers/conv_check.h"
#include "norma/layers/init.h"
#include "norma/layers/output_padding.h"

namespace norma::nn {

namespace {

functional::ConvTransposeOptions functional_options(const ConvTranspose2dOptions& o) {
  return {.stride = o.stride,
          .padding = o.padding,
          .output_padding = o.output_padding,
          .groups = o.groups,
          .dilation = o.dilation};
}

functional::ConvTranspose1dOptions functional_options(const ConvTranspose1dOptions& o) {
  return {.stride = o.stride,
          .padding = o.padding,
          .output_padding = o.output_padding,
          .groups = o.groups,
          .dilation = o.dilation};
}

template <class Size, class Options>
std::string repr(int64_t in_channels, int64_t out_channels, Size kernel_size, const Options& o) {
  std::string line = text(in_channels, ", ", out_channels, ", kernel_size=", tuple(kernel_size),
                          ", stride=", tuple(o.stride));
  if (o.padding != Size(0)) line += text(", padding=", tuple(o.padding));
  if (o.dilation != Size(1)) line += text(", dilation=", tuple(o.dilation));
  if (o.output_padding != Size(0)) line += text(", output_padding=", tuple(o.output_padding));
  if (o.groups != 1) line += text(", groups=", o.groups);
  if (!o.bias) line += ", bias=False";
  return line;
}

}  // namespace

ConvTranspose2d::ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                                 const ConvTranspose2dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  functional_options(options).check("ConvTranspose2d");
  check_conv_sizes("ConvTranspose2d", in_channels, out_channels, options.groups,
                   kernel_size.h < 1 || kernel_size.w < 1, kernel_size.str());
  weight = register_parameter(
      "weight", empty({in_channels, out_channels / options.groups, kernel_size.h, kernel_size.w}));
  bias = register_parameter("bias", options.bias ? empty({out_channels}) : Tensor());
  reset_parameters();
}

void ConvTranspose2d::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor ConvTranspose2d::forward(const Tensor& input) {
  return functional::conv_transpose2d(input, weight, bias, functional_options(options_));
}

Tensor ConvTranspose2d::forward(const Tensor& input, const Shape& output_size) {
  const char* const op = "ConvTranspose2d";
  check_rank(op, input, 2);
  const Shape& x = input.sizes();
  const ConvTranspose2dOptions& o = options_;
  const auto more = added(op, output_size, x,
                          {{x[x.size() - 2], kernel_size_.h, o.stride.h, o.padding.h, o.dilation.h},
                           {x.back(), kernel_size_.w, o.stride.w, o.padding.w, o.dilation.w}});
  functional::ConvTransposeOptions options = functional_options(o);
  options.output_padding = {more[0], more[1]};
  return functional::conv_transpose2d(input, weight, bias, options);
}

Tensor ConvTranspose2d::operator()(const Tensor& input, const Shape& output_size) {
  return Cloneable::operator()(input, output_size);
}

std::string ConvTranspose2d::extra_repr() const {
  return repr(in_channels_, out_channels_, kernel_size_, options_);
}

ConvTranspose1d::ConvTranspose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                                 const ConvTranspose1dOptions& options)
    : in_channels_(in_channels),
      out_channels_(out_channels),
      kernel_size_(kernel_size),
      options_(options) {
  functional_options(options).check("ConvTranspose1d");
  check_conv_sizes("ConvTranspose1d", in_channels, out_channels, options.groups, kernel_size < 1,
                   text(kernel_size));
  weight = register_parameter("weight",
                              empty({in_channels, out_channels / options.groups, kernel_size}));
  bias = register_parameter("bias", options.bias ? empty({out_channels}) : Tensor());
  reset_parameters();
}

void ConvTranspose1d::reset_parameters() { init::reset_weight_and_bias(weight, bias); }

Tensor ConvTranspose1d::forward(const Tensor& input) {
  return functional::conv_transpose1d(input, weight, bias, functional_options(options_));
}

Tensor ConvTranspose1d::forward(const Tensor& input, const Shape& output_size) {
  const char* const op = "ConvTranspose1d";
  check_rank(op, input, 1);
  functional::ConvTranspose1dOptions options = functional_options(options_);
  options.output_padding = added(
      op, output_size, input.sizes(),
      {{input.sizes().back(), kernel_size_, options.stride, options.padding, options.dilation}})[0];
  return functional::conv_transpose1d(input, weight, bias, options);
}

Tensor ConvTranspose1d::operator()(const Tensor& input, const Shape& output_size) {
  return Cloneable::operator()(input, output_size);
}

std::string ConvTranspose1d::extra_repr() const {
  return repr(in_channels_, out_channels_, kernel_size_, options_);
}

}  // namespace norma::nn
