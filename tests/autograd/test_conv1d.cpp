#include <norma/norma.h>

#include <algorithm>
#include <cmath>

#include "norma/tests/autograd/golden_conv1d.h"
#include "norma/tests/autograd/golden_waves.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using namespace norma::functional;
using oracle::check_golden;

namespace {

Tensor random(const Shape& sizes, DType dtype = kFloat64) { return randn(sizes, {.dtype = dtype}); }

struct Case {
  Shape x, w;
  Conv1dOptions options;
  DType dtype = kFloat64;

  std::string str() const {
    return "x " + x.str() + " w " + w.str() + " stride " + std::to_string(options.stride) +
           " padding " + options.padding.str() + " dilation " + std::to_string(options.dilation) +
           " groups " + std::to_string(options.groups) + " " + dtype_name(dtype);
  }
};

// Relative to the largest value: sums over a long signal have terms much larger than some results.
double scaled_error(const Tensor& got, const std::vector<double>& expected) {
  const std::vector<double> a = to_vector(got);
  if (a.size() != expected.size()) return INFINITY;
  double scale = 1e-300, worst = 0;
  for (const double value : expected) scale = std::max(scale, std::fabs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::fabs(a[i] - expected[i]) / scale;
    if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
  }
  return worst;
}

// Output and all gradients against the two-dimensional loops on images of one row.
void check_case(const Case& c) {
  const double tolerance = c.dtype == kFloat64 ? 1e-13 : 1e-5;
  const Tensor x = random(c.x, c.dtype).requires_grad_();
  const Tensor w = random(c.w, c.dtype).requires_grad_();
  const Tensor b = random({c.w[0]}, c.dtype).requires_grad_();
  const Tensor y = conv1d(x, w, b, c.options);
  const Tensor dy = random(y.sizes(), c.dtype);
  y.backward(dy);
  const ConvOptions flat{.stride = {1, c.options.stride},
                         .padding = {0, c.options.padding.size()},
                         .dilation = {1, c.options.dilation},
                         .groups = c.options.groups};
  const oracle::Conv expected =
      oracle::conv2d(x.unsqueeze(2), w.unsqueeze(2), b, flat, to_vector(dy));
  INFO(c.str());
  REQUIRE(y.sizes() == Shape{expected.sizes[0], expected.sizes[1], expected.sizes[3]});
  CHECK(scaled_error(y, expected.y) < tolerance);
  CHECK(x.grad().sizes() == x.sizes());
  CHECK(w.grad().sizes() == w.sizes());
  CHECK(scaled_error(x.grad(), expected.dx) < tolerance);
  CHECK(scaled_error(w.grad(), expected.dw) < tolerance);
  CHECK(scaled_error(b.grad(), expected.db) < tolerance);
}

}  // namespace

TEST_CASE("conv1d and its gradients equal the loops over every combination of options") {
  manual_seed(1);
  struct Channels {
    int64_t in, out, groups;
  };
  int64_t count = 0;
  for (const int64_t batch : {1, 3}) {
    for (const Channels c : {Channels{2, 3, 1}, {4, 6, 2}, {3, 6, 3}, {3, 3, 3}, {1, 17, 1}}) {
      for (const int64_t kernel : {1, 2, 3, 5}) {
        for (const int64_t stride : {1, 2, 3}) {
          for (const int64_t padding : {0, 1, 4}) {
            for (const int64_t dilation : {1, 2, 3}) {
              check_case({{batch, c.in, 19},
                          {c.out, c.in / c.groups, kernel},
                          {stride, padding, dilation, c.groups},
                          ++count % 2 ? kFloat64 : kFloat32});
            }
          }
        }
      }
    }
  }
  CHECK(count == 2 * 5 * 4 * 3 * 3 * 3);
}

TEST_CASE("conv1d is right on long signals, however the work is shared out") {
  manual_seed(2);
  for (const int threads : {1, 2, 3}) {
    const ThreadCount guard(threads);
    for (const DType dtype : {kFloat32, kFloat64}) {
      for (const int64_t batch : {1, 5}) {
        // Several panels per signal.
        check_case({{batch, 40, 3001}, {3, 40, 3}, {.padding = 1}, dtype});
        check_case({{batch, 24, 3000}, {5, 24, 5}, {.stride = 2, .padding = 2}, dtype});
        check_case({{batch, 40, 4001}, {2, 40, 2}, {.stride = 3, .dilation = 7}, dtype});
        check_case({{batch, 8, 2000}, {8, 1, 5}, {.padding = 2, .groups = 8}, dtype});
        check_case({{batch, 16, 1024}, {33, 16, 1}, {}, dtype});
        check_case({{batch, 1, 800}, {16, 1, 80}, {.stride = 4, .padding = 38}, dtype});
      }
    }
  }
}

