#include "norma/layers/more_pooling.h"

#include <cmath>

#include "norma/layers/check.h"

namespace norma::nn {

namespace {

void check_output(const char* op, Pair size, const std::string& given) {
  if (size.h >= 1 && size.w >= 1) return;
  fail(op, "elements of output_size must be greater than zero, but got ", given);
}

bool is_given(const OptionalPair& pair) { return pair.value_or(0) == pair.value_or(1); }

}  // namespace

Tensor AvgPool1d::forward(const Tensor& input) {
  return functional::avg_pool1d(input, kernel_size_, options_);
}

std::string AvgPool1d::extra_repr() const {
  return text("kernel_size=(", kernel_size_, ",), stride=(", options_.stride.value_or(kernel_size_),
              ",), padding=(", options_.padding, ",)");
}

AdaptiveAvgPool1d::AdaptiveAvgPool1d(int64_t output_size) : output_size_(output_size) {
  check_output("AdaptiveAvgPool1d", {1, output_size}, text(output_size));
}

Tensor AdaptiveAvgPool1d::forward(const Tensor& input) {
  return functional::adaptive_avg_pool1d(input, output_size_);
}

std::string AdaptiveAvgPool1d::extra_repr() const { return text("output_size=", output_size_); }

AdaptiveMaxPool2d::AdaptiveMaxPool2d(Pair output_size) : output_size_(output_size) {
  check_output("AdaptiveMaxPool2d", output_size, output_size.str());
}

Tensor AdaptiveMaxPool2d::forward(const Tensor& input) {
  return functional::adaptive_max_pool2d(input, output_size_);
}

std::string AdaptiveMaxPool2d::extra_repr() const {
  return text("output_size=", short_repr(output_size_));
}

AdaptiveMaxPool1d::AdaptiveMaxPool1d(int64_t output_size) : output_size_(output_size) {
  check_output("AdaptiveMaxPool1d", {1, output_size}, text(output_size));
}

Tensor AdaptiveMaxPool1d::forward(const Tensor& input) {
  return functional::adaptive_max_pool1d(input, output_size_);
}

std::string AdaptiveMaxPool1d::extra_repr() const { return text("output_size=", output_size_); }

LPPool2d::LPPool2d(double norm_type, Pair kernel_size, const LPPool2dOptions& options)
    : norm_type_(norm_type), kernel_size_(kernel_size), options_(options) {
  functional::AvgPoolOptions{.stride = options.stride}.check("LPPool2d", kernel_size);
}

Tensor LPPool2d::forward(const Tensor& input) {
  return functional::lp_pool2d(input, norm_type_, kernel_size_,
                               {.stride = options_.stride, .ceil_mode = options_.ceil_mode});
}

std::string LPPool2d::extra_repr() const {
  const bool whole = norm_type_ == std::floor(norm_type_) && std::fabs(norm_type_) < 1e15;
  return text("norm_type=", whole ? text(static_cast<int64_t>(norm_type_)) : text(norm_type_),
              ", kernel_size=", short_repr(kernel_size_), ", stride=",
              is_given(options_.stride) ? short_repr(options_.stride.value_or(0)) : "None",
              ", ceil_mode=", options_.ceil_mode);
}

MaxUnpool2d::MaxUnpool2d(Pair kernel_size, const MaxUnpool2dOptions& options)
    : kernel_size_(kernel_size), options_(options) {
  functional::AvgPoolOptions{.stride = options.stride, .padding = options.padding}.check(
      "MaxUnpool2d", kernel_size);
}

Tensor MaxUnpool2d::forward(const Tensor& input, const Tensor& indices, OptionalPair output_size) {
  return functional::max_unpool2d(
      input, indices, kernel_size_,
      {.stride = options_.stride, .padding = options_.padding, .output_size = output_size});
}

Tensor MaxUnpool2d::operator()(const Tensor& input, const Tensor& indices,
                               OptionalPair output_size) {
  return Cloneable::operator()(input, indices, output_size);
}

std::string MaxUnpool2d::extra_repr() const {
  return text("kernel_size=", kernel_size_, ", stride=", options_.stride.value_or(kernel_size_),
              ", padding=", options_.padding);
}

}  // namespace norma::nn
