// Convolution and pooling against PyTorch's values.
#pragma once
#include <cmath>
#include <functional>
#include <vector>

#include "norma/tests/autograd/golden_conv.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/oracle.h"

namespace oracle {

using norma::Shape;
using norma::Tensor;

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

}  // namespace oracle
