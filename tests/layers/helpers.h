// What the tests of layers share.
#pragma once
#include <norma/norma.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/catch.h"

/// what() of the norma::Error that `f` throws; "" when it throws none.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const norma::Error& error) {
    return error.what();
  }
  return "";
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::vector<double> to_vector(const norma::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const norma::Tensor flat = tensor.detach().to(norma::kFloat64).contiguous();
  const double* data = flat.data_ptr<double>();
  return std::vector<double>(data, data + flat.numel());
}

inline norma::Tensor from_vector(const std::vector<double>& values, const norma::Shape& sizes,
                                 norma::DType dtype = norma::kFloat64) {
  return norma::tensor(values).reshape(sizes).to(dtype);
}

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

/// The scalar behind the gradients in golden_layers.h.
inline norma::Tensor weighted_sum(const norma::Tensor& output) {
  const norma::Tensor w = norma::arange(1, output.numel() + 1).to(output.dtype()).sqrt();
  return (output * w.reshape(output.sizes())).sum();
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
