// Options at the ends of int64: what they cost and give, against loops over the definition.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kGiant = int64_t{1} << 60;
__extension__ typedef __int128 Wide;

/// Runs `body`, which may take a second and 16 MiB more than there were.
template <class Body>
void cheaply(const std::string& what, Body body) {
  INFO(what);
  const int64_t before = cached_bytes() + live_storage_bytes();
  const auto start = std::chrono::steady_clock::now();
  body();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  CHECK(taken.count() < 1.0);
  CHECK(cached_bytes() + live_storage_bytes() - before < 16 << 20);
}

struct Signal {
  int64_t in, kernel, stride, padding, dilation;
  std::string str() const {
    return text("in ", in, ", kernel ", kernel, ", stride ", stride, ", padding ", padding,
                ", dilation ", dilation);
  }
  int64_t out() const {
    return static_cast<int64_t>(
        (in + Wide(2) * padding - Wide(dilation) * (kernel - 1) - 1) / stride + 1);
  }
  /// The cell of the signal that tap j of output o sees; -1 outside.
  int64_t at(int64_t o, int64_t j) const {
    const Wide cell = Wide(o) * stride + Wide(j) * dilation - padding;
    return cell < 0 || cell >= in ? -1 : static_cast<int64_t>(cell);
  }
};

Tensor ramp(const Shape& sizes) {
  return (arange(sizes.numel()).to(kFloat64).reshape(sizes) * 0.37 + 0.5).sqrt().detach();
}

// Each as 1-d, then in 2-d along each axis; grouped, depthwise and plain.
void check_convolution(const Signal& s, int64_t channels, int64_t groups) {
  const int64_t batch = 2, outputs = 2 * groups, own = channels / groups, out = s.out();
  Tensor x = ramp({batch, channels, s.in}), w = ramp({outputs, own, s.kernel});
  const Tensor b = ramp({outputs}), dy = ramp({batch, outputs, out});
  Tensor y = zeros({batch, outputs, out}, {.dtype = kFloat64});
  Tensor dx = zeros_like(x), dw = zeros_like(w);
  const double *px = x.data_ptr<double>(), *pw = w.data_ptr<double>(), *pg = dy.data_ptr<double>();
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t k = 0; k < out; ++k) {
        const int64_t to = (n * outputs + o) * out + k;
        y.data_ptr<double>()[to] = b.data_ptr<double>()[o];
        for (int64_t c = 0; c < own; ++c) {
          for (int64_t j = 0; j < s.kernel; ++j) {
            if (s.at(k, j) < 0) continue;
            const int64_t from = (n * channels + o / 2 * own + c) * s.in + s.at(k, j);
            const int64_t tap = (o * own + c) * s.kernel + j;
            y.data_ptr<double>()[to] += px[from] * pw[tap];
            dx.data_ptr<double>()[from] += pg[to] * pw[tap];
            dw.data_ptr<double>()[tap] += pg[to] * px[from];
          }
        }
      }
    }
  }
  const auto compare = [&](const auto& run, const Shape& image, const Shape& kernel) {
    Tensor in = x.reshape(image).requires_grad_(), weight = w.reshape(kernel).requires_grad_();
    in = in.detach().requires_grad_(), weight = weight.detach().requires_grad_();
    const Tensor got = run(in, weight);
    got.backward(dy.reshape(got.sizes()));
    CHECK(mismatch(got.reshape(y.sizes()), y, 1e-12, 1e-12) == "");
    CHECK(mismatch(in.grad().reshape(x.sizes()), dx, 1e-12, 1e-12) == "");
    CHECK(mismatch(weight.grad().reshape(w.sizes()), dw, 1e-12, 1e-12) == "");
  };
  cheaply(s.str() + text(", channels ", channels, ", groups ", groups), [&] {
    compare(
        [&](const Tensor& in, const Tensor& weight) {
          return F::conv1d(
              in, weight, b,
              {.stride = s.stride, .padding = s.padding, .dilation = s.dilation, .groups = groups});
        },
        {batch, channels, s.in}, {outputs, own, s.kernel});
    compare(
        [&](const Tensor& in, const Tensor& weight) {
          return F::conv2d(in, weight, b,
                           {.stride = {s.stride, kMax},
                            .padding = {s.padding, 0},
                            .dilation = {s.dilation, kMax},
                            .groups = groups});
        },
        {batch, channels, s.in, 1}, {outputs, own, s.kernel, 1});
    compare(
        [&](const Tensor& in, const Tensor& weight) {
          return F::conv2d(in, weight, b,
                           {.stride = {kMax, s.stride},
                            .padding = {0, s.padding},
                            .dilation = {kMax, s.dilation},
                            .groups = groups});
        },
        {batch, channels, 1, s.in}, {outputs, own, 1, s.kernel});
  });
}

}  // namespace

