#include <norma/norma.h>

#include <limits>

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
  ConvOptions options;
  bool bias = true;
  DType dtype = kFloat64;

  std::string str() const {
    return "x " + x.str() + " w " + w.str() + " stride " + options.stride.str() + " padding " +
           options.padding.str() + " dilation " + options.dilation.str() + " groups " +
           std::to_string(options.groups) + " " + dtype_name(dtype) + " threads " +
           std::to_string(get_num_threads());
  }
};

// Output and all gradients against the loops.
void check_case(const Case& c) {
  const double tolerance = c.dtype == kFloat64 ? 1e-11 : 2e-4;
  const Tensor x = random(c.x, c.dtype).requires_grad_();
  const Tensor w = random(c.w, c.dtype).requires_grad_();
  const Tensor b = c.bias ? random({c.w[0]}, c.dtype).requires_grad_() : Tensor();
  const Tensor y = conv2d(x, w, b, c.options);
  const Tensor dy = random(y.sizes(), c.dtype);
  y.backward(dy);
  const oracle::Conv expected = oracle::conv2d(x, w, b, c.options, to_vector(dy));
  INFO(c.str());
  REQUIRE(y.sizes() == expected.sizes);
  CHECK(worst_error(to_vector(y), expected.y) < tolerance);
  CHECK(worst_error(to_vector(x.grad()), expected.dx) < tolerance);
  CHECK(worst_error(to_vector(w.grad()), expected.dw) < tolerance);
  if (c.bias) CHECK(worst_error(to_vector(b.grad()), expected.db) < tolerance);
}

}  // namespace

TEST_CASE("conv2d and its gradients equal the loops over every combination of options") {
  manual_seed(1);
  struct Channels {
    int64_t in, out, groups;
  };
  int64_t count = 0;
  for (const int64_t batch : {1, 2, 5}) {
    for (const Channels c : {Channels{2, 3, 1}, {4, 6, 2}, {3, 6, 3}, {3, 3, 3}, {1, 4, 1}}) {
      for (const Pair kernel : {Pair(1), Pair(2), Pair(3), Pair(3, 2), Pair(1, 4)}) {
        for (const Pair stride : {Pair(1), Pair(2), Pair(2, 1), Pair(1, 3)}) {
          for (const Pair padding : {Pair(0), Pair(1), Pair(0, 3)}) {
            for (const Pair dilation : {Pair(1), Pair(2), Pair(1, 2)}) {
              // Both types and both kinds of bias, in turn.
              ++count;
              check_case({{batch, c.in, 6, 7},
                          {c.out, c.in / c.groups, kernel.h, kernel.w},
                          {stride, padding, dilation, c.groups},
                          count % 3 != 0,
                          count % 2 ? kFloat64 : kFloat32});
            }
          }
        }
      }
    }
  }
  CHECK(count == 3 * 5 * 5 * 4 * 3 * 3);
}