TEST_CASE("conv1d and pad1d equal PyTorch") {
  using Inputs = std::vector<Tensor>;
  const std::vector<double> waves{0.9, 0.53, 0.31};
  check_golden(golden::conv1d_strided, waves, [](const Inputs& in) {
    return conv1d(in[0], in[1], in[2], {.stride = 2, .padding = 3, .dilation = 2});
  });
  check_golden(golden::conv1d_grouped, waves, [](const Inputs& in) {
    return conv1d(in[0], in[1], in[2], {.padding = 1, .groups = 2});
  });
  check_golden(golden::conv1d_same_even, waves, [](const Inputs& in) {
    return conv1d(in[0], in[1], in[2], {.padding = "same", .dilation = 3});
  });
  const auto pad = [](PaddingMode mode) {
    return [mode](const Inputs& in) { return pad1d(in[0], {.left = 1, .right = 3}, mode); };
  };
  check_golden(golden::pad1d_zeros, {0.9}, pad(PaddingMode::Zeros));
  check_golden(golden::pad1d_reflect, {0.9}, pad(PaddingMode::Reflect));
  check_golden(golden::pad1d_replicate, {0.9}, pad(PaddingMode::Replicate));
  check_golden(golden::pad1d_circular, {0.9}, pad(PaddingMode::Circular));
}

TEST_CASE("gradcheck of conv1d and pad1d, option by option") {
  manual_seed(3);
  const auto check = [](const Shape& x, const Shape& w, const Conv1dOptions& options) {
    const std::string error = gradient_error(
        [&](const std::vector<Tensor>& in) { return conv1d(in[0], in[1], in[2], options); },
        {random(x).requires_grad_(), random(w).requires_grad_(), random({w[0]}).requires_grad_()});
    CHECK(error == "");
  };
  check({2, 2, 5}, {3, 2, 3}, {});
  check({2, 5}, {3, 2, 3}, {});
  check({1, 2, 7}, {2, 2, 3}, {.stride = 2});
  check({1, 2, 4}, {2, 2, 3}, {.padding = 2});
  check({1, 2, 4}, {2, 2, 4}, {.padding = "same"});
  check({1, 2, 4}, {2, 2, 2}, {.padding = "valid"});
  check({1, 2, 8}, {2, 2, 3}, {.dilation = 3});
  check({1, 4, 4}, {4, 2, 2}, {.groups = 2});
  check({2, 3, 5}, {6, 1, 2}, {.stride = 2, .padding = 1, .groups = 3});
  for (const PaddingMode mode :
       {PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular}) {
    const std::string error = gradient_error(
        [&](const std::vector<Tensor>& in) { return pad1d(in[0], {.left = 2, .right = 1}, mode); },
        {random({2, 1, 3}).requires_grad_()});
    CHECK(error == "");
  }
}

TEST_CASE("conv1d takes signals without a batch, views, and empty batches") {
  manual_seed(4);
  const Tensor x = random({3, 9}), w = random({4, 3, 3}), b = random({4});
  const Tensor y = conv1d(x, w, b);
  CHECK(y.sizes() == Shape{4, 7});
  CHECK(equal(y, conv1d(x.unsqueeze(0), w, b).squeeze(0)));
  CHECK(pad1d(x, {.right = 2}).sizes() == Shape{3, 11});

  const Tensor strided = random({2, 9, 3}).requires_grad_();
  const Tensor weight = random({3, 4, 3}).requires_grad_();
  conv1d(strided.transpose(1, 2), weight.transpose(0, 1), b).sum().backward();
  const Tensor packed = strided.detach().transpose(1, 2).contiguous().requires_grad_();
  const Tensor packed_weight = weight.detach().transpose(0, 1).contiguous().requires_grad_();
  conv1d(packed, packed_weight, b).sum().backward();
  CHECK(allclose(strided.grad(), packed.grad().transpose(1, 2), 1e-12, 1e-12));
  CHECK(allclose(weight.grad(), packed_weight.grad().transpose(0, 1), 1e-12, 1e-12));

  const Tensor none = empty({0, 3, 9}, {.dtype = kFloat64}).requires_grad_();
  const Tensor leaf = random({4, 3, 3}).requires_grad_();
  const Tensor nothing = conv1d(none, leaf);
  CHECK(nothing.sizes() == Shape{0, 4, 7});
  nothing.sum().backward();
  CHECK(leaf.grad().abs().sum().item<double>() == 0.0);
  CHECK(none.grad().sizes() == none.sizes());
}

TEST_CASE("conv1d gives the same bits every time") {
  manual_seed(6);
  const Tensor x = random({3, 5, 4000}, kFloat32), w = random({6, 5, 3}, kFloat32);
  const auto run = [&] {
    const Tensor leaf = w.clone().requires_grad_();
    const Tensor y = conv1d(x, leaf, Tensor(), {.padding = 1});
    y.square().sum().backward();
    return std::pair(y.detach(), leaf.grad());
  };
  const auto first = run(), again = run();
  CHECK(equal(first.first, again.first));
  CHECK(equal(first.second, again.second));
}

