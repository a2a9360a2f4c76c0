#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("Conv2d: shapes and names of its parameters") {
  const nn::Conv2d conv(4, 6, {3, 5}, {.groups = 2});
  CHECK(conv.weight.sizes() == Shape{6, 2, 3, 5});
  CHECK(conv.bias.sizes() == Shape{6});
  const NamedTensors named = conv.named_parameters();
  REQUIRE(named.size() == 2);
  CHECK(named[0].first == "weight");
  CHECK(named[1].first == "bias");
  CHECK(named[0].second.is_same(conv.weight));
  CHECK(named[0].second.requires_grad());
  CHECK(named[1].second.requires_grad());

  const nn::Conv2d plain(3, 8, 3, {.padding = 1, .bias = false});
  CHECK(plain.parameters().size() == 1);
  CHECK_FALSE(plain.bias.defined());
  CHECK(plain.in_channels() == 3);
  CHECK(plain.out_channels() == 8);
  CHECK(plain.kernel_size() == Pair(3));
  CHECK(plain.options().padding.size() == Pair(1));
}

TEST_CASE("Conv2d: output sizes") {
  const Tensor x = zeros({2, 4, 9, 12});
  CHECK(nn::Conv2d(4, 6, 3)(x).sizes() == Shape{2, 6, 7, 10});
  CHECK(nn::Conv2d(4, 6, 3, {.padding = 1})(x).sizes() == Shape{2, 6, 9, 12});
  CHECK(nn::Conv2d(4, 6, {3, 5}, {.padding = {0, 2}})(x).sizes() == Shape{2, 6, 7, 12});
  CHECK(nn::Conv2d(4, 6, 3, {.stride = {2, 3}})(x).sizes() == Shape{2, 6, 4, 4});
  CHECK(nn::Conv2d(4, 6, 3, {.stride = 2, .padding = 1})(x).sizes() == Shape{2, 6, 5, 6});
  CHECK(nn::Conv2d(4, 6, 3, {.dilation = {1, 3}})(x).sizes() == Shape{2, 6, 7, 6});
  CHECK(nn::Conv2d(4, 6, 3, {.padding = "valid"})(x).sizes() == Shape{2, 6, 7, 10});
  for (const Pair kernel : {Pair(1), Pair(2), Pair(3), Pair(4, 5)}) {
    for (const Pair dilation : {Pair(1), Pair(2), Pair(1, 3)}) {
      nn::Conv2d same(4, 6, kernel, {.padding = "same", .dilation = dilation});
      CHECK(same(x).sizes() == Shape{2, 6, 9, 12});
    }
  }
  CHECK(nn::Conv2d(4, 6, 3)(x[0]).sizes() == Shape{6, 7, 10});
}

TEST_CASE("Conv2d applies its options") {
  manual_seed(1);
  const Tensor x = randn({2, 4, 6, 7});
  nn::Conv2d conv(4, 6, 3, {.stride = 2, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2});
  const Tensor expected = functional::conv2d(
      x, conv.weight, conv.bias, {.stride = 2, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2});
  CHECK(equal(conv(x), expected));
  conv(x).sum().backward();
  CHECK(conv.weight.grad().sizes() == conv.weight.sizes());
  CHECK(conv.bias.grad().sizes() == conv.bias.sizes());
}

TEST_CASE("Conv2d: padding modes pad the image first") {
  manual_seed(2);
  const Tensor x = randn({2, 3, 5, 6});
  for (const PaddingMode mode :
       {PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular}) {
    nn::Conv2d conv(3, 4, {3, 2}, {.padding = {2, 1}, .padding_mode = mode});
    const Tensor padded =
        functional::pad2d(x, {.left = 1, .right = 1, .top = 2, .bottom = 2}, mode);
    CHECK(allclose(conv(x), functional::conv2d(padded, conv.weight, conv.bias), 1e-5, 1e-6));

    nn::Conv2d same(3, 4, {3, 2}, {.padding = "same", .padding_mode = mode});
    const Tensor uneven = functional::pad2d(x, {.right = 1, .top = 1, .bottom = 1}, mode);
    CHECK(allclose(same(x), functional::conv2d(uneven, same.weight, same.bias), 1e-5, 1e-6));
  }
}