TEST_CASE("conv2d is right however the work is shared out") {
  manual_seed(2);
  for (const int threads : {1, 2, 3}) {
    const ThreadCount guard(threads);
    for (const DType dtype : {kFloat32, kFloat64}) {
      for (const int64_t batch : {1, 2, 3, 13}) {
        check_case({{batch, 16, 17, 23}, {5, 16, 3, 3}, {.padding = 1}, true, dtype});
        check_case({{batch, 8, 5, 5}, {17, 8, 1, 1}, {}, true, dtype});
      }
      for (const int64_t batch : {1, 5}) {
        // Several panels per image.
        check_case({{batch, 96, 30, 29}, {3, 96, 3, 3}, {.padding = 1}, true, dtype});
        check_case({{batch, 64, 31, 30}, {2, 64, 3, 3}, {.stride = 2}, true, dtype});
        check_case({{batch, 24, 40, 37}, {3, 24, 5, 5}, {.stride = 2, .padding = 2}, true, dtype});
        check_case({{batch, 16, 31, 33}, {8, 8, 3, 3}, {.padding = 1, .groups = 2}, true, dtype});
        // One position: only the channels are left to share.
        check_case({{batch, 64, 3, 3}, {33, 64, 3, 3}, {}, true, dtype});
        check_case({{batch, 64, 4, 3}, {1, 64, 4, 3}, {.stride = 5}, true, dtype});
        check_case({{batch, 1, 28, 28}, {32, 1, 3, 3}, {.padding = 1}, true, dtype});
        check_case({{batch, 8, 14, 14}, {16, 1, 3, 3}, {.padding = 1, .groups = 8}, true, dtype});
        check_case({{batch, 16, 9, 9}, {32, 16, 1, 1}, {.stride = 2}, false, dtype});
        // Steps that are longer than a vector takes.
        check_case({{batch, 3, 37, 34}, {6, 3, 11, 9}, {.stride = 4, .padding = 2}, true, dtype});
        check_case({{batch, 5, 33, 35}, {7, 5, 8, 8}, {.stride = 8}, false, dtype});
        // A pointwise one whose weights are many, on an image that fills no vector.
        check_case({{batch, 90, 5, 5}, {110, 90, 1, 1}, {}, true, dtype});
        // Input channels in several parts.
        check_case({{batch, 36, 23, 25}, {5, 36, 5, 5}, {.padding = 2}, true, dtype});
      }
      // Images far larger than what comes of them.
      check_case({{5, 5, 14, 14}, {17, 5, 5, 5}, {}, true, dtype});
      check_case({{4, 6, 9, 7}, {16, 6, 6, 4}, {.stride = Pair(2, 1)}, false, dtype});
      check_case({{3, 3, 8, 8}, {20, 3, 7, 7}, {.padding = 1}, true, dtype});
      check_case({{1, 4, 11, 11}, {16, 4, 3, 3}, {.dilation = 3}, true, dtype});
      // Several images in a panel.
      check_case({{70, 48, 2, 2}, {9, 48, 3, 3}, {.padding = 1}, true, dtype});
      check_case({{23, 20, 5, 5}, {14, 10, 3, 2}, {.stride = 2, .groups = 2}, true, dtype});
    }
  }
}

// Many channels and 3×3 weights with a padding of one cell: computed on tiles of 2×2 outputs.
TEST_CASE("conv2d on tiles, for images and channels that fill no vector") {
  manual_seed(8);
  for (const DType dtype : {kFloat32, kFloat64}) {
    const auto check = [&](const Shape& x, int64_t outputs, int64_t groups, bool bias) {
      check_case(
          {x, {outputs, x[1] / groups, 3, 3}, {.padding = 1, .groups = groups}, bias, dtype});
    };
    for (const bool bias : {false, true}) {
      check({2, 16, 8, 8}, 16, 1, bias);
      check({3, 16, 9, 7}, 24, 1, bias);  // three images make a panel and fill no vector
      check({5, 17, 7, 6}, 19, 1, bias);
      check({2, 40, 12, 20}, 33, 1, bias);  // four terms left over, and more than one block of them
      check({2, 32, 10, 11}, 48, 2, bias);
      check({1, 16, 40, 5}, 16, 1, bias);
      check({33, 16, 2, 2}, 20, 1, bias);
      check({13, 8, 5, 6}, 16, 1, bias);
    }
    check({2, 96, 9, 16}, 80, 1, false);  // the sum over the channels takes several blocks
  }
  for (const int threads : {2, 3}) {
    const ThreadCount guard(threads);
    for (const int64_t batch : {1, 2, 7}) {
      check_case({{batch, 16, 23, 17}, {16, 16, 3, 3}, {.padding = 1}, true, kFloat64});
      check_case({{batch, 64, 31, 30}, {32, 64, 3, 3}, {.padding = 1}, true, kFloat32});
      check_case(
          {{batch, 32, 14, 14}, {32, 16, 3, 3}, {.padding = 1, .groups = 2}, true, kFloat32});
    }
  }
}

TEST_CASE("conv2d on tiles gives the same outputs and input gradients on any number of threads") {
  manual_seed(9);
  const Tensor x = random({6, 16, 15, 18}, kFloat32), w = random({24, 16, 3, 3}, kFloat32);
  const Tensor dy = random({6, 24, 15, 18}, kFloat32);
  const auto run = [&](int threads) {
    const ThreadCount guard(threads);
    const Tensor leaf = x.clone().requires_grad_();
    const Tensor y = conv2d(leaf, w, Tensor(), {.padding = 1});
    y.backward(dy);
    return std::pair(y.detach(), leaf.grad());
  };
  const auto one = run(1);
  for (const int threads : {2, 3, 4}) {
    const auto several = run(threads);
    CHECK(equal(one.first, several.first));
    CHECK(equal(one.second, several.second));
  }
}

