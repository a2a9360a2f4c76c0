#include <norma/norma.h>

#include <limits>

#include "norma/tests/autograd/golden_waves.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using namespace norma::functional;
using oracle::check_golden;

namespace {

struct Window {
  Pair kernel, stride, padding, dilation;
  bool ceil_mode;
  std::string str() const {
    return "kernel " + kernel.str() + " stride " + stride.str() + " padding " + padding.str() +
           " dilation " + dilation.str() + (ceil_mode ? " ceil" : "");
  }
};

// Output cells along one axis, by trying them out.
int64_t cells(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
              bool ceil_mode) {
  int64_t count = 0;
  for (int64_t start = -pad;; start += stride, ++count) {
    const int64_t over = start + dilation * (kernel - 1) + 1 - (in + pad);
    if (over > 0 && !(ceil_mode && over < stride && start < in)) return count;
  }
}

kernels::Pool2dShape pool_shape(const Shape& s, const Window& o) {
  return {s[0] * s[1],
          s[2],
          s[3],
          cells(s[2], o.kernel.h, o.stride.h, o.padding.h, o.dilation.h, o.ceil_mode),
          cells(s[3], o.kernel.w, o.stride.w, o.padding.w, o.dilation.w, o.ceil_mode),
          o.kernel.h,
          o.kernel.w,
          o.stride.h,
          o.stride.w,
          o.padding.h,
          o.padding.w,
          o.dilation.h,
          o.dilation.w};
}

// For averages `rule` is given.
void check_window(const Shape& sizes, const Window& o, const AvgPoolOptions* rule, DType dtype) {
  const Tensor x = randn(sizes, {.dtype = dtype}).requires_grad_();
  const Tensor y = rule ? avg_pool2d(x, o.kernel, *rule)
                        : max_pool2d(x, o.kernel,
                                     {.stride = o.stride,
                                      .padding = o.padding,
                                      .dilation = o.dilation,
                                      .ceil_mode = o.ceil_mode});
  INFO(sizes.str() << " " << o.str() << " " << dtype_name(dtype));
  const Tensor dy = randn(y.sizes(), {.dtype = dtype});
  const kernels::Pool2dShape shape = pool_shape(sizes, o);
  REQUIRE(y.sizes() == Shape{sizes[0], sizes[1], shape.out_h, shape.out_w});
  const oracle::Pooled expected = rule ? oracle::avg_pool(shape, *rule, to_vector(x), to_vector(dy))
                                       : oracle::max_pool(shape, to_vector(x), to_vector(dy));
  y.backward(dy);
  const double tolerance = dtype == kFloat64 ? 1e-13 : 2e-6;
  CHECK(worst_error(to_vector(y), expected.y) < (rule ? tolerance : 1e-300));
  CHECK(worst_error(to_vector(x.grad()), expected.dx) < tolerance);
}

Tensor leaf(const Shape& sizes) { return randn(sizes, {.dtype = kFloat64}).requires_grad_(); }

Tensor image(const std::vector<double>& rows, int64_t h, int64_t w) {
  return tensor(rows).reshape({1, h, w}).detach().requires_grad_();
}

}  // namespace

TEST_CASE("max_pool2d and avg_pool2d equal the loops over every combination of options") {
  manual_seed(1);
  int64_t count = 0;
  for (const Shape& sizes : {Shape{2, 3, 7, 9}, {1, 2, 6, 8}, {3, 1, 5, 21}}) {
    for (const Pair kernel : {Pair(1), Pair(2), Pair(3), Pair(2, 3), Pair(4, 1)}) {
      for (const Pair stride : {Pair(1), Pair(2), Pair(3), Pair(1, 2)}) {
        for (const Pair padding : {Pair(0), Pair(1), Pair(1, 0)}) {
          if (padding.h > kernel.h / 2 || padding.w > kernel.w / 2) continue;
          for (const bool ceil_mode : {false, true}) {
            ++count;
            const DType dtype = count % 2 ? kFloat64 : kFloat32;
            for (const Pair dilation : {Pair(1), Pair(1, 2)}) {
              const Window window{kernel, stride, padding, dilation, ceil_mode};
              check_window(sizes, window, nullptr, dtype);
            }
            for (const bool counted : {false, true}) {
              const AvgPoolOptions rule{stride, padding, ceil_mode, counted, {}};
              check_window(sizes, {kernel, stride, padding, 1, ceil_mode}, &rule, dtype);
            }
            const AvgPoolOptions rule{stride, padding, ceil_mode, true, 5};
            check_window(sizes, {kernel, stride, padding, 1, ceil_mode}, &rule, dtype);
          }
        }
      }
    }
  }
  CHECK(count == 3 * 4 * 2 * (1 + 3 + 3 + 3 + 2));
}

