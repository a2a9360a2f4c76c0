#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("ConvTranspose2d: parameters, sizes and options") {
  manual_seed(1);
  nn::ConvTranspose2d up(4, 6, {3, 5}, {.stride = 2, .groups = 2});
  CHECK(up.weight.sizes() == Shape{4, 3, 3, 5});
  CHECK(up.bias.sizes() == Shape{6});
  const NamedTensors named = up.named_parameters();
  REQUIRE(named.size() == 2);
  CHECK(named[0].first == "weight");
  CHECK(named[1].first == "bias");
  CHECK(up.in_channels() == 4);
  CHECK(up.out_channels() == 6);
  CHECK(up.kernel_size() == Pair(3, 5));
  CHECK(up.options().stride == Pair(2));
  const Tensor x = randn({2, 4, 5, 6});
  CHECK(up(x).sizes() == Shape{2, 6, 11, 15});
  CHECK(equal(up(x),
              functional::conv_transpose2d(x, up.weight, up.bias, {.stride = 2, .groups = 2})));
  CHECK(nn::ConvTranspose2d(4, 6, 4, {.stride = 2, .padding = 1})(x).sizes() ==
        Shape{2, 6, 10, 12});
  nn::ConvTranspose2d plain(4, 6, 3, {.bias = false});
  CHECK(plain.parameters().size() == 1);
  CHECK(plain(x[0]).sizes() == Shape{6, 7, 8});
}

TEST_CASE("ConvTranspose: output_size undoes a convolution's size") {
  nn::Conv2d down(1, 2, 3, {.stride = 2, .padding = 1});
  nn::ConvTranspose2d up(2, 1, 3, {.stride = 2, .padding = 1});
  for (const int64_t size : {9, 10}) {
    const Tensor x = randn({2, 1, size, 10});
    const Tensor small = down(x);
    CHECK(up(small, {size, 10}).sizes() == x.sizes());
    CHECK(up(small, x.sizes()).sizes() == x.sizes());
    CHECK(up(small[0], {1, size, 10}).sizes() == Shape{1, size, 10});
  }
  const Tensor x = randn({2, 2, 5, 5});
  CHECK(error_of([&] {
          up.forward(x, {11, 11});
        }) ==
        "[ConvTranspose2d] requested an output size of [11, 11], but valid sizes range from [9, 9] "
        "to [10, 10] (for an input of size [2, 2, 5, 5])");
  CHECK(error_of([&] { up.forward(x, {10}); }) ==
        "[ConvTranspose2d] for 4D input, output_size must have 2 or 4 elements (got 1)");
  CHECK(error_of([&] {
          up.forward(x[0][0], {10, 10});
        }) ==
        "[ConvTranspose2d] Expected 3D (unbatched) or 4D (batched) input, but got input of size: "
        "[5, 5]");
  CHECK(error_of([&] {
          up.forward(Tensor(), {10, 10});
        }) == "[ConvTranspose2d] expected a tensor, got an undefined one");

  nn::ConvTranspose1d longer(2, 3, 4, {.stride = 3, .padding = 1, .dilation = 2});
  CHECK(longer(randn({2, 2, 5})).sizes() == Shape{2, 3, 17});
  CHECK(longer(randn({2, 2, 5}), {19}).sizes() == Shape{2, 3, 19});
  CHECK(error_of([&] {
          longer.forward(randn({2, 5}), {20});
        }) ==
        "[ConvTranspose1d] requested an output size of [20], but valid sizes range from [17] to "
        "[19] (for an input of size [2, 5])");
}

TEST_CASE("ConvTranspose draws its first values from U(-k, k) of the weight's second dimension") {
  manual_seed(3);
  const nn::ConvTranspose2d up(200, 16, {3, 2}, {.groups = 4});
  const double k = 1.0 / std::sqrt(4.0 * 3.0 * 2.0);
  for (const Tensor& values : {up.weight.detach(), up.bias.detach()}) {
    CHECK(values.abs().max().item<double>() <= k);
  }
  CHECK(up.weight.detach().max().item<double>() > 0.95 * k);
  nn::ConvTranspose1d again(3, 2, 5);
  manual_seed(4);
  again.reset_parameters();
  const Tensor first = again.weight.detach().clone();
  manual_seed(4);
  again.reset_parameters();
  CHECK(equal(first, again.weight));
}

TEST_CASE("ConvTranspose prints as in PyTorch") {
  CHECK(nn::ConvTranspose2d(64, 32, 4, {.stride = 2, .padding = 1}).str() ==
        "ConvTranspose2d(64, 32, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))");
  CHECK(nn::ConvTranspose2d(4, 4, 3,
                            {.stride = 2,
                             .padding = 1,
                             .output_padding = 1,
                             .groups = 2,
                             .bias = false,
                             .dilation = 2})
            .str() ==
        "ConvTranspose2d(4, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
        "dilation=(2, 2), output_padding=(1, 1), groups=2, bias=False)");
  CHECK(nn::ConvTranspose1d(4, 4, 3, {.stride = 2, .output_padding = 1}).str() ==
        "ConvTranspose1d(4, 4, kernel_size=(3,), stride=(2,), output_padding=(1,))");
}

TEST_CASE("ConvTranspose clones deeply, loads and changes its type") {
  nn::ConvTranspose2d up(2, 4, 3, {.stride = 2, .output_padding = 1, .groups = 2});
  const nn::ConvTranspose2d copy = up.clone();
  CHECK(copy.str() == up.str());
  CHECK(equal(copy.weight, up.weight));
  CHECK_FALSE(copy.is_same(up));
  nn::ConvTranspose2d other = up.fresh();
  other.load_state_dict(up.state_dict());
  const Tensor x = randn({1, 2, 3, 3});
  CHECK(equal(other(x), up(x)));
  up.to(kFloat64);
  CHECK(up(x.to(kFloat64)).dtype() == kFloat64);
  nn::ConvTranspose1d line(3, 4, 3);
  CHECK(equal(line.clone()(x[0]), line(x[0])));
}

TEST_CASE("ConvTranspose refuses bad settings in the constructor") {
  const auto message = [](int64_t in, int64_t out, Pair kernel,
                          const nn::ConvTranspose2dOptions& options = {}) {
    return error_of([&] { nn::ConvTranspose2d(in, out, kernel, options); });
  };
  CHECK(message(4, 3, 3, {.groups = 2}) ==
        "[ConvTranspose2d] out_channels must be divisible by groups, got out_channels=3 and "
        "groups=2");
  CHECK(message(5, 4, 3, {.groups = 2}) ==
        "[ConvTranspose2d] in_channels must be divisible by groups, got in_channels=5 and "
        "groups=2");
  CHECK(message(4, 4, {0, 3}) ==
        "[ConvTranspose2d] kernel_size should be greater than zero, but got (0, 3)");
  CHECK(message(4, 4, 3, {.stride = 0}) ==
        "[ConvTranspose2d] non-positive stride is not supported, got stride=(0, 0)");
  CHECK(message(-1, 4, 3) == "[ConvTranspose2d] expected in_channels of at least 0, got -1");
  CHECK(error_of([] { nn::ConvTranspose1d(4, 4, 3, {.output_padding = 1}); }) ==
        "[ConvTranspose1d] output padding must be smaller than either stride or dilation, but got "
        "output_padding=(1,), stride=(1,) and dilation=(1,)");
}
