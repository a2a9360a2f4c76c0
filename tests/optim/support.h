// The parameters and gradients of golden_optim.py.
#pragma once
#include <norma/norma.h>

#include <cmath>
#include <string>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

inline norma::Tensor start(int which, int count, norma::DType dtype = norma::kFloat64) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back((i - 1.5 + which) / 4);
  return norma::tensor(values).to(dtype).requires_grad_();
}

inline norma::Tensor gradient(int step, int which, int count,
                              norma::DType dtype = norma::kFloat64) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(((3 * step + 7 * i + 5 * which) % 11 - 5) / 8.0);
  return norma::tensor(values).to(dtype);
}

inline void append(std::vector<double>& to, const norma::Tensor& tensor) {
  for (double value : to_vector(tensor)) to.push_back(value);
}

/// The largest |a - b| / max(|b|, floor).
inline double worst(const std::vector<double>& a, const std::vector<double>& b,
                    double floor = 1e-300) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    result = std::max(result, std::abs(a[i] - b[i]) / std::max(std::abs(b[i]), floor));
  return result;
}

template <class Optimizer>
using OptionsOf = std::decay_t<decltype(std::declval<Optimizer>().options())>;

inline std::vector<std::string> names(const norma::optim::OptimizerState& state) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : state.tensors) result.push_back(name);
  return result;
}

inline norma::Tensor state_of(const norma::optim::Optimizer& optimizer, const std::string& name) {
  for (const auto& [key, tensor] : optimizer.state_dict().tensors)
    if (key == name) return tensor;
  FAIL("no " << name);
  return {};
}

/// What Adam's "step" of a parameter says.
inline double count_of(const norma::optim::Optimizer& optimizer, int parameter) {
  return state_of(optimizer, "state." + std::to_string(parameter) + ".step").item<double>();
}
