// Comparing tensors with plain lists of numbers.
#pragma once
#include <norma/norma.h>

#include <cmath>
#include <string>
#include <vector>

/// The elements in row-major order, as double; none for an undefined tensor.
inline std::vector<double> values_of(const norma::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const norma::Tensor flat = tensor.detach().to(norma::kFloat64).contiguous();
  const double* data = flat.data_ptr<double>();
  return std::vector<double>(data, data + flat.numel());
}

inline norma::Tensor tensor_of(const std::vector<double>& values, const norma::Shape& sizes,
                               norma::DType dtype = norma::kFloat64) {
  return norma::tensor(values).to(dtype).reshape(sizes);
}

/// The largest |got - want| / (1 + |want|); infinite when lengths or NaNs differ.
inline double worst_error(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
    const double error = std::abs(got[i] - want[i]) / (1 + std::abs(want[i]));
    if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
  }
  return worst;
}
inline double worst_error(const norma::Tensor& got, const std::vector<double>& want) {
  return worst_error(values_of(got), want);
}

/// sum(output * sqrt(1, 2, 3, ...)): the scalar whose gradients the golden values are.
inline norma::Tensor weighted_sum(const norma::Tensor& output) {
  const norma::Tensor w = norma::arange(1, output.numel() + 1).to(output.dtype()).sqrt();
  return (output * w.reshape(output.sizes())).sum();
}

/// gradcheck's words when it fails, "" when it agrees.
inline std::string gradient_error(
    const std::function<norma::Tensor(const std::vector<norma::Tensor>&)>& function,
    const std::vector<norma::Tensor>& inputs) {
  const norma::GradcheckResult result = norma::gradcheck(function, inputs);
  return result.ok ? "" : result.message;
}
