#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("Layers that rearrange or pool: printing, clones, results") {
  manual_seed(1);
  const Tensor x = randn({2, 8, 4, 6});
  const auto gives = [](nn::Module&& layer, const Tensor& input, const Tensor& want) {
    CHECK(equal(layer(input), want));
    CHECK(equal((*layer.clone_module())(input), want));
    CHECK(layer.state_dict().empty());
    return layer.str();
  };
  CHECK(gives(nn::PixelShuffle(2), x, F::pixel_shuffle(x, 2)) == "PixelShuffle(upscale_factor=2)");
  CHECK(gives(nn::PixelUnshuffle(2), x, F::pixel_unshuffle(x, 2)) ==
        "PixelUnshuffle(downscale_factor=2)");
  CHECK(gives(nn::ChannelShuffle(4), x, F::channel_shuffle(x, 4)) == "ChannelShuffle(groups=4)");
  CHECK(gives(nn::Unfold({2, 3}, {.dilation = 2, .padding = 1, .stride = 2}), x,
              F::unfold(x, {2, 3}, {.dilation = 2, .padding = 1, .stride = 2})) ==
        "Unfold(kernel_size=(2, 3), dilation=2, padding=1, stride=2)");
  const Tensor columns = F::unfold(x, 2);
  CHECK(gives(nn::Fold({4, 6}, 2), columns, F::fold(columns, {4, 6}, 2)) ==
        "Fold(output_size=(4, 6), kernel_size=2, dilation=1, padding=0, stride=1)");
  CHECK(gives(nn::Unflatten(1, {2, -1}), x, x.reshape({2, 2, 4, 4, 6})) ==
        "Unflatten(dim=1, unflattened_size=(2, -1))");
  CHECK(gives(nn::Unflatten(-1, 6), x, x) == "Unflatten(dim=-1, unflattened_size=(6,))");
  CHECK(gives(nn::AvgPool1d(3, {.stride = 2, .padding = 1}), x[0],
              F::avg_pool1d(x[0], 3, {.stride = 2, .padding = 1})) ==
        "AvgPool1d(kernel_size=(3,), stride=(2,), padding=(1,))");
  CHECK(gives(nn::AdaptiveAvgPool1d(3), x[0], F::adaptive_avg_pool1d(x[0], 3)) ==
        "AdaptiveAvgPool1d(output_size=3)");
  CHECK(gives(nn::AdaptiveMaxPool1d(3), x[0], F::adaptive_max_pool1d(x[0], 3)) ==
        "AdaptiveMaxPool1d(output_size=3)");
  CHECK(gives(nn::AdaptiveMaxPool2d({3, 2}), x, F::adaptive_max_pool2d(x, {3, 2})) ==
        "AdaptiveMaxPool2d(output_size=(3, 2))");
  CHECK(nn::AdaptiveMaxPool2d(3).str() == "AdaptiveMaxPool2d(output_size=3)");
  const Tensor positive = x.abs();
  CHECK(gives(nn::LPPool2d(2, 3), positive, F::lp_pool2d(positive, 2, 3)) ==
        "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)");
  CHECK(nn::LPPool2d(1.5, {2, 3}, {.stride = 2, .ceil_mode = true}).str() ==
        "LPPool2d(norm_type=1.5, kernel_size=(2, 3), stride=2, ceil_mode=True)");
}

TEST_CASE("MaxUnpool2d takes values and indices") {
  const Tensor x = randn({1, 2, 5, 5});
  const auto [y, indices] = F::max_pool2d_with_indices(x, 2);
  nn::MaxUnpool2d unpool(2);
  CHECK(unpool.str() == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))");
  CHECK(unpool(y, indices, {5, 5}).sizes() == x.sizes());
  CHECK(equal(unpool.clone()(y, indices, 5), F::max_unpool2d(y, indices, 2, {.output_size = 5})));
}

TEST_CASE("Layers that rearrange or pool: errors") {
  CHECK(error_of([] {
          nn::Unflatten(1, {2, 4}).forward(zeros({2, 6}));
        }) ==
        "[Unflatten] Provided sizes [2, 4] don't multiply up to the size of dim 1 (6) in the input "
        "tensor");
  CHECK(error_of([] {
          nn::Unflatten(2, {2, 3}).forward(zeros({2, 6}));
        }) == "[Unflatten] expected dim in [-2, 1], got 2");
  CHECK(error_of([] { nn::AdaptiveMaxPool2d(0); }) ==
        "[AdaptiveMaxPool2d] elements of output_size must be greater than zero, but got (0, 0)");
  CHECK(error_of([] { nn::AdaptiveAvgPool1d(0); }) ==
        "[AdaptiveAvgPool1d] elements of output_size must be greater than zero, but got 0");
  CHECK(error_of([] { nn::AvgPool1d(0); }) ==
        "[AvgPool1d] kernel_size should be greater than zero, but got kernel_size=0");
  CHECK(error_of([] { nn::MaxUnpool2d(2, {.padding = 2}); }) ==
        "[MaxUnpool2d] pad should be at most half of kernel size, but got pad=(2, 2) and "
        "kernel_size=(2, 2)");
}