TEST_CASE("conv2d sums in blocks: long sums of one sign lose few digits") {
  manual_seed(10);
  struct Kind {
    int64_t kernel, padding;
    double error;  // of the root of the mean square
  };
  // The last one is computed on tiles. One chain of 64 has 1.1e-7, and 1.6e-7 there.
  for (const auto& [kernel, padding, allowed] :
       {Kind{1, 0, 9e-8}, Kind{3, 0, 9e-8}, Kind{3, 1, 1.3e-7}}) {
    const Tensor x = rand({2, 64, 16, 16}), w = rand({16, 64, kernel, kernel});
    const Tensor y = conv2d(x, w, Tensor(), {.padding = padding});
    const Tensor exact = conv2d(x.to(kFloat64), w.to(kFloat64), Tensor(), {.padding = padding});
    const double error = (y.to(kFloat64) / exact - 1.0).square().mean().sqrt().item<double>();
    INFO("kernel " << kernel << ", padding " << padding << ", error " << error);
    CHECK(error < allowed);
  }
}

TEST_CASE("conv2d of images of one row or one column") {
  manual_seed(7);
  for (const DType dtype : {kFloat32, kFloat64}) {
    check_case({{2, 3, 1, 20}, {4, 3, 1, 3}, {.stride = {1, 2}, .padding = {0, 1}}, true, dtype});
    check_case({{2, 3, 20, 1}, {4, 3, 3, 1}, {.stride = {2, 1}, .padding = {1, 0}}, true, dtype});
    // The only output row lies in the padding above the image, and in the one below.
    check_case({{2, 3, 1, 20}, {4, 3, 1, 3}, {.stride = {3, 1}, .padding = {1, 1}}, true, dtype});
    check_case({{2, 3, 1, 20}, {4, 3, 3, 3}, {.padding = {1, 0}}, true, dtype});
    check_case({{2, 3, 1, 20}, {4, 3, 1, 3}, {.stride = {2, 1}, .padding = {1, 0}}, true, dtype});
  }
}

TEST_CASE("conv2d equals PyTorch") {
  check_golden(golden::conv_strided, {0.9, 0.53, 0.31}, [](const std::vector<Tensor>& in) {
    return conv2d(in[0], in[1], in[2], {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}});
  });
  check_golden(golden::conv_grouped, {0.9, 0.53, 0.31}, [](const std::vector<Tensor>& in) {
    return conv2d(in[0], in[1], in[2], {.padding = 1, .groups = 2});
  });
  check_golden(golden::conv_same_even, {0.9, 0.53, 0.31}, [](const std::vector<Tensor>& in) {
    return conv2d(in[0], in[1], in[2], {.padding = "same", .dilation = {1, 3}});
  });
}

TEST_CASE("pad2d equals PyTorch in every mode") {
  const auto pad = [](PaddingMode mode) {
    return [mode](const std::vector<Tensor>& in) {
      return pad2d(in[0], {.left = 1, .right = 2, .top = 2}, mode);
    };
  };
  check_golden(golden::pad_zeros, {0.9}, pad(PaddingMode::Zeros));
  check_golden(golden::pad_reflect, {0.9}, pad(PaddingMode::Reflect));
  check_golden(golden::pad_replicate, {0.9}, pad(PaddingMode::Replicate));
  check_golden(golden::pad_circular, {0.9}, pad(PaddingMode::Circular));
}

TEST_CASE("gradcheck of conv2d and pad2d, option by option") {
  manual_seed(3);
  const auto check = [](const Shape& x, const Shape& w, const ConvOptions& options) {
    const std::string error = gradient_error(
        [&](const std::vector<Tensor>& in) { return conv2d(in[0], in[1], in[2], options); },
        {random(x).requires_grad_(), random(w).requires_grad_(), random({w[0]}).requires_grad_()});
    CHECK(error == "");
  };
  check({2, 2, 4, 5}, {3, 2, 3, 2}, {});
  check({2, 5, 5}, {3, 2, 3, 3}, {});
  check({1, 2, 5, 4}, {2, 2, 3, 3}, {.stride = 2});
  check({1, 2, 5, 4}, {2, 2, 3, 3}, {.stride = {1, 2}});
  check({1, 2, 3, 4}, {2, 2, 3, 3}, {.padding = 1});
  check({1, 2, 3, 4}, {2, 2, 2, 3}, {.padding = {0, 2}});
  check({1, 2, 3, 4}, {2, 2, 2, 3}, {.padding = "same"});
  check({1, 2, 3, 4}, {2, 2, 2, 3}, {.padding = "valid"});
  check({1, 2, 5, 5}, {2, 2, 2, 2}, {.dilation = 2});
  check({1, 2, 4, 5}, {2, 2, 2, 2}, {.dilation = {1, 3}});
  check({1, 4, 3, 3}, {4, 2, 2, 2}, {.groups = 2});
  check({2, 3, 3, 3}, {6, 1, 2, 2}, {.stride = 2, .padding = 1, .groups = 3});
  for (const PaddingMode mode :
       {PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular}) {
    const std::string error = gradient_error(
        [&](const std::vector<Tensor>& in) {
          return pad2d(in[0], {.left = 2, .right = 1, .top = 1, .bottom = 2}, mode);
        },
        {random({2, 1, 3, 3}).requires_grad_()});
    CHECK(error == "");
  }
}

