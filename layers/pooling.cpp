#include "norma/layers/pooling.h"

#include "norma/layers/check.h"

namespace norma::nn {

namespace {

template <class Size, class Options>
std::string window_repr(Size kernel_size, const Options& options) {
  return text("kernel_size=", short_repr(kernel_size),
              ", stride=", short_repr(options.stride.value_or(kernel_size)),
              ", padding=", short_repr(options.padding));
}

}  // namespace

Tensor MaxPool2d::forward(const Tensor& input) {
  return functional::max_pool2d(input, kernel_size_, options_);
}

std::string MaxPool2d::extra_repr() const {
  return text(window_repr(kernel_size_, options_), ", dilation=", short_repr(options_.dilation),
              ", ceil_mode=", options_.ceil_mode);
}

Tensor MaxPool1d::forward(const Tensor& input) {
  return functional::max_pool1d(input, kernel_size_, options_);
}

std::string MaxPool1d::extra_repr() const {
  return text(window_repr(kernel_size_, options_), ", dilation=", options_.dilation,
              ", ceil_mode=", options_.ceil_mode);
}

Tensor AvgPool2d::forward(const Tensor& input) {
  return functional::avg_pool2d(input, kernel_size_, options_);
}

std::string AvgPool2d::extra_repr() const { return window_repr(kernel_size_, options_); }

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Pair output_size) : output_size_(output_size) {
  if (output_size.h < 1 || output_size.w < 1) {
    fail("AdaptiveAvgPool2d", "elements of output_size must be greater than zero, but got ",
         output_size);
  }
}

Tensor AdaptiveAvgPool2d::forward(const Tensor& input) {
  return functional::adaptive_avg_pool2d(input, output_size_);
}

std::string AdaptiveAvgPool2d::extra_repr() const {
  return text("output_size=", short_repr(output_size_));
}

}  // namespace norma::nn
