#include <norma/norma.h>

#include <cmath>
#include <limits>

#include "norma/tests/autograd/golden_conv1d.h"
#include "norma/tests/autograd/golden_waves.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using namespace norma::functional;
using oracle::check_golden;

namespace {

Tensor leaf(const Shape& sizes, DType dtype = kFloat64) {
  return randn(sizes, {.dtype = dtype}).requires_grad_();
}

// Windows by definition: `sizes` is [N, C, L].
void check_windows(const Shape& sizes, int64_t kernel, const MaxPool1dOptions& o, DType dtype) {
  const Tensor x = leaf(sizes, dtype);
  const Tensor y = max_pool1d(x, kernel, o);
  const Tensor dy = randn(y.sizes(), {.dtype = dtype});
  y.backward(dy);
  const int64_t stride = o.stride.value_or(kernel), length = sizes[2];
  int64_t out = 0;
  for (int64_t start = -o.padding;; start += stride, ++out) {
    const int64_t over = start + o.dilation * (kernel - 1) + 1 - (length + o.padding);
    if (over > 0 && !(o.ceil_mode && over < stride && start < length)) break;
  }
  INFO(sizes.str() << " kernel " << kernel << " stride " << stride << " padding " << o.padding
                   << " dilation " << o.dilation << (o.ceil_mode ? " ceil" : ""));
  REQUIRE(y.sizes() == Shape{sizes[0], sizes[1], out});
  const oracle::Pooled expected = oracle::max_pool(
      {sizes[0] * sizes[1], 1, length, 1, out, 1, kernel, 1, stride, 0, o.padding, 1, o.dilation},
      to_vector(x), to_vector(dy));
  CHECK(to_vector(y) == expected.y);
  CHECK(worst_error(to_vector(x.grad()), expected.dx) < (dtype == kFloat64 ? 1e-13 : 2e-6));
}

}  // namespace

TEST_CASE("max_pool1d equals the loops over every combination of options") {
  manual_seed(1);
  int64_t count = 0;
  for (const Shape& sizes : {Shape{2, 3, 9}, {1, 1, 12}, {3, 70, 141}}) {
    for (const int64_t kernel : {1, 2, 3, 4}) {
      for (const int64_t stride : {0, 1, 2, 3}) {
        for (const int64_t padding : {0, 1}) {
          if (padding > kernel / 2) continue;
          for (const int64_t dilation : {1, 2}) {
            for (const bool ceil_mode : {false, true}) {
              ++count;
              MaxPool1dOptions options{
                  .padding = padding, .dilation = dilation, .ceil_mode = ceil_mode};
              if (stride > 0) options.stride = stride;
              check_windows(sizes, kernel, options, count % 2 ? kFloat64 : kFloat32);
            }
          }
        }
      }
    }
  }
  CHECK(count == 3 * (4 + 3) * 4 * 2 * 2);
  // More cells than a byte can tell apart.
  check_windows({2, 2, 700}, 300, {.stride = 7}, kFloat32);
}

TEST_CASE("max_pool1d equals PyTorch") {
  using Inputs = std::vector<Tensor>;
  check_golden(golden::max_pool1d, {0.9}, [](const Inputs& in) {
    return max_pool1d(in[0], 3, {.stride = 2, .padding = 1, .dilation = 2});
  });
  check_golden(golden::max_pool1d_ceil, {0.9},
               [](const Inputs& in) { return max_pool1d(in[0], 2, {.ceil_mode = true}); });
  check_golden(golden::max_pool1d_ceil_padded, {0.9}, [](const Inputs& in) {
    return max_pool1d(in[0], 3, {.stride = 3, .padding = 1, .ceil_mode = true});
  });
}

TEST_CASE("gradcheck of every option of max_pool1d") {
  manual_seed(3);
  const std::vector<MaxPool1dOptions> all{{},
                                          {.stride = 1},
                                          {.padding = 1},
                                          {.dilation = 2},
                                          {.ceil_mode = true},
                                          {.stride = 2, .padding = 1, .ceil_mode = true}};
  for (const MaxPool1dOptions& options : all) {
    for (const Shape& sizes : {Shape{2, 2, 7}, {3, 6}}) {
      const std::string error = gradient_error(
          [&](const std::vector<Tensor>& in) { return max_pool1d(in[0], 3, options); },
          {leaf(sizes)});
      CHECK(error == "");
    }
  }
}

TEST_CASE("max_pool1d: NaN wins, the first of equals wins, padding never does") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({1.0, nan, 7.0, 7.0, -inf, -inf}).to(kFloat64).reshape({1, 6});
  const Tensor in = x.detach().clone().requires_grad_();
  const Tensor y = max_pool1d(in, 2);
  CHECK(std::isnan(to_vector(y)[0]));
  CHECK(to_vector(y)[1] == 7.0);
  CHECK(to_vector(y)[2] == -inf);
  y.sum().backward();
  CHECK(to_vector(in.grad()) == std::vector<double>{0, 1, 1, 0, 1, 0});
  const Tensor low = tensor({-3.0, -1.0}).to(kFloat64).reshape({1, 2});
  CHECK(to_vector(max_pool1d(low, 2, {.padding = 1})) == std::vector<double>{-3, -1});
}

TEST_CASE("max_pool1d takes views, unbatched and empty batches") {
  manual_seed(4);
  const Tensor x = leaf({2, 9, 3});
  const Tensor packed = x.detach().transpose(1, 2).contiguous().requires_grad_();
  max_pool1d(x.transpose(1, 2), 2).square().sum().backward();
  max_pool1d(packed, 2).square().sum().backward();
  CHECK(equal(x.grad().transpose(1, 2), packed.grad()));
  CHECK(equal(max_pool1d(packed[1], 2), max_pool1d(packed, 2)[1]));
  CHECK(max_pool1d(empty({0, 3, 9}), 2).sizes() == Shape{0, 3, 4});
  const NoGradGuard no_grad;
  CHECK_FALSE(max_pool1d(packed, 2).requires_grad());
}

TEST_CASE("max_pool1d refuses what it cannot do, in PyTorch's words") {
  const Tensor x = leaf({2, 3, 8});
  const auto message = [&](int64_t kernel, const MaxPool1dOptions& options) {
    return error_of([&] { max_pool1d(x, kernel, options); });
  };
  CHECK(message(0, {}) ==
        "[max_pool1d] kernel_size should be greater than zero, but got kernel_size=0");
  CHECK(message(2, {.stride = 0}) ==
        "[max_pool1d] stride should be greater than zero, but got stride=0");
  CHECK(message(2, {.dilation = 0}) ==
        "[max_pool1d] dilation should be greater than zero, but got dilation=0");
  CHECK(message(2, {.padding = -1}) == "[max_pool1d] pad must be non-negative, but got pad=-1");
  CHECK(message(3, {.padding = 2}) ==
        "[max_pool1d] pad should be at most half of kernel size, but got pad=2 and kernel_size=3");
  CHECK(message(9, {}) ==
        "[max_pool1d] Given input size: (3x8). Calculated output size: (3x0). Output size is too "
        "small");
  for (const Shape& sizes : {Shape{8}, {2, 3, 0}, {2, 0, 8}, {0, 8}, {1, 1, 8, 8}}) {
    CHECK(error_of([&] { max_pool1d(empty(sizes), 2); }) ==
          "[max_pool1d] Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
          "input, but got: " +
              sizes.str());
  }
  CHECK(error_of([&] {
          max_pool1d(ones({1, 4}, {.dtype = kInt64}), 2);
        }) == "[max_pool1d] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { max_pool1d(Tensor(), 2); }).find("[max_pool1d]") == 0);
}