TEST_CASE("Conv2d draws its first values from U(-k, k), k = 1/sqrt(fan_in)") {
  manual_seed(3);
  const nn::Conv2d conv(16, 400, {3, 2}, {.groups = 4});
  const double k = 1.0 / std::sqrt(4.0 * 3.0 * 2.0);
  for (const Tensor& values : {conv.weight.detach(), conv.bias.detach()}) {
    CHECK(values.abs().max().item<double>() <= k);
    CHECK(values.max().item<double>() > 0.95 * k);
    CHECK(values.min().item<double>() < -0.95 * k);
    CHECK(values.mean().item<double>() == Approx(0.0).margin(0.1 * k));
    CHECK(values.std().item<double>() == Approx(k / std::sqrt(3.0)).epsilon(0.1));
  }
  nn::Conv2d again(16, 400, {3, 2}, {.groups = 4});
  CHECK_FALSE(equal(again.weight, conv.weight));
  manual_seed(3);
  again.reset_parameters();
  CHECK(equal(again.weight, conv.weight));
  CHECK(equal(again.bias, conv.bias));
  // Nothing comes in: the bias is zero rather than undefined.
  CHECK(nn::Conv2d(0, 3, 3).bias.abs().sum().item<double>() == 0.0);
}

TEST_CASE("Conv2d prints as in PyTorch") {
  CHECK(nn::Conv2d(3, 8, 3, {.padding = 1, .bias = false}).str() ==
        "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)");
  CHECK(nn::Conv2d(1, 2, 5).str() == "Conv2d(1, 2, kernel_size=(5, 5), stride=(1, 1))");
  CHECK(nn::Conv2d(3, 8, 3, {.padding = "same"}).str() ==
        "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=same)");
  CHECK(nn::Conv2d(4, 8, 1, {.padding = "valid", .padding_mode = PaddingMode::Circular}).str() ==
        "Conv2d(4, 8, kernel_size=(1, 1), stride=(1, 1), padding=valid, padding_mode=circular)");
  CHECK(nn::Conv2d(4, 8, {3, 5},
                   {.stride = 2,
                    .padding = {1, 2},
                    .dilation = 2,
                    .groups = 2,
                    .bias = false,
                    .padding_mode = PaddingMode::Reflect})
            .str() ==
        "Conv2d(4, 8, kernel_size=(3, 5), stride=(2, 2), padding=(1, 2), dilation=(2, 2), "
        "groups=2, bias=False, padding_mode=reflect)");
  CHECK(nn::Conv2d(1, 1, 1, {.padding_mode = PaddingMode::Replicate}).str() ==
        "Conv2d(1, 1, kernel_size=(1, 1), stride=(1, 1), padding_mode=replicate)");
}

TEST_CASE("Conv2d clones deeply, with its options") {
  nn::Conv2d conv(4, 6, 3,
                  {.stride = 2,
                   .padding = 1,
                   .groups = 2,
                   .bias = false,
                   .padding_mode = PaddingMode::Reflect});
  nn::Conv2d copy = conv.clone();
  CHECK(copy.str() == conv.str());
  CHECK(equal(copy.weight, conv.weight));
  const Tensor x = randn({1, 4, 6, 6});
  CHECK(equal(copy(x), conv(x)));
  {
    const NoGradGuard no_grad;
    copy.weight.zero_();
  }
  CHECK(conv.weight.abs().sum().item<double>() > 0.0);
}

TEST_CASE("Conv2d computes in float64 after to(kFloat64)") {
  nn::Conv2d conv(2, 3, 3, {.padding = 1});
  const Tensor x = randn({1, 2, 5, 5}, {.dtype = kFloat64});
  CHECK_THROWS_AS(conv(x), Error);
  conv.to(kFloat64);
  CHECK(conv(x).dtype() == kFloat64);
}

