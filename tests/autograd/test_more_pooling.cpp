#include <norma/norma.h>

#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("More pooling: derivatives") {
  manual_seed(1);
  const Tensor x = random_leaf({2, 2, 5}), image = random_leaf({1, 2, 4, 5});
  CHECK(gradient_error(
            [](const auto& v) {
              return F::avg_pool1d(v[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true});
            },
            {x}) == "");
  CHECK(gradient_error([](const auto& v) { return F::adaptive_avg_pool1d(v[0], 3); }, {x}) == "");
  CHECK(gradient_error([](const auto& v) { return F::adaptive_max_pool1d(v[0], 2); }, {x}) == "");
  CHECK(gradient_error(
            [](const auto& v) {
              return F::adaptive_max_pool2d(v[0], {3, 2});
            },
            {image}) == "");
  CHECK(gradient_error(
            [](const auto& v) {
              return F::max_pool2d_with_indices(v[0], 2, {.stride = 1, .padding = 1}).first;
            },
            {image}) == "");
  const Tensor indices = tensor({0, 7, 10, 19}).reshape({1, 1, 2, 2});
  CHECK(gradient_error(
            [&](const auto& v) {
              return F::max_unpool2d(v[0], indices, 2, {.output_size = {4, 5}});
            },
            {random_leaf({1, 1, 2, 2})}) == "");
  CHECK(gradient_error(
            [](const auto& v) {
              return F::lp_pool2d(v[0] * v[0] + 0.5, 3, {2, 3});
            },
            {image}) == "");
}

TEST_CASE("max_pool2d of integers, indices, and the way back") {
  const Tensor x = tensor({{1, 5, 2}, {-3, 9, 4}, {7, 8, 6}}).reshape({1, 3, 3});
  const Tensor y = F::max_pool2d(x, 2, {.stride = 1});
  CHECK(y.dtype() == kInt64);
  CHECK(to_vector(y) == std::vector<double>{9, 9, 9, 9});
  CHECK(to_vector(F::max_pool2d(x.to(kUInt8).clamp_max(100), 3)) == std::vector<double>{100});
  const auto [most, at] = F::max_pool2d_with_indices(x.to(kFloat32), 2, {.stride = 1});
  CHECK(to_vector(at) == std::vector<double>{4, 4, 4, 4});
  CHECK(at.dtype() == kInt64);
  const Tensor image = randn({2, 3, 4, 6});
  const auto [pooled, places] = F::max_pool2d_with_indices(image, 2);
  const Tensor back = F::max_unpool2d(pooled, places, 2);
  CHECK(back.sizes() == image.sizes());
  CHECK(equal(F::max_pool2d(back.clamp_min(-9), 2), pooled.clamp_min(0)));
  CHECK(equal(pooled, F::max_pool2d(image, 2)));
}

TEST_CASE("More pooling: errors") {
  const Tensor x = zeros({1, 2, 4, 4});
  CHECK(error_of([&] {
          F::avg_pool1d(zeros({2, 3}), 2, {.padding = 2});
        }) ==
        "[avg_pool1d] pad should be at most half of kernel size, but got pad=2 and kernel_size=2");
  CHECK(error_of([&] {
          F::avg_pool1d(zeros({2, 3}), 4);
        }) ==
        "[avg_pool1d] Given input size: (2x3). Calculated output size: (2x0). Output size is too "
        "small");
  CHECK(error_of([&] { F::avg_pool1d(zeros({3}), 2); }) ==
        "[avg_pool1d] Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
        "input, but got: [3]");
  CHECK(error_of([&] {
          F::adaptive_avg_pool1d(zeros({2, 3}), 0);
        }) == "[adaptive_avg_pool1d] elements of output_size must be greater than zero, but got 0");
  CHECK(error_of([&] {
          F::adaptive_max_pool2d(x, {0, 1});
        }) ==
        "[adaptive_max_pool2d] elements of output_size must be greater than zero, but got (0, 1)");
  CHECK(error_of([&] { F::adaptive_max_pool1d(x, 1); }) ==
        "[adaptive_max_pool1d] Expected 2D or 3D (batch mode) tensor with optional 0 dim batch "
        "size for input, but got: [1, 2, 4, 4]");
  CHECK(error_of([&] { F::max_pool2d(x.to(kBool), 2); }) ==
        "[max_pool2d] expected a floating input, got bool; convert it with to(kFloat32)");
  const Tensor y = zeros({1, 1, 2, 2}), at = tensor({0, 3, 8, 15}).reshape({1, 1, 2, 2});
  CHECK(error_of([&] { F::max_unpool2d(y, at + 2, 2); }) ==
        "[max_unpool2d] Found an invalid max index: 17 (output volumes are of size 4x4)");
  CHECK(error_of([&] { F::max_unpool2d(y, at.to(kFloat32), 2); }) ==
        "[max_unpool2d] elements in indices should be type int64 but got: float32");
  CHECK(error_of([&] { F::max_unpool2d(y, at[0], 2); }) ==
        "[max_unpool2d] Expected shape of indices to be same as that of the input tensor "
        "([1, 1, 2, 2]) but got indices tensor with shape: [1, 2, 2]");
  CHECK(error_of([&] {
          F::max_unpool2d(y, at, 2, {.output_size = {7, 5}});
        }) ==
        "[max_unpool2d] invalid output_size (7, 5), expected at least one cell, and a distance "
        "from (4, 4) below the stride (2, 2)");
  CHECK(error_of([&] { F::lp_pool2d(x, 2, 5); }) ==
        "[lp_pool2d] Given input size: (2x4x4). Calculated output size: (2x0x0). Output size is "
        "too small");
}

TEST_CASE("lp_pool2d of zeros, and with infinite powers, as in PyTorch") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({0.0, 0.0, 1.0, -2.0, 0.0, 0.0, 3.0, -4.0}).reshape({1, 1, 2, 4});
  const auto slope = [&](double p) {
    const Tensor leaf = x.clone().requires_grad_();
    F::lp_pool2d(leaf, p, 2).sum().backward();
    return leaf.grad();
  };
  CHECK(equal(slope(2).slice(3, 0, 2), zeros({1, 1, 2, 2})));
  CHECK(allclose(slope(2)[0][0][1][3], tensor(-0.7302967), 1e-5, 1e-6));
  CHECK(equal(F::lp_pool2d(x, infinity, 2).flatten(), tensor({0.0, 4.0})));
  CHECK(equal(F::lp_pool2d(x, -infinity, 2).flatten(), tensor({0.0, 1.0})));
  CHECK(slope(infinity).sum().item<double>() == -1);
  CHECK(error_of([&] { F::lp_pool2d(x, 0, 2); }) ==
        "[lp_pool2d] norm_type must be a non-zero value, but got 0");
}
