// What the tests of layers share.
#pragma once
#include <norma/norma.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

/// "" when |got - expected| <= tolerance (1 + |expected|) everywhere, else the worst element.
inline std::string difference(const norma::Tensor& got, const std::vector<double>& expected,
                              double tolerance) {
  const std::vector<double> values = to_vector(got);
  if (values.size() != expected.size()) {
    return "got " + std::to_string(values.size()) + " elements, expected " +
           std::to_string(expected.size());
  }
  double worst = 0;
  std::string message;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(values[i] - expected[i]) / (1 + std::abs(expected[i]));
    if (!(error <= tolerance) && !(error <= worst)) {
      worst = error;
      message = "element " + std::to_string(i) + ": got " + std::to_string(values[i]) +
                ", expected " + std::to_string(expected[i]);
    }
  }
  return message;
}

inline std::string names_of(const auto& named) {
  std::string list;
  for (const auto& entry : named) list += (&entry == &named[0] ? "" : " ") + entry.first;
  return list;
}

/// The MLP of golden_layers.py.
struct MLP : norma::nn::Module {
  norma::Tensor scale, offset;
  norma::nn::Sequential net;
  norma::nn::Linear head;

  MLP()
      : scale(register_parameter("scale", norma::ones({1}))),
        offset(register_buffer("offset", norma::zeros({2}))),
        net(norma::nn::Linear(4, 3), norma::nn::BatchNorm1d(3), norma::nn::ReLU()),
        head(3, 2, {.bias = false}) {
    register_module("net", net);
    register_module("head", head);
  }
  norma::Tensor forward(const norma::Tensor& x) override { return head(net(x)) * scale + offset; }
};