TEST_CASE("Conv2d refuses bad settings in the constructor, in PyTorch's words") {
  const auto message = [](int64_t in, int64_t out, Pair kernel,
                          const nn::Conv2dOptions& options = {}) {
    return error_of([&] { nn::Conv2d(in, out, kernel, options); });
  };
  CHECK(message(3, 8, 3, {.groups = 2}) ==
        "[Conv2d] in_channels must be divisible by groups, got in_channels=3 and groups=2");
  CHECK(message(4, 7, 3, {.groups = 2}) ==
        "[Conv2d] out_channels must be divisible by groups, got out_channels=7 and groups=2");
  CHECK(message(4, 8, 3, {.groups = 0}) == "[Conv2d] groups must be a positive integer, got 0");
  CHECK(message(4, 8, {3, 0}) ==
        "[Conv2d] kernel_size should be greater than zero, but got (3, 0)");
  CHECK(message(4, 8, 3, {.stride = 0}) ==
        "[Conv2d] non-positive stride is not supported, got stride=(0, 0)");
  CHECK(message(4, 8, 3, {.padding = -1}) ==
        "[Conv2d] negative padding is not supported, got padding=(-1, -1)");
  CHECK(message(4, 8, 3, {.dilation = {0, 1}}) ==
        "[Conv2d] non-positive dilation is not supported, got dilation=(0, 1)");
  CHECK(message(4, 8, 3, {.stride = {1, 2}, .padding = "same"}) ==
        "[Conv2d] padding='same' is not supported for strided convolutions, got stride=(1, 2)");
  CHECK(message(-1, 8, 3) == "[Conv2d] expected in_channels of at least 0, got -1");
  CHECK(message(4, 0, 3) == "[Conv2d] expected out_channels of at least 1, got 0");
}

TEST_CASE("Conv1d: shapes and names of its parameters, and output sizes") {
  const nn::Conv1d conv(4, 6, 5, {.groups = 2});
  CHECK(conv.weight.sizes() == Shape{6, 2, 5});
  CHECK(conv.bias.sizes() == Shape{6});
  const NamedTensors named = conv.named_parameters();
  REQUIRE(named.size() == 2);
  CHECK(named[0].first == "weight");
  CHECK(named[1].first == "bias");
  CHECK(named[0].second.requires_grad());
  CHECK(conv.in_channels() == 4);
  CHECK(conv.out_channels() == 6);
  CHECK(conv.kernel_size() == 5);
  CHECK(conv.options().groups == 2);
  CHECK(nn::Conv1d(3, 8, 3, {.bias = false}).parameters().size() == 1);

  const Tensor x = zeros({2, 4, 12});
  CHECK(nn::Conv1d(4, 6, 3)(x).sizes() == Shape{2, 6, 10});
  CHECK(nn::Conv1d(4, 6, 3, {.padding = 1})(x).sizes() == Shape{2, 6, 12});
  CHECK(nn::Conv1d(4, 6, 3, {.stride = 3, .padding = 2})(x).sizes() == Shape{2, 6, 5});
  CHECK(nn::Conv1d(4, 6, 3, {.dilation = 3})(x).sizes() == Shape{2, 6, 6});
  CHECK(nn::Conv1d(4, 6, 3, {.padding = "valid"})(x).sizes() == Shape{2, 6, 10});
  for (const int64_t kernel : {1, 2, 3, 4}) {
    nn::Conv1d same(4, 6, kernel, {.padding = "same", .dilation = 3});
    CHECK(same(x).sizes() == Shape{2, 6, 12});
  }
  CHECK(nn::Conv1d(4, 6, 3)(x[0]).sizes() == Shape{6, 10});
}

TEST_CASE("Conv1d applies its options, with every padding mode") {
  manual_seed(1);
  const Tensor x = randn({2, 4, 7});
  nn::Conv1d conv(4, 6, 3, {.stride = 2, .padding = 2, .dilation = 2, .groups = 2});
  CHECK(
      equal(conv(x), functional::conv1d(x, conv.weight, conv.bias,
                                        {.stride = 2, .padding = 2, .dilation = 2, .groups = 2})));
  conv(x).sum().backward();
  CHECK(conv.weight.grad().sizes() == conv.weight.sizes());
  for (const PaddingMode mode :
       {PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular}) {
    nn::Conv1d padded(4, 6, 3, {.padding = 2, .padding_mode = mode});
    const Tensor wider = functional::pad1d(x, {.left = 2, .right = 2}, mode);
    CHECK(allclose(padded(x), functional::conv1d(wider, padded.weight, padded.bias), 1e-5, 1e-6));
    CHECK(padded(x[0]).sizes() == Shape{6, 9});

    nn::Conv1d same(4, 6, 4, {.padding = "same", .padding_mode = mode});
    const Tensor uneven = functional::pad1d(x, {.left = 1, .right = 2}, mode);
    CHECK(allclose(same(x), functional::conv1d(uneven, same.weight, same.bias), 1e-5, 1e-6));
  }
  CHECK(error_of([&] {
          nn::Conv1d(4, 6, 3, {.padding = 7, .padding_mode = PaddingMode::Reflect})(x);
        }) ==
        "[pad1d] Padding size should be less than the corresponding input dimension, but got (7, "
        "7) for a length of 7 (in Conv1d)");
}