TEST_CASE("conv2d takes images without a batch, views, and empty batches") {
  manual_seed(4);
  const Tensor x = random({3, 6, 5}), w = random({4, 3, 3, 3}), b = random({4});
  const Tensor y = conv2d(x, w, b);
  CHECK(y.sizes() == Shape{4, 4, 3});
  CHECK(equal(y, conv2d(x.unsqueeze(0), w, b).squeeze(0)));

  const Tensor strided = random({2, 6, 5, 3}).requires_grad_();
  const Tensor weight = random({3, 4, 3, 3}).requires_grad_();
  conv2d(strided.permute({0, 3, 1, 2}), weight.transpose(0, 1), b).sum().backward();
  const Tensor packed = strided.detach().permute({0, 3, 1, 2}).contiguous().requires_grad_();
  const Tensor packed_weight = weight.detach().transpose(0, 1).contiguous().requires_grad_();
  conv2d(packed, packed_weight, b).sum().backward();
  CHECK(allclose(strided.grad(), packed.grad().permute({0, 2, 3, 1}), 1e-12, 1e-12));
  CHECK(allclose(weight.grad(), packed_weight.grad().transpose(0, 1), 1e-12, 1e-12));

  const Tensor none = empty({0, 3, 6, 5}, {.dtype = kFloat64}).requires_grad_();
  const Tensor leaf = random({4, 3, 3, 3}).requires_grad_();
  const Tensor nothing = conv2d(none, leaf);
  CHECK(nothing.sizes() == Shape{0, 4, 4, 3});
  nothing.sum().backward();
  CHECK(leaf.grad().abs().sum().item<double>() == 0.0);
  CHECK(none.grad().sizes() == none.sizes());

  const Tensor no_channels = empty({1, 0, 6, 5}, {.dtype = kFloat64});
  const Tensor only_bias = conv2d(no_channels, empty({4, 0, 3, 3}, {.dtype = kFloat64}), b);
  CHECK(equal(only_bias, b.reshape({1, 4, 1, 1}).expand({1, 4, 4, 3})));
}

TEST_CASE("conv2d computes the gradients that are wanted, each alone") {
  manual_seed(5);
  for (const int64_t groups : {1, 4}) {
    const Tensor x = random({2, 4, 5, 5}), w = random({4, 4 / groups, 3, 3}), b = random({4});
    const ConvOptions options{.padding = 1, .groups = groups};
    const auto grads = [&](bool for_x, bool for_w, bool for_b) {
      const Tensor xs = x.clone().requires_grad_(for_x), ws = w.clone().requires_grad_(for_w);
      const Tensor bs = b.clone().requires_grad_(for_b);
      const Tensor y = conv2d(xs, ws, bs, options);
      y.square().sum().backward();
      return std::vector<Tensor>{xs.grad(), ws.grad(), bs.grad()};
    };
    const std::vector<Tensor> all = grads(true, true, true);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::vector<Tensor> one = grads(i == 0, i == 1, i == 2);
      for (std::size_t k = 0; k < 3; ++k) {
        CHECK(one[k].defined() == (k == i));
        if (k == i) CHECK(equal(one[k], all[k]));
      }
    }
  }
  const NoGradGuard no_grad;
  CHECK_FALSE(conv2d(random({1, 1, 3, 3}).requires_grad_(), random({1, 1, 3, 3})).requires_grad());
}

