#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("pooling layers apply their options") {
  manual_seed(1);
  const Tensor x = randn({2, 3, 9, 11});
  CHECK(nn::MaxPool2d(2)(x).sizes() == Shape{2, 3, 4, 5});
  CHECK(nn::MaxPool2d(2, {.ceil_mode = true})(x).sizes() == Shape{2, 3, 5, 6});
  CHECK(nn::MaxPool2d({3, 2}, {.stride = {2, 1}})(x).sizes() == Shape{2, 3, 4, 10});
  CHECK(nn::MaxPool1d(2)(x[0]).sizes() == Shape{3, 9, 5});
  CHECK(nn::MaxPool1d(2, {.ceil_mode = true})(x[0]).sizes() == Shape{3, 9, 6});
  CHECK(nn::MaxPool1d(3, {.stride = 1})(x[0][0]).sizes() == Shape{9, 9});
  CHECK(nn::AvgPool2d({3, 2})(x).sizes() == Shape{2, 3, 3, 5});
  CHECK(nn::AdaptiveAvgPool2d(1)(x).sizes() == Shape{2, 3, 1, 1});
  CHECK(nn::AdaptiveAvgPool2d({2, 7})(x[0]).sizes() == Shape{3, 2, 7});

  const nn::MaxPool2dOptions max_options{
      .stride = 2, .padding = 1, .dilation = {2, 1}, .ceil_mode = true};
  CHECK(equal(nn::MaxPool2d(3, max_options)(x), functional::max_pool2d(x, 3, max_options)));
  const nn::MaxPool1dOptions long_options{
      .stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true};
  CHECK(equal(nn::MaxPool1d(3, long_options)(x[0]), functional::max_pool1d(x[0], 3, long_options)));
  const nn::AvgPool2dOptions avg_options{
      .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false};
  CHECK(equal(nn::AvgPool2d(3, avg_options)(x), functional::avg_pool2d(x, 3, avg_options)));
  CHECK(equal(nn::AvgPool2d(3, {.divisor_override = 2})(x),
              functional::avg_pool2d(x, 3, {.divisor_override = 2})));
  CHECK(allclose(nn::AdaptiveAvgPool2d(1)(x).flatten(1), x.mean({2, 3}), 1e-5, 1e-6));
}

TEST_CASE("pooling layers print as in PyTorch") {
  CHECK(nn::MaxPool2d(2).str() ==
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
  CHECK(nn::MaxPool2d({2, 3}, {.stride = 1, .padding = {1, 0}, .ceil_mode = true}).str() ==
        "MaxPool2d(kernel_size=(2, 3), stride=1, padding=(1, 0), dilation=1, ceil_mode=True)");
  CHECK(nn::MaxPool1d(2).str() ==
        "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
  CHECK(nn::MaxPool1d(3, {.stride = 1, .padding = 1, .dilation = 2, .ceil_mode = true}).str() ==
        "MaxPool1d(kernel_size=3, stride=1, padding=1, dilation=2, ceil_mode=True)");
  CHECK(nn::AvgPool2d({2, 3}).str() == "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0)");
  CHECK(nn::AvgPool2d(2, {.stride = 1, .padding = 1}).str() ==
        "AvgPool2d(kernel_size=2, stride=1, padding=1)");
  CHECK(nn::AdaptiveAvgPool2d(1).str() == "AdaptiveAvgPool2d(output_size=1)");
  CHECK(nn::AdaptiveAvgPool2d({2, 3}).str() == "AdaptiveAvgPool2d(output_size=(2, 3))");
}

TEST_CASE("pooling layers clone with their options and have no parameters") {
  const nn::MaxPool2d max(3, {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true});
  const nn::AvgPool2d avg(3, {.stride = 1, .count_include_pad = false, .divisor_override = 4});
  const nn::AdaptiveAvgPool2d adaptive({3, 2});
  CHECK(max.clone().str() == max.str());
  const nn::MaxPool1d signal(3, {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true});
  CHECK(signal.clone().str() == signal.str());
  CHECK(signal.kernel_size() == 3);
  CHECK(signal.options().stride == 2);
  CHECK(avg.clone().str() == avg.str());
  CHECK(avg.clone().options().divisor_override == 4);
  CHECK_FALSE(avg.clone().options().count_include_pad);
  CHECK(adaptive.clone().output_size() == Pair(3, 2));
  CHECK(max.kernel_size() == Pair(3));
  CHECK(avg.kernel_size() == Pair(3));
  CHECK(max.parameters().empty());
}

TEST_CASE("pooling layers refuse bad settings in the constructor") {
  CHECK(error_of([] { nn::MaxPool2d(0); }) ==
        "[MaxPool2d] kernel_size should be greater than zero, but got kernel_size=(0, 0)");
  CHECK(error_of([] { nn::MaxPool2d(2, {.stride = -1}); }) ==
        "[MaxPool2d] stride should be greater than zero, but got stride=(-1, -1)");
  CHECK(error_of([] { nn::MaxPool2d(2, {.dilation = 0}); }) ==
        "[MaxPool2d] dilation should be greater than zero, but got dilation=(0, 0)");
  CHECK(error_of([] { nn::MaxPool2d(2, {.padding = -1}); }) ==
        "[MaxPool2d] pad must be non-negative, but got pad=(-1, -1)");
  CHECK(error_of([] { nn::MaxPool2d(2, {.padding = 2}); }) ==
        "[MaxPool2d] pad should be at most half of kernel size, but got pad=(2, 2) and "
        "kernel_size=(2, 2)");
  CHECK(error_of([] { nn::MaxPool1d(0); }) ==
        "[MaxPool1d] kernel_size should be greater than zero, but got kernel_size=0");
  CHECK(error_of([] { nn::MaxPool1d(2, {.stride = 0}); }) ==
        "[MaxPool1d] stride should be greater than zero, but got stride=0");
  CHECK(error_of([] { nn::MaxPool1d(2, {.dilation = 0}); }) ==
        "[MaxPool1d] dilation should be greater than zero, but got dilation=0");
  CHECK(error_of([] { nn::MaxPool1d(2, {.padding = -1}); }) ==
        "[MaxPool1d] pad must be non-negative, but got pad=-1");
  CHECK(error_of([] { nn::MaxPool1d(2, {.padding = 2}); }) ==
        "[MaxPool1d] pad should be at most half of kernel size, but got pad=2 and kernel_size=2");
  CHECK(error_of([] { nn::AvgPool2d(2, {.padding = 2}); }) ==
        "[AvgPool2d] pad should be at most half of kernel size, but got pad=(2, 2) and "
        "kernel_size=(2, 2)");
  CHECK(error_of([] { nn::AvgPool2d(2, {.divisor_override = 0}); }) ==
        "[AvgPool2d] divisor must be not zero");
  CHECK(error_of([] { nn::AdaptiveAvgPool2d(0); }) ==
        "[AdaptiveAvgPool2d] elements of output_size must be greater than zero, but got (0, 0)");
}