TEST_CASE("Conv1d draws its first values from U(-k, k), k = 1/sqrt(fan_in)") {
  manual_seed(3);
  const nn::Conv1d conv(16, 400, 6, {.groups = 4});
  const double k = 1.0 / std::sqrt(4.0 * 6.0);
  for (const Tensor& values : {conv.weight.detach(), conv.bias.detach()}) {
    CHECK(values.abs().max().item<double>() <= k);
    CHECK(values.max().item<double>() > 0.95 * k);
    CHECK(values.min().item<double>() < -0.95 * k);
    CHECK(values.std().item<double>() == Approx(k / std::sqrt(3.0)).epsilon(0.1));
  }
  nn::Conv1d again(16, 400, 6, {.groups = 4});
  CHECK_FALSE(equal(again.weight, conv.weight));
  manual_seed(3);
  again.reset_parameters();
  CHECK(equal(again.weight, conv.weight));
  CHECK(equal(again.bias, conv.bias));
}

TEST_CASE("Conv1d prints as in PyTorch, and clones deeply with its options") {
  CHECK(nn::Conv1d(3, 8, 3).str() == "Conv1d(3, 8, kernel_size=(3,), stride=(1,))");
  CHECK(nn::Conv1d(3, 8, 3, {.padding = "same"}).str() ==
        "Conv1d(3, 8, kernel_size=(3,), stride=(1,), padding=same)");
  const nn::Conv1d conv(4, 8, 3,
                        {.stride = 2,
                         .padding = 1,
                         .dilation = 2,
                         .groups = 2,
                         .bias = false,
                         .padding_mode = PaddingMode::Reflect});
  CHECK(conv.str() ==
        "Conv1d(4, 8, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, "
        "bias=False, padding_mode=reflect)");
  nn::Conv1d copy = conv.clone();
  CHECK(copy.str() == conv.str());
  CHECK(equal(copy.weight, conv.weight));
  {
    const NoGradGuard no_grad;
    copy.weight.zero_();
  }
  CHECK(conv.weight.abs().sum().item<double>() > 0.0);
}

TEST_CASE("Conv1d refuses bad settings in the constructor, in PyTorch's words") {
  const auto message = [](int64_t in, int64_t out, int64_t kernel,
                          const nn::Conv1dOptions& options = {}) {
    return error_of([&] { nn::Conv1d(in, out, kernel, options); });
  };
  CHECK(message(3, 8, 3, {.groups = 2}) ==
        "[Conv1d] in_channels must be divisible by groups, got in_channels=3 and groups=2");
  CHECK(message(4, 7, 3, {.groups = 2}) ==
        "[Conv1d] out_channels must be divisible by groups, got out_channels=7 and groups=2");
  CHECK(message(4, 8, 3, {.groups = 0}) == "[Conv1d] groups must be a positive integer, got 0");
  CHECK(message(4, 8, 0) == "[Conv1d] kernel_size should be greater than zero, but got 0");
  CHECK(message(4, 8, 3, {.stride = 0}) ==
        "[Conv1d] non-positive stride is not supported, got stride=(0,)");
  CHECK(message(4, 8, 3, {.padding = -1}) ==
        "[Conv1d] negative padding is not supported, got padding=(-1,)");
  CHECK(message(4, 8, 3, {.dilation = 0}) ==
        "[Conv1d] non-positive dilation is not supported, got dilation=(0,)");
  CHECK(message(4, 8, 3, {.stride = 2, .padding = "same"}) ==
        "[Conv1d] padding='same' is not supported for strided convolutions, got stride=(2,)");
  CHECK(message(-1, 8, 3) == "[Conv1d] expected in_channels of at least 0, got -1");
  CHECK(message(4, 0, 3) == "[Conv1d] expected out_channels of at least 1, got 0");
}