TEST_CASE("strides, paddings and dilations far beyond the image cost nothing") {
  const int64_t half = 500'000'000;
  const std::vector<Signal> signals = {
      {5, 2, 1'000'000'000, 0, 1},
      {5, 2, kMax, 0, 1},
      {5, 2, 1'000'000'000, half, 1},
      {5, 2, kGiant, kGiant - 3, 1},
      {5, 2, 3, half, 2 * half},
      {6, 3, 2, half, half},
      {5, 3, 1, kGiant / 2, kGiant / 2},
      {7, 2, kGiant / 4, kGiant / 2, kGiant / 2},
      {7, 3, 4, kGiant / 2, kGiant / 2},
      {5, 1, 1, 0, kMax},
      {1, 2, 2, 1, 1},
      {7, 3, 6, 20, 9},
      {9, 4, 1'000'000, 1'999'999, 1'000},
      {9, 4, 1'000, 2'000, 999},
  };
  for (const Signal& s : signals) {
    check_convolution(s, 3, 1);
    check_convolution(s, 4, 2);
    check_convolution(s, 2, 2);
  }
}

TEST_CASE("windows far larger than the image cost what they see of it") {
  struct Window {
    int64_t kernel, stride, padding, dilation;
    bool ceil;
  };
  const std::vector<Window> windows = {{1'000'000'000, 1'000'000'000, 500'000'000, 1, false},
                                       {kGiant, kGiant / 2, kGiant / 2, 1, true},
                                       {kGiant + 1, 2, kGiant / 2, 1, false},
                                       {200, 3, 100, 1, false},
                                       {2, kMax, 1, 4, false},
                                       {1, 2, 0, kMax, true},
                                       {2, kMax, 1, kGiant, true},
                                       {70'000, 1, 35'000, 1, false}};
  const int64_t rows = 4, cols = 3;
  Tensor x = ramp({2, 1, rows, cols}).neg().detach();
  const double* px = x.data_ptr<double>();
  for (const Window& w : windows) {
    const Wide room = rows + Wide(2) * w.padding - Wide(w.dilation) * (w.kernel - 1) - 1;
    auto out = static_cast<int64_t>((room + (w.ceil ? w.stride - 1 : 0)) / w.stride + 1);
    if ((Wide(out) - 1) * w.stride >= rows + w.padding) --out;
    Tensor most = zeros({2, 1, out, cols}, {.dtype = kFloat64}), mean = zeros_like(most);
    Tensor most_grad = zeros_like(x), mean_grad = zeros_like(x);
    const Tensor dy = ramp(most.sizes());
    for (int64_t to = 0; to < most.numel(); ++to) {
      const int64_t plane = to / (out * cols), o = to / cols % out, col = to % cols;
      double best = -INFINITY, sum = 0;
      int64_t winner = -1;
      const double count =
          double(std::min(Wide(o) * w.stride - w.padding + w.kernel, Wide(rows) + w.padding) -
                 (Wide(o) * w.stride - w.padding));
      for (int64_t h = 0; h < rows; ++h) {
        const Wide place = h + Wide(w.padding) - Wide(o) * w.stride;
        if (place < 0 || place % w.dilation != 0 || place / w.dilation >= w.kernel) continue;
        const int64_t at = (plane * rows + h) * cols + col;
        sum += px[at] / count;
        if (w.dilation == 1) mean_grad.data_ptr<double>()[at] += dy.data_ptr<double>()[to] / count;
        if (px[at] > best) best = px[at], winner = at;
      }
      most.data_ptr<double>()[to] = best;
      mean.data_ptr<double>()[to] = sum;
      if (winner >= 0) most_grad.data_ptr<double>()[winner] += dy.data_ptr<double>()[to];
    }
    cheaply(text("kernel ", w.kernel, ", stride ", w.stride, ", padding ", w.padding), [&] {
      Tensor a = x.detach().requires_grad_();
      const Tensor y = F::max_pool2d(a, {w.kernel, 1},
                                     {.stride = {w.stride, 1},
                                      .padding = {w.padding, 0},
                                      .dilation = {w.dilation, 1},
                                      .ceil_mode = w.ceil});
      y.backward(dy);
      CHECK(mismatch(y, most) == "");
      CHECK(mismatch(a.grad(), most_grad, 1e-12) == "");
      CHECK(mismatch(F::max_pool2d(x.transpose(2, 3), {1, w.kernel},
                                   {.stride = {1, w.stride},
                                    .padding = {0, w.padding},
                                    .dilation = {1, w.dilation},
                                    .ceil_mode = w.ceil}),
                     most.transpose(2, 3)) == "");
      if (w.dilation != 1) return;
      Tensor b = x.detach().requires_grad_();
      const Tensor z =
          F::avg_pool2d(b, {w.kernel, 1},
                        {.stride = {w.stride, 1}, .padding = {w.padding, 0}, .ceil_mode = w.ceil});
      z.backward(dy);
      CHECK(mismatch(z, mean, 1e-9, 1e-300) == "");
      CHECK(mismatch(b.grad(), mean_grad, 1e-9, 1e-300) == "");
    });
  }
}

TEST_CASE("windows of more cells than int64 counts") {
  cheaply("squares of 2^32 cells and more", [] {
    for (const int64_t kernel : {int64_t{1} << 17, int64_t{1} << 40, kGiant}) {
      Tensor x = ramp({1, 1, 3, 4}).requires_grad_();
      const Tensor y = F::max_pool2d(x, kernel, {.stride = kernel, .padding = kernel / 2});
      y.sum().backward();
      CHECK(y.numel() == 1);
      CHECK(y.item<double>() == x.max().item<double>());
      CHECK(x.grad().select(2, 2).select(2, 3).item<double>() == 1);
      CHECK(x.grad().sum().item<double>() == 1);
      const Tensor z = F::avg_pool2d(
          x, kernel, {.stride = kernel, .padding = kernel / 2, .count_include_pad = false});
      CHECK(std::fabs(z.item<double>() - x.mean().item<double>()) < 1e-9);
    }
  });
}

TEST_CASE("geometry that int64 does not hold is refused by name") {
  const Tensor image = ones({2, 3, 4, 5}), w = ones({2, 3, 2, 2});
  const Tensor signal = ones({2, 3, 5}), v = ones({2, 3, 2});
  CHECK(error_of([&] { F::conv2d(image, w, {}, {.padding = kMax}); }) ==
        "[conv2d] expected a padded input below 2^61, got 1.84467e+19; use smaller options");
  CHECK(has(error_of([&] { F::conv2d(image, w, {}, {.dilation = kMax}); }),
            "[conv2d] expected dilation * (kernel_size - 1) below 2^61, got "));
  CHECK(has(error_of([&] { F::conv1d(signal, v, {}, {.padding = "same", .dilation = kMax}); }),
            " below 2^61, got "));
  CHECK(has(error_of([&] { F::max_pool1d(signal, kMax, {.padding = kMax / 2}); }),
            "[max_pool1d] expected a padded input below 2^61, got "));
  CHECK(has(error_of([&] { F::max_pool2d(image, kMax, {.dilation = kMax}); }),
            "[max_pool2d] expected dilation * (kernel_size - 1) below 2^61, got "));
  CHECK(has(error_of([&] { F::avg_pool2d(image, kMax, {.padding = kMax / 2}); }),
            "[avg_pool2d] expected a padded input below 2^61, got "));
  for (const PaddingMode mode : {PaddingMode::Zeros, PaddingMode::Replicate}) {
    CHECK(has(error_of([&] {
                F::pad1d(signal, {kMax, kMax}, mode);
              }),
              "[pad1d] expected a padded input below 2^61, got 1.84467e+19"));
    CHECK(has(error_of([&] {
                F::pad2d(image, {0, 0, kMax, 1}, mode);
              }),
              "[pad2d] expected a padded input below 2^61, got "));
  }
  CHECK(error_of([&] { F::pad1d(signal, {kGiant, kGiant}); }) != "no error");
  CHECK(error_of([&] { F::adaptive_avg_pool2d(image, kMax); }) != "no error");
  const Tensor wide = ones({1}).expand({kGiant});
  CHECK(has(error_of([&] {
              cat({wide, wide, wide});
            }),
            "[cat] expected a joined dimension below 2^61, got 2.30584e+18"));
  CHECK(error_of([&] { nn::Conv2d(1, 1, kMax); }) != "no error");
  CHECK(error_of([&] { nn::Conv2d(0, 1, {kMax, kMax}); }) != "no error");
  CHECK(error_of([&] { nn::Linear(kMax, kMax); }) != "no error");
}

TEST_CASE("nothing is done for results without elements, whatever their other sizes") {
  cheaply("empty", [] {
    Tensor none = ones({0, 1, 3}, {.requires_grad = true});
    F::pad1d(none, {kGiant, kGiant / 2}).sum().backward();
    F::conv1d(none, ones({1, 1, 1}), {}, {.padding = kGiant / 2}).sum().backward();
    Tensor image = ones({0, 1, 2, 2}, {.requires_grad = true});
    F::adaptive_avg_pool2d(image, {kGiant, 2}).sum().backward();
    F::max_pool2d(image, {kGiant, 1}, {.stride = 1, .padding = {kGiant / 2, 0}}).sum().backward();
    CHECK(image.grad().sizes() == Shape({0, 1, 2, 2}));
    nn::Embedding table(int64_t{1} << 62, 0);
    table(zeros({2}, {.dtype = kInt64})).sum().backward();
    CHECK(table.weight.grad().sizes() == Shape({int64_t{1} << 62, 0}));
  });
  cheaply("no channels", [] {
    // A kernel of 2^40 cells without a channel: the bias alone.
    const int64_t reach = int64_t{1} << 40;
    Tensor x = ones({2, 0, 3}, {.requires_grad = true}), bias = ones({2}, {.requires_grad = true});
    Tensor w = ones({2, 0, 2 * reach}, {.requires_grad = true});
    const Tensor y = F::conv1d(x, w, bias, {.padding = reach});
    CHECK(mismatch(y, ones({2, 2, 4})) == "");
    y.sum().backward();
    CHECK(mismatch(bias.grad(), full({2}, 8.0f)) == "");
    CHECK(x.grad().sizes() == x.sizes());
    CHECK(w.grad().sizes() == w.sizes());
  });
}

TEST_CASE("counts of arange at the ends of int64") {
  const int64_t low = std::numeric_limits<int64_t>::min(), step = int64_t{1} << 62;
  const Tensor x = arange(low, kMax, step);
  CHECK(x.numel() == 4);
  CHECK(x[3].item<int64_t>() == int64_t{1} << 62);
  CHECK(arange(kMax, low, -kMax).numel() == 3);
  CHECK(error_of([] { arange(0, kMax); }) != "no error");
  CHECK(error_of([] { linspace(0, 1, kMax); }) != "no error");
  CHECK(error_of([] { linspace(0, 1e300, 2, {.dtype = kInt64}); }) ==
        "[linspace] expected a value that fits int64, got 1e+300");
}