TEST_CASE("pooling is right on large windows and on many planes") {
  manual_seed(2);
  for (const DType dtype : {kFloat32, kFloat64}) {
    check_window({2, 70, 32, 33}, {2, 2, 0, 1, false}, nullptr, dtype);
    check_window({2, 70, 33, 31}, {3, 2, 1, 1, false}, nullptr, dtype);
    // Tiles in rows that are gathered, taken one by one, and taken in pieces.
    check_window({1, 2, 61, 63}, {2, 2, 0, 1, false}, nullptr, dtype);
    check_window({1, 2, 7, 141}, {2, 2, 0, 1, false}, nullptr, dtype);
    check_window({1, 2, 5, 2300}, {2, 2, 0, 1, false}, nullptr, dtype);
    check_window({1, 2, 6, 5}, {2, 2, 0, 1, true}, nullptr, dtype);
    // More cells than a byte can tell apart.
    check_window({1, 2, 20, 22}, {{20, 17}, {1, 2}, 0, 1, false}, nullptr, dtype);
    const AvgPoolOptions rule{2, 1, false, true, {}};
    check_window({2, 70, 33, 31}, {3, 2, 1, 1, false}, &rule, dtype);
  }
}

TEST_CASE("pooling equals PyTorch") {
  using Inputs = std::vector<Tensor>;
  check_golden(golden::max_pool, {0.9}, [](const Inputs& in) {
    return max_pool2d(in[0], {3, 2}, {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}});
  });
  check_golden(golden::max_pool_ceil, {0.9},
               [](const Inputs& in) { return max_pool2d(in[0], 2, {.ceil_mode = true}); });
  check_golden(golden::max_pool_ceil_padded, {0.9}, [](const Inputs& in) {
    return max_pool2d(in[0], 3, {.stride = 3, .padding = 1, .ceil_mode = true});
  });
  check_golden(golden::avg_pool, {0.9}, [](const Inputs& in) {
    return avg_pool2d(in[0], {3, 2}, {.stride = {2, 1}, .padding = 1});
  });
  check_golden(golden::avg_pool_uncounted, {0.9}, [](const Inputs& in) {
    return avg_pool2d(in[0], 3,
                      {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  check_golden(golden::avg_pool_ceil, {0.9}, [](const Inputs& in) {
    return avg_pool2d(in[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true});
  });
  check_golden(golden::avg_pool_divisor, {0.9}, [](const Inputs& in) {
    return avg_pool2d(in[0], 2, {.padding = 1, .divisor_override = 3});
  });
  check_golden(golden::adaptive_avg_pool, {0.9}, [](const Inputs& in) {
    return adaptive_avg_pool2d(in[0], {3, 2});
  });
  check_golden(golden::adaptive_avg_pool_larger, {0.9}, [](const Inputs& in) {
    return adaptive_avg_pool2d(in[0], {3, 5});
  });
}

TEST_CASE("gradcheck of every pooling option") {
  manual_seed(3);
  const auto check = [](const Shape& sizes, const std::function<Tensor(const Tensor&)>& function) {
    const std::string error = gradient_error(
        [&](const std::vector<Tensor>& in) { return function(in[0]); }, {leaf(sizes)});
    CHECK(error == "");
  };
  const std::vector<MaxPoolOptions> max_options{
      {},
      {.stride = 1},
      {.stride = {1, 2}},
      {.padding = 1},
      {.dilation = 2},
      {.ceil_mode = true},
      {.stride = 2, .padding = {1, 0}, .dilation = {1, 2}, .ceil_mode = true}};
  for (const MaxPoolOptions& options : max_options) {
    check({2, 2, 5, 5}, [&](const Tensor& x) { return max_pool2d(x, 2, options); });
    check({1, 6, 5}, [&](const Tensor& x) { return max_pool2d(x, {3, 2}, options); });
  }
  const std::vector<AvgPoolOptions> avg_options{{},
                                                {.stride = {1, 2}},
                                                {.padding = 1},
                                                {.stride = 2, .ceil_mode = true},
                                                {.padding = 1, .count_include_pad = false},
                                                {.divisor_override = -3}};
  for (const AvgPoolOptions& options : avg_options) {
    check({2, 2, 5, 5}, [&](const Tensor& x) { return avg_pool2d(x, 2, options); });
    check({1, 6, 5}, [&](const Tensor& x) { return avg_pool2d(x, {3, 2}, options); });
  }
  for (const Pair size : {Pair(1), Pair(2, 3), Pair(7, 4)}) {
    check({2, 2, 5, 4}, [&](const Tensor& x) { return adaptive_avg_pool2d(x, size); });
    check({1, 5, 4}, [&](const Tensor& x) { return adaptive_avg_pool2d(x, size); });
  }
}

TEST_CASE("max_pool2d: NaN wins, the first of equals wins, -inf loses to nothing") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  struct Row {
    std::vector<double> x, grad;
    double y;
  };
  const std::vector<Row> table{{{1, 2, 3, 4}, {0, 0, 0, 1}, 4},
                               {{5, 5, 5, 5}, {1, 0, 0, 0}, 5},
                               {{1, 7, 7, 0}, {0, 1, 0, 0}, 7},
                               {{nan, 2, 3, 4}, {1, 0, 0, 0}, nan},
                               {{1, nan, 3, 4}, {0, 1, 0, 0}, nan},
                               {{1, 9, nan, 4}, {0, 0, 1, 0}, nan},
                               {{1, 2, 3, nan}, {0, 0, 0, 1}, nan},
                               {{nan, 2, nan, 4}, {0, 0, 1, 0}, nan},
                               {{-inf, -inf, -inf, -inf}, {1, 0, 0, 0}, -inf},
                               {{-inf, -9, -inf, -inf}, {0, 1, 0, 0}, -9},
                               {{inf, 2, inf, 4}, {1, 0, 0, 0}, inf}};
  for (const Row& row : table) {
    // The tile path and the general one.
    for (const Pair stride : {Pair(2), Pair(1)}) {
      const Tensor x = image(row.x, 2, 2);
      const Tensor y = max_pool2d(x, 2, {.stride = stride});
      const double value = y.item<double>();
      CHECK((std::isnan(row.y) ? std::isnan(value) : value == row.y));
      y.sum().backward();
      CHECK(to_vector(x.grad()) == row.grad);
      const NoGradGuard no_grad;
      const double again = max_pool2d(x, 2, {.stride = stride}).item<double>();
      CHECK((std::isnan(row.y) ? std::isnan(again) : again == row.y));
    }
  }
  // Padding never wins, and the gradient of a window of -inf goes to its first real cell.
  const Tensor x = image({-inf, -3, -inf, -1}, 2, 2);
  const Tensor y = max_pool2d(x, 2, {.stride = 2, .padding = 1});
  CHECK(to_vector(y) == std::vector<double>{-inf, -3, -inf, -1});
  y.sum().backward();
  CHECK(to_vector(x.grad()) == std::vector<double>{1, 1, 1, 1});
  // A dilated window can miss the image altogether, as in PyTorch.
  const Tensor missed = image({7}, 1, 1);
  const Tensor nothing = max_pool2d(missed, 2, {.padding = 1, .dilation = 2});
  CHECK(nothing.item<double>() == -inf);
  nothing.sum().backward();
  CHECK(missed.grad().item<double>() == 0.0);
}

TEST_CASE("pooling takes views, unbatched and empty batches") {
  manual_seed(4);
  const std::vector<std::function<Tensor(const Tensor&)>> functions{
      [](const Tensor& x) { return max_pool2d(x, 2); },
      [](const Tensor& x) {
        return avg_pool2d(x, {3, 2});
      },
      [](const Tensor& x) { return adaptive_avg_pool2d(x, 2); }};
  for (const auto& function : functions) {
    const Tensor x = leaf({2, 6, 5, 3});
    const Tensor view = x.permute({0, 3, 1, 2});
    const Tensor packed = view.detach().contiguous().requires_grad_();
    CHECK(equal(function(view), function(packed)));
    function(view).square().sum().backward();
    function(packed).square().sum().backward();
    CHECK(equal(x.grad().permute({0, 3, 1, 2}), packed.grad()));
    CHECK(equal(function(packed[1]), function(packed)[1]));
    const Tensor none = empty({0, 3, 6, 5});
    CHECK(function(none).size(0) == 0);
    const NoGradGuard no_grad;
    CHECK_FALSE(function(packed).requires_grad());
  }
}

TEST_CASE("pooling refuses what it cannot do, in PyTorch's words") {
  const Tensor x = leaf({2, 3, 8, 8});
  const auto max_error = [&](Pair kernel, const MaxPoolOptions& options) {
    return error_of([&] { max_pool2d(x, kernel, options); });
  };
  const auto avg_error = [&](Pair kernel, const AvgPoolOptions& options) {
    return error_of([&] { avg_pool2d(x, kernel, options); });
  };
  CHECK(max_error({2, 0}, {}) ==
        "[max_pool2d] kernel_size should be greater than zero, but got kernel_size=(2, 0)");
  CHECK(max_error(2, {.stride = 0}) ==
        "[max_pool2d] stride should be greater than zero, but got stride=(0, 0)");
  CHECK(max_error(2, {.dilation = {1, 0}}) ==
        "[max_pool2d] dilation should be greater than zero, but got dilation=(1, 0)");
  CHECK(max_error(2, {.padding = -1}) ==
        "[max_pool2d] pad must be non-negative, but got pad=(-1, -1)");
  CHECK(max_error(3, {.padding = 2}) ==
        "[max_pool2d] pad should be at most half of kernel size, but got pad=(2, 2) and "
        "kernel_size=(3, 3)");
  CHECK(max_error(9, {}) ==
        "[max_pool2d] Given input size: (3x8x8). Calculated output size: (3x0x0). Output size is "
        "too small");
  CHECK(avg_error(-1, {}) ==
        "[avg_pool2d] kernel_size should be greater than zero, but got kernel_size=(-1, -1)");
  CHECK(avg_error(2, {.stride = {1, 0}}) ==
        "[avg_pool2d] stride should be greater than zero, but got stride=(1, 0)");
  CHECK(avg_error(2, {.padding = {0, -1}}) ==
        "[avg_pool2d] pad must be non-negative, but got pad=(0, -1)");
  CHECK(avg_error({2, 4}, {.padding = 2}) ==
        "[avg_pool2d] pad should be at most half of kernel size, but got pad=(2, 2) and "
        "kernel_size=(2, 4)");
  CHECK(avg_error({1, 9}, {}) ==
        "[avg_pool2d] Given input size: (3x8x8). Calculated output size: (3x8x0). Output size is "
        "too small");
  CHECK(avg_error(2, {.divisor_override = 0}) == "[avg_pool2d] divisor must be not zero");
  CHECK(error_of([&] {
          adaptive_avg_pool2d(x, {2, 0});
        }) ==
        "[adaptive_avg_pool2d] elements of output_size must be greater than zero, but got (2, 0)");
  const std::vector<std::pair<std::string, std::function<Tensor(const Tensor&)>>> functions{
      {"max_pool2d", [](const Tensor& in) { return max_pool2d(in, 2); }},
      {"avg_pool2d", [](const Tensor& in) { return avg_pool2d(in, 2); }},
      {"adaptive_avg_pool2d", [](const Tensor& in) { return adaptive_avg_pool2d(in, 2); }}};
  for (const auto& entry : functions) {
    const std::string& name = entry.first;
    const auto& function = entry.second;
    for (const Shape& sizes : {Shape{8, 8}, {2, 3, 0, 8}, {2, 0, 8, 8}, {1, 1, 1, 8, 8}}) {
      CHECK(error_of([&] { function(empty(sizes)); }) ==
            "[" + name +
                "] Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, "
                "but got: " +
                sizes.str());
    }
    const bool takes_integers = name == "max_pool2d";
    CHECK(error_of([&] {
            function(ones({1, 4, 4}, {.dtype = takes_integers ? kBool : kInt64}));
          }) == "[" + name + "] expected a floating input, got " +
                    (takes_integers ? "bool" : "int64") + "; convert it with to(kFloat32)");
    CHECK_THROWS_AS(function(Tensor()), Error);
  }
}