TEST_CASE("conv1d refuses what it cannot do, in PyTorch's words") {
  const Tensor x = random({2, 3, 8}), w = random({8, 3, 3}), b = random({8});
  const auto message = [&](const Conv1dOptions& options) {
    return error_of([&] { conv1d(x, w, b, options); });
  };
  CHECK(message({.stride = 0}) == "[conv1d] non-positive stride is not supported, got stride=(0,)");
  CHECK(message({.dilation = 0}) ==
        "[conv1d] non-positive dilation is not supported, got dilation=(0,)");
  CHECK(message({.padding = -1}) ==
        "[conv1d] negative padding is not supported, got padding=(-1,)");
  CHECK(message({.groups = 0}) == "[conv1d] groups must be a positive integer, got 0");
  CHECK(message({.groups = 3}) ==
        "[conv1d] Given groups=3, expected weight to be divisible by 3 at dimension 0, but got "
        "weight of size [8, 3, 3] instead");
  CHECK(message({.stride = 2, .padding = "same"}) ==
        "[conv1d] padding='same' is not supported for strided convolutions, got stride=(2,)");
  CHECK(error_of([] { const Padding1d padding("full"); }) ==
        "[conv1d] Invalid padding string 'full', expected a number, \"valid\" or \"same\"");
  CHECK(message({.dilation = 4}) ==
        "[conv1d] Calculated padded input size per channel: (8). Kernel size: (9). Kernel size "
        "can't be greater than actual input size");
  CHECK(error_of([&] {
          conv1d(random({2, 4, 8}), w);
        }) ==
        "[conv1d] Given groups=1, weight of size [8, 3, 3], expected input[2, 4, 8] to have 3 "
        "channels, but got 4 channels instead");
  for (const Shape& sizes : {Shape{8}, {1, 3, 8, 8}}) {
    CHECK(error_of([&] { conv1d(random(sizes), w); }) ==
          "[conv1d] Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of "
          "size: " +
              sizes.str() + "; expected [C, L] or [N, C, L]");
  }
  const auto hint = [](const Shape& sizes, int64_t channels) {
    const std::string text = error_of([&] { conv1d(random(sizes), random({8, channels, 3})); });
    return text.substr(text.find(" instead") + 8);
  };
  CHECK(hint({2, 20, 8}, 8) == "; its last axis has 8: pass x.transpose(1, 2)");
  CHECK(hint({20, 8}, 8) == "; its last axis has 8: pass x.transpose(0, 1)");
  CHECK(hint({5, 20}, 1) ==
        "; an input without a batch is [C, L]: x.unsqueeze(1) makes samples of one channel of it");
  CHECK(hint({2, 4, 20}, 3) == "");
  for (const Shape& sizes : {Shape{8, 3}, {8, 3, 1, 3}, {8, 3, 0}, {0, 3, 3}}) {
    CHECK(error_of([&] { conv1d(x, random(sizes)); }) ==
          "[conv1d] expected weight [out_channels, in_channels/groups, kernel_size], got " +
              sizes.str());
  }
  CHECK(error_of([&] { conv1d(x, w, random({7})); }) ==
        "[conv1d] Given weight of size [8, 3, 3], expected bias to be 1-dimensional with 8 "
        "elements, but got bias of size [7] instead");
  CHECK(error_of([&] { conv1d(x.to(kInt64), w); }) ==
        "[conv1d] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { conv1d(x, w.to(kFloat32)); }) ==
        "[conv1d] expected input and weight of one type, got input float64 and weight float32; "
        "convert one with to()");
  CHECK(error_of([&] { conv1d(x, w, b.to(kFloat32)); }) ==
        "[conv1d] expected input and bias of one type, got input float64 and bias float32; convert "
        "one with to()");
  CHECK(error_of([&] { conv1d(Tensor(), w); }).find("[conv1d]") == 0);
}

TEST_CASE("pad1d refuses margins the signal cannot fill") {
  const Tensor x = random({1, 2, 3});
  const auto message = [&](const Pad1dSizes& pad, PaddingMode mode) {
    return error_of([&] { pad1d(x, pad, mode); });
  };
  CHECK(message({.left = 3}, PaddingMode::Reflect) ==
        "[pad1d] Padding size should be less than the corresponding input dimension, but got (3, "
        "0) for a length of 3");
  CHECK(message({.left = 2}, PaddingMode::Reflect) == "no error");
  CHECK(message({.right = 4}, PaddingMode::Circular) ==
        "[pad1d] Padding value causes wrapping around more than once, got (0, 4) for a length of "
        "3");
  CHECK(message({.right = 3}, PaddingMode::Circular) == "no error");
  CHECK(message({.right = 9}, PaddingMode::Replicate) == "no error");
  CHECK(message({.left = -1}, PaddingMode::Zeros) ==
        "[pad1d] expected padding that is not negative, got (-1, 0) for a length of 3");
  CHECK(error_of([] {
          pad1d(random({1, 0}), {.left = 1}, PaddingMode::Replicate);
        }) ==
        "[pad1d] expected a non-empty signal to repeat the edge of, got (1, 0) for a length of 0");
  CHECK(error_of([] { pad1d(random({3}), {.left = 1}); }) ==
        "[pad1d] expected input [N, C, L] or [C, L], got [3]");
  CHECK(error_of([&] { pad1d(x.to(kInt64), {.left = 1}); }) ==
        "[pad1d] expected a floating input, got int64; convert it with to(kFloat32)");
}
