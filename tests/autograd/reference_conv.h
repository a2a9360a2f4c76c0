// Yardsticks for convolution and pooling: loops in float64 by definition, and PyTorch's values.
#pragma once
#include <cmath>
#include <functional>
#include <vector>

#include "norma/autograd/functional.h"
#include "norma/core/factory.h"
#include "norma/tests/autograd/golden_conv.h"
#include "norma/tests/support/catch.h"

namespace reference {

using norma::Shape;
using norma::Tensor;
using norma::functional::ConvOptions;

/// The values in row-major order, in double.
inline std::vector<double> values(const Tensor& tensor) {
  const Tensor flat = tensor.detach().to(norma::kFloat64).contiguous();
  const double* data = flat.data_ptr<double>();
  return {data, data + flat.numel()};
}

struct Conv {
  Shape sizes;                        // of the output
  std::vector<double> y, dx, dw, db;  // the gradients of Σ dy y
};

/// `dy` may be empty: no gradients then.
inline Conv conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   const ConvOptions& o, const std::vector<double>& dy = {}) {
  const std::vector<double> x = values(input), w = values(weight);
  const std::vector<double> b = bias.defined() ? values(bias) : std::vector<double>();
  const Shape xs = input.sizes(), ws = weight.sizes();
  const auto padding = o.pad_sizes({ws[2], ws[3]});
  const auto size = [](int64_t in, int64_t pad, int64_t kernel, int64_t dilation, int64_t stride) {
    return (in + pad - dilation * (kernel - 1) - 1) / stride + 1;
  };
  const int64_t rows = size(xs[2], padding.top + padding.bottom, ws[2], o.dilation.h, o.stride.h);
  const int64_t cols = size(xs[3], padding.left + padding.right, ws[3], o.dilation.w, o.stride.w);
  Conv result{{xs[0], ws[0], rows, cols}, {}, {}, {}, {}};
  result.y.resize(static_cast<std::size_t>(result.sizes.numel()));
  if (!dy.empty()) {
    result.dx.resize(x.size());
    result.dw.resize(w.size());
    result.db.resize(static_cast<std::size_t>(ws[0]));
  }
  const int64_t group_out = ws[0] / o.groups;
  std::size_t at = 0;
  for (int64_t n = 0; n < xs[0]; ++n) {
    for (int64_t out = 0; out < ws[0]; ++out) {
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t col = 0; col < cols; ++col, ++at) {
          double total = b.empty() ? 0.0 : b[static_cast<std::size_t>(out)];
          if (!dy.empty()) result.db[static_cast<std::size_t>(out)] += dy[at];
          for (int64_t c = 0; c < ws[1]; ++c) {
            for (int64_t i = 0; i < ws[2]; ++i) {
              for (int64_t j = 0; j < ws[3]; ++j) {
                const int64_t h = row * o.stride.h + i * o.dilation.h - padding.top;
                const int64_t k = col * o.stride.w + j * o.dilation.w - padding.left;
                if (h < 0 || h >= xs[2] || k < 0 || k >= xs[3]) continue;
                const int64_t channel = out / group_out * ws[1] + c;
                const auto cell =
                    static_cast<std::size_t>(((n * xs[1] + channel) * xs[2] + h) * xs[3] + k);
                const auto tap =
                    static_cast<std::size_t>(((out * ws[1] + c) * ws[2] + i) * ws[3] + j);
                total += w[tap] * x[cell];
                if (dy.empty()) continue;
                result.dx[cell] += w[tap] * dy[at];
                result.dw[tap] += x[cell] * dy[at];
              }
            }
          }
          result.y[at] = total;
        }
      }
    }
  }
  return result;
}

/// The largest |a - b| / (1 + |b|); infinite where lengths differ or a value is NaN.
inline double worst_error(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::fabs(a[i] - b[i]) / (1 + std::fabs(b[i]));
    if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
  }
  return worst;
}

/// Runs `function` on the waves of golden_conv.py and compares output and gradients.
inline void check_golden(const golden::Golden& expected, const std::vector<double>& frequencies,
                         const std::function<Tensor(const std::vector<Tensor>&)>& function) {
  const auto wave = [](const Shape& sizes, double frequency) {
    const Tensor tensor = norma::empty(sizes, {.dtype = norma::kFloat64});
    double* data = tensor.data_ptr<double>();
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      data[i] = std::sin(frequency * static_cast<double>(i + 1));
    }
    return tensor;
  };
  std::vector<Tensor> inputs;
  for (std::size_t i = 1; i < expected.size(); ++i) {
    inputs.push_back(wave(expected[i].sizes, frequencies[i - 1]).requires_grad_());
  }
  const Tensor y = function(inputs);
  REQUIRE(y.sizes() == expected[0].sizes);
  CHECK(worst_error(values(y), expected[0].values) < 1e-11);
  y.backward(wave(y.sizes(), 0.7));
  for (std::size_t i = 1; i < expected.size(); ++i) {
    CHECK(worst_error(values(inputs[i - 1].grad()), expected[i].values) < 1e-11);
  }
}

}  // namespace reference
