#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("conv_transpose2d is the gradient of conv2d with respect to its input") {
  manual_seed(1);
  const Tensor w = randn({4, 3, 3, 2}, {.dtype = kFloat64});
  const Tensor image = random_leaf({2, 6, 7, 8});
  const Tensor y =
      F::conv2d(image, w, {}, {.stride = 2, .padding = {1, 0}, .dilation = {2, 1}, .groups = 2});
  const Tensor g = randn(y.sizes(), {.dtype = kFloat64});
  y.backward(g);
  const Tensor back = F::conv_transpose2d(
      g, w, {},
      {.stride = 2, .padding = {1, 0}, .output_padding = {0, 0}, .groups = 2, .dilation = {2, 1}});
  CHECK(mismatch(back, image.grad(), 1e-12, 1e-12) == "");
}

TEST_CASE("conv_transpose: derivatives, for every option") {
  manual_seed(2);
  const auto f = [](const F::ConvTransposeOptions& o) {
    return [o](const std::vector<Tensor>& x) {
      return F::conv_transpose2d(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), o);
    };
  };
  const Tensor x = random_leaf({2, 2, 2, 3}), w = random_leaf({2, 2, 3, 2}), b = random_leaf({2});
  CHECK(gradient_error(f({}), {x, w, b}) == "");
  CHECK(gradient_error(f({.stride = 2, .padding = 1, .output_padding = {1, 0}}), {x, w, b}) == "");
  CHECK(gradient_error(f({.stride = {2, 1}, .output_padding = {0, 1}, .dilation = {1, 2}}),
                       {x, w}) == "");
  CHECK(gradient_error(f({.stride = 3, .groups = 2}), {x, w, random_leaf({4})}) == "");
  CHECK(gradient_error(f({}), {random_leaf({2, 2, 3}), w, b}) == "");
  CHECK(gradient_error(
            [](const std::vector<Tensor>& v) {
              return F::conv_transpose1d(
                  v[0], v[1], v[2],
                  {.stride = 2, .padding = 1, .output_padding = 1, .dilation = 2});
            },
            {random_leaf({2, 2, 4}), random_leaf({2, 3, 3}), random_leaf({3})}) == "");
}

TEST_CASE("conv_transpose: an empty batch has gradients of zeros") {
  const Tensor x = zeros({0, 2, 3, 4}, {.requires_grad = true});
  const Tensor w = randn({2, 3, 3, 3}, {.requires_grad = true});
  const Tensor b = randn({3}, {.requires_grad = true});
  const Tensor y = F::conv_transpose2d(x, w, b);
  CHECK(y.sizes() == Shape{0, 3, 5, 6});
  y.sum().backward();
  CHECK(x.grad().sizes() == x.sizes());
  CHECK(equal(w.grad(), zeros({2, 3, 3, 3})));
  CHECK(equal(b.grad(), zeros({3})));
}

TEST_CASE("conv_transpose: errors") {
  const Tensor x = randn({2, 4, 5, 5}), w = randn({4, 3, 3, 3});
  const auto message = [&](const F::ConvTransposeOptions& o) {
    return error_of([&] { F::conv_transpose2d(x, w, {}, o); });
  };
  CHECK(message({.stride = 0}) ==
        "[conv_transpose2d] non-positive stride is not supported, got stride=(0, 0)");
  CHECK(message({.dilation = {1, 0}}) ==
        "[conv_transpose2d] non-positive dilation is not supported, got dilation=(1, 0)");
  CHECK(message({.padding = -1}) ==
        "[conv_transpose2d] negative padding is not supported, got padding=(-1, -1)");
  CHECK(message({.output_padding = {0, -1}}) ==
        "[conv_transpose2d] negative output_padding is not supported, got output_padding=(0, -1)");
  CHECK(message({.output_padding = 1}) ==
        "[conv_transpose2d] output padding must be smaller than either stride or dilation, but got "
        "output_padding=(1, 1), stride=(1, 1) and dilation=(1, 1)");
  CHECK(message({.groups = 0}) == "[conv_transpose2d] groups must be a positive integer, got 0");
  CHECK(message({.groups = 3}) ==
        "[conv_transpose2d] Given groups=3, expected weight to be divisible by 3 at dimension 0, "
        "but got weight of size [4, 3, 3, 3] instead");
  CHECK(message({.padding = 4}) ==
        "[conv_transpose2d] Given input size per channel: (5 x 5). Calculated output size per "
        "channel: (-1 x -1). Output size is too small");
  CHECK(has(message({.stride = int64_t{1} << 62}), "[conv_transpose2d] expected an output"));

  const auto of = [&](const Tensor& input, const Tensor& weight, const Tensor& bias = {}) {
    return error_of([&] { F::conv_transpose2d(input, weight, bias); });
  };
  CHECK(of(x, randn({6, 3, 3, 3})) ==
        "[conv_transpose2d] Given transposed=1, weight of size [6, 3, 3, 3], expected "
        "input[2, 4, 5, 5] to have 6 channels, but got 4 channels instead");
  CHECK(of(x, randn({4, 3, 3})) ==
        "[conv_transpose2d] expected weight [in_channels, out_channels/groups, kernel_h, "
        "kernel_w], got [4, 3, 3]");
  CHECK(of(x, randn({4, 0, 3, 3})) ==
        "[conv_transpose2d] expected weight [in_channels, out_channels/groups, kernel_h, "
        "kernel_w], got [4, 0, 3, 3]");
  CHECK(of(x, w, randn({4})) ==
        "[conv_transpose2d] Given transposed=1, weight of size [4, 3, 3, 3], expected bias to be "
        "1-dimensional with 3 elements, but got bias of size [4] instead");
  CHECK(of(x, w, randn({3}, {.dtype = kFloat64})) ==
        "[conv_transpose2d] expected input and bias of one type, got input float32 and bias "
        "float64; convert one with to()");
  CHECK(of(x[0][0], w) ==
        "[conv_transpose2d] Expected 3D (unbatched) or 4D (batched) input to conv_transpose2d, but "
        "got input of size: [5, 5]");
  CHECK(of(x, w.to(kFloat64)) ==
        "[conv_transpose2d] expected input and weight of one type, got input float32 and weight "
        "float64; convert one with to()");
  CHECK(of(x.to(kInt64), w.to(kInt64)) ==
        "[conv_transpose2d] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(of(zeros({2, 4, 0, 5}), w) ==
        "[conv_transpose2d] Only zero batch inputs are supported, but got input shape: "
        "[2, 4, 0, 5]");
  const auto one = [&](const Tensor& input, const F::ConvTranspose1dOptions& o) {
    return error_of([&] { F::conv_transpose1d(input, randn({4, 3, 3}), {}, o); });
  };
  CHECK(one(x, {}) ==
        "[conv_transpose1d] Expected 2D (unbatched) or 3D (batched) input to conv_transpose1d, but "
        "got input of size: [2, 4, 5, 5]");
  CHECK(one(randn({2, 4, 5}), {.output_padding = 2}) ==
        "[conv_transpose1d] output padding must be smaller than either stride or dilation, but got "
        "output_padding=(2,), stride=(1,) and dilation=(1,)");
  CHECK(one(randn({2, 4, 2}), {.padding = 2}) ==
        "[conv_transpose1d] Given input size per channel: (2). Calculated output size per channel: "
        "(0). Output size is too small");
}