TEST_CASE("conv2d gives the same bits every time") {
  manual_seed(6);
  for (const int threads : {1, 2}) {
    const ThreadCount guard(threads);
    const Tensor x = random({7, 5, 19, 18}, kFloat32), w = random({6, 5, 3, 3}, kFloat32);
    const auto run = [&] {
      const Tensor leaf = w.clone().requires_grad_();
      const Tensor y = conv2d(x, leaf, Tensor(), {.padding = 1});
      y.square().sum().backward();
      return std::pair(y.detach(), leaf.grad());
    };
    const auto first = run();
    for (int i = 0; i < 3; ++i) {
      const auto again = run();
      CHECK(equal(first.first, again.first));
      CHECK(equal(first.second, again.second));
    }
  }
}

TEST_CASE("conv2d notices a weight that was changed before backward") {
  const Tensor x = random({1, 1, 3, 3}).requires_grad_(), w = random({1, 1, 2, 2});
  const Tensor y = conv2d(x, w);
  Tensor(w).mul_(2.0);
  CHECK_THROWS_AS(y.sum().backward(), Error);
}

TEST_CASE("conv2d refuses what it cannot do, in PyTorch's words") {
  const Tensor x = random({2, 3, 8, 8}), w = random({8, 3, 3, 3}), b = random({8});
  const auto message = [&](const ConvOptions& options) {
    return error_of([&] { conv2d(x, w, b, options); });
  };
  CHECK(message({.stride = 0}) ==
        "[conv2d] non-positive stride is not supported, got stride=(0, 0)");
  CHECK(message({.stride = {1, -1}}) ==
        "[conv2d] non-positive stride is not supported, got stride=(1, -1)");
  CHECK(message({.dilation = 0}) ==
        "[conv2d] non-positive dilation is not supported, got dilation=(0, 0)");
  CHECK(message({.padding = {0, -1}}) ==
        "[conv2d] negative padding is not supported, got padding=(0, -1)");
  CHECK(message({.groups = 0}) == "[conv2d] groups must be a positive integer, got 0");
  CHECK(message({.groups = 3}) ==
        "[conv2d] Given groups=3, expected weight to be divisible by 3 at dimension 0, but got "
        "weight of size [8, 3, 3, 3] instead");
  CHECK(message({.stride = 2, .padding = "same"}) ==
        "[conv2d] padding='same' is not supported for strided convolutions, got stride=(2, 2)");
  CHECK(error_of([] { const Padding padding("full"); }) ==
        "[conv2d] Invalid padding string 'full', expected a number, {height, width}, \"valid\" or "
        "\"same\"");
  CHECK(message({.dilation = 4}) ==
        "[conv2d] Calculated padded input size per channel: (8 x 8). Kernel size: (9 x 9). Kernel "
        "size can't be greater than actual input size");
  CHECK(error_of([&] {
          conv2d(x, random({8, 3, 1, 17}), b, {.padding = 1});
        }) ==
        "[conv2d] Calculated padded input size per channel: (10 x 10). Kernel size: (1 x 17). "
        "Kernel size can't be greater than actual input size");
  CHECK(error_of([&] {
          conv2d(random({2, 4, 8, 8}), w);
        }) ==
        "[conv2d] Given groups=1, weight of size [8, 3, 3, 3], expected input[2, 4, 8, 8] to have "
        "3 channels, but got 4 channels instead");
  CHECK(error_of([&] {
          conv2d(random({8, 8}), w);
        }) ==
        "[conv2d] Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: "
        "[8, 8]; expected [C, H, W] or [N, C, H, W]");
  const auto hint = [](const Shape& sizes, int64_t channels) {
    const std::string text = error_of([&] { conv2d(random(sizes), random({8, channels, 3, 3})); });
    return text.substr(text.find(" instead") + 8);
  };
  CHECK(hint({2, 28, 28, 3}, 3) == "; its last axis has 3: pass x.permute({0, 3, 1, 2})");
  CHECK(hint({28, 28, 3}, 3) == "; its last axis has 3: pass x.permute({2, 0, 1})");
  CHECK(hint({2, 28, 28}, 1) ==
        "; an input without a batch is [C, H, W]: x.unsqueeze(1) makes samples of one channel of "
        "it");
  CHECK(hint({2, 28, 28}, 3) == "");
  CHECK(hint({2, 2, 28, 28}, 1) == "");
  CHECK(error_of([&] {
          conv2d(x, random({3, 3, 3}));
        }) ==
        "[conv2d] expected weight [out_channels, in_channels/groups, kernel_h, kernel_w], got "
        "[3, 3, 3]");
  CHECK(error_of([&] { conv2d(x, w, random({7})); }) ==
        "[conv2d] Given weight of size [8, 3, 3, 3], expected bias to be 1-dimensional with 8 "
        "elements, but got bias of size [7] instead");
  CHECK(error_of([&] { conv2d(x.to(kInt64), w); }) ==
        "[conv2d] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { conv2d(x, w.to(kFloat32)); }) ==
        "[conv2d] expected input and weight of one type, got input float64 and weight float32; "
        "convert one with to()");
  CHECK(error_of([&] { conv2d(x, w, b.to(kFloat32)); }) ==
        "[conv2d] expected input and bias of one type, got input float64 and bias float32; convert "
        "one with to()");
  CHECK_THROWS_AS(conv2d(Tensor(), w), Error);
}

