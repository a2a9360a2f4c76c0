#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("Shuffles undo each other; fold is the adjoint of unfold") {
  manual_seed(1);
  const Tensor x = randn({2, 8, 3, 4});
  CHECK(equal(F::pixel_unshuffle(F::pixel_shuffle(x, 2), 2), x));
  CHECK(to_vector(F::pixel_shuffle(arange(4).to(kFloat32).reshape({4, 1, 1}), 2)) ==
        std::vector<double>{0, 1, 2, 3});
  CHECK(equal(F::channel_shuffle(F::channel_shuffle(x, 2), 4), x));
  const F::UnfoldOptions o{.dilation = {1, 2}, .padding = 1, .stride = {2, 1}};
  const Tensor columns = F::unfold(x, {2, 3}, o);
  const Tensor other = randn(columns.sizes());
  CHECK((columns * other).sum().item<double>() ==
        Approx((x * F::fold(other, {3, 4}, {2, 3}, o)).sum().item<double>()).epsilon(1e-4));
  const Tensor w = randn({5, 8, 2, 3});
  CHECK(allclose(
      norma::matmul(w.reshape({5, 48}), columns),
      F::conv2d(x, w, {}, {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}}).reshape({2, 5, -1}),
      1e-4, 1e-5));
  CHECK(F::pixel_shuffle(zeros({0, 8, 3, 4}), 2).sizes() == Shape{0, 2, 6, 8});
  CHECK(F::unfold(zeros({0, 2, 3, 3}), 2).sizes() == Shape{0, 8, 4});
}

TEST_CASE("Shuffles, unfold and fold: derivatives") {
  manual_seed(2);
  const F::UnfoldOptions o{.dilation = {1, 2}, .padding = 1, .stride = {2, 1}};
  CHECK(gradient_error([](const auto& x) { return F::pixel_shuffle(x[0], 2); },
                       {random_leaf({1, 4, 2, 3})}) == "");
  CHECK(gradient_error([](const auto& x) { return F::pixel_unshuffle(x[0], 2); },
                       {random_leaf({2, 4, 2})}) == "");
  CHECK(gradient_error([](const auto& x) { return F::channel_shuffle(x[0], 2); },
                       {random_leaf({1, 4, 2})}) == "");
  CHECK(gradient_error([&](const auto& x) { return F::unfold(x[0], 2, o); },
                       {random_leaf({2, 3, 4})}) == "");
  CHECK(gradient_error(
            [&](const auto& x) {
              return F::fold(x[0], {3, 4}, 2, o);
            },
            {random_leaf({1, 8, 8})}) == "");
}

TEST_CASE("Shuffles, unfold and fold: errors") {
  const Tensor x = zeros({1, 8, 3, 4});
  CHECK(error_of([&] { F::pixel_shuffle(x, 3); }) ==
        "[pixel_shuffle] expects its input's 'channel' dimension to be divisible by the square of "
        "upscale_factor, but input.size(-3)=8 is not divisible by 9");
  CHECK(error_of([&] { F::pixel_shuffle(x[0][0], 2); }) ==
        "[pixel_shuffle] expects input to have at least 3 dimensions, but got input with 2 "
        "dimension(s)");
  CHECK(error_of([&] { F::pixel_shuffle(x, 0); }) ==
        "[pixel_shuffle] expects a positive upscale_factor, but got 0");
  CHECK(error_of([&] { F::pixel_unshuffle(x, 2); }) ==
        "[pixel_unshuffle] expects height to be divisible by downscale_factor, but "
        "input.size(-2)=3 is not divisible by 2");
  CHECK(error_of([&] { F::pixel_unshuffle(x, 3); }) ==
        "[pixel_unshuffle] expects width to be divisible by downscale_factor, but "
        "input.size(-1)=4 is not divisible by 3");
  CHECK(error_of([&] { F::pixel_unshuffle(x, -2); }) ==
        "[pixel_unshuffle] expects a positive downscale_factor, but got -2");
  CHECK(error_of([&] { F::channel_shuffle(x, 3); }) ==
        "[channel_shuffle] Number of channels must be divisible by groups. Got 8 channels and 3 "
        "groups.");
  CHECK(error_of([&] { F::channel_shuffle(x, 0); }) ==
        "[channel_shuffle] Number of groups to divide channels in must be positive. Value of "
        "groups:0");
  CHECK(error_of([&] {
          F::channel_shuffle(zeros({2, 2}), 2);
        }) == "[channel_shuffle] expects input with > 2 dims, but got input with sizes [2, 2]");
  CHECK(error_of([&] { F::unfold(x, 4); }) ==
        "[unfold] expected windows inside the image, got spatial size (3, 4), kernel_size=(4, 4), "
        "dilation=(1, 1) and padding=(0, 0)");
  CHECK(error_of([&] { F::unfold(x, 2, {.stride = 0}); }) ==
        "[unfold] stride should be greater than zero, but got (0, 0)");
  CHECK(error_of([&] { F::unfold(x, 2, {.padding = -1}); }) ==
        "[unfold] padding should be non-negative, but got (-1, -1)");
  CHECK(error_of([&] {
          F::unfold(zeros({1, 0, 3, 3}), 2);
        }) ==
        "[unfold] Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
        "non-zero dimensions for input, but got: [1, 0, 3, 3]");
  CHECK(error_of([&] {
          F::fold(zeros({1, 7, 4}), 3, 2);
        }) ==
        "[fold] Expected size of input's dimension 1 to be divisible by the product of "
        "kernel_size, but got input.size(1)=7 and kernel_size=(2, 2)");
  CHECK(error_of([&] {
          F::fold(zeros({1, 8, 5}), 3, 2);
        }) ==
        "[fold] expected size of input's dimension 2 to match the calculated number of sliding "
        "blocks 2 * 2 = 4, but got input.size(2)=5");
  CHECK(error_of([&] { F::fold(zeros({8}), 3, 2); }) ==
        "[fold] Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
        "non-zero dimensions for input, but got: [8]");
  CHECK(error_of([&] {
          F::fold(zeros({8, 4}), 0, 2);
        }) == "[fold] output_size should be greater than zero, but got (0, 0)");
}
