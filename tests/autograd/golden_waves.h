// Convolution and pooling against PyTorch's values.
#pragma once
#include <cmath>
#include <functional>
#include <vector>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_conv.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/oracle.h"

namespace oracle {

using norma::Shape;
using norma::Tensor;

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
  CHECK(worst_error(to_vector(y), expected[0].values) < 1e-11);
  y.backward(wave(y.sizes(), 0.7));
  for (std::size_t i = 1; i < expected.size(); ++i) {
    CHECK(worst_error(to_vector(inputs[i - 1].grad()), expected[i].values) < 1e-11);
  }
}

}  // namespace oracle