TEST_CASE("pad2d refuses margins the image cannot fill") {
  const Tensor x = random({1, 2, 4, 3});
  const auto message = [&](const PadSizes& pad, PaddingMode mode) {
    return error_of([&] { pad2d(x, pad, mode); });
  };
  CHECK(message({.left = 3}, PaddingMode::Reflect) ==
        "[pad2d] Padding size should be less than the corresponding input dimension, but got (3, "
        "0) for a width of 3");
  CHECK(message({.left = 2}, PaddingMode::Reflect) == "no error");
  CHECK(message({.bottom = 5}, PaddingMode::Circular) ==
        "[pad2d] Padding value causes wrapping around more than once, got (0, 5) for a height of "
        "4");
  CHECK(message({.bottom = 4}, PaddingMode::Circular) == "no error");
  CHECK(message({.bottom = 9}, PaddingMode::Replicate) == "no error");
  CHECK(message({.top = -1}, PaddingMode::Zeros) ==
        "[pad2d] expected padding that is not negative, got (-1, 0) for a height of 4");
  CHECK(error_of([] {
          pad2d(random({1, 0, 2}), {.top = 1}, PaddingMode::Replicate);
        }) ==
        "[pad2d] expected a non-empty image to repeat the edge of, got (1, 0) for a height of 0");
  CHECK(error_of([] {
          pad2d(random({4, 3}), {.top = 1});
        }) == "[pad2d] expected input [N, C, H, W] or [C, H, W], got [4, 3]");
  CHECK(error_of([&] { pad2d(x.to(kInt64), {.top = 1}); }) ==
        "[pad2d] expected a floating input, got int64; convert it with to(kFloat32)");
}

TEST_CASE("conv2d on tiles leaves infinities and large numbers as the loops do") {
  // On tiles, inf - inf would make NaN of them, and sums would overflow that no output has.
  const auto check = [](const Tensor& got, const std::vector<double>& want) {
    const std::vector<double> result = to_vector(got);
    int64_t wrong = 0;
    double largest = 1;
    for (const double b : want) {
      if (std::isfinite(static_cast<float>(b))) largest = std::max(largest, std::fabs(b));
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
      const double a = result[i], b = static_cast<double>(static_cast<float>(want[i]));
      const bool same = std::isfinite(b) ? std::fabs(a - b) <= 1e-6 * largest
                                         : a == b || (std::isnan(a) && std::isnan(b));
      wrong += same ? 0 : 1;
    }
    CHECK(wrong == 0);
  };
  manual_seed(10);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const double value : {inf, -inf, nan, 3e38}) {
    for (const bool in_gradient : {false, true}) {
      INFO(value << (in_gradient ? " in the gradient" : " in the image"));
      const Tensor x = random({3, 16, 8, 9}, kFloat32), dy = random({3, 16, 8, 9}, kFloat32) * 0.05;
      (in_gradient ? dy : x).select(0, 1).select(0, 5).select(0, 3).select(0, 4).fill_(value);
      const Tensor w = (random({16, 16, 3, 3}, kFloat32) * 0.05).requires_grad_();
      const Tensor leaf = x.clone().requires_grad_();
      const Tensor y = conv2d(leaf, w, Tensor(), {.padding = 1});
      y.backward(dy);
      const auto expected = oracle::conv2d(x, w, Tensor(), {.padding = 1}, to_vector(dy));
      check(y, expected.y);
      check(leaf.grad(), expected.dx);
      check(w.grad(), expected.dw);
    }
  }
}
