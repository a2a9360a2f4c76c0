// Comparing tensors, and odd layouts to feed operations with.
#pragma once
#include <norma/norma.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

/// The elements in row-major order, as double; none for an undefined tensor.
inline std::vector<double> to_vector(const norma::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const norma::Tensor flat = tensor.detach().to(norma::kFloat64).contiguous();
  const double* data = flat.data_ptr<double>();
  return {data, data + flat.numel()};
}

inline norma::Tensor tensor_of(const std::vector<double>& values, const norma::Shape& sizes,
                               norma::DType dtype = norma::kFloat64) {
  return norma::tensor(values).to(dtype).reshape(sizes);
}

/// Σ output · √(1, 2, 3, …): the scalar whose gradients the golden values are.
inline norma::Tensor weighted_sum(const norma::Tensor& output) {
  const norma::Tensor w = norma::arange(1, output.numel() + 1).to(output.dtype()).sqrt();
  return (output * w.reshape(output.sizes())).sum();
}

/// "" when shape and dtype agree and every |got - want| <= atol + rtol |want| (NaN agrees with NaN,
/// an infinity with itself), else what differs most.
inline std::string mismatch(const norma::Tensor& got, const norma::Tensor& want, double rtol = 0,
                            double atol = 0) {
  if (!got.defined() || !want.defined()) {
    return got.defined() == want.defined() ? "" : "one of the two is undefined";
  }
  if (got.sizes() != want.sizes() || got.dtype() != want.dtype()) {
    return "got " + got.sizes().str() + " " + norma::dtype_name(got.dtype()) + ", want " +
           want.sizes().str() + " " + norma::dtype_name(want.dtype());
  }
  const norma::Tensor x = got.detach().to(norma::kFloat64).contiguous(),
                      y = want.detach().to(norma::kFloat64).contiguous();
  std::string message;
  double worst = 0;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double a = x.data_ptr<double>()[i], b = y.data_ptr<double>()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::fabs(a - b) / (atol + rtol * std::fabs(b));
    if (error <= 1 || error <= worst) continue;
    worst = std::isnan(error) ? INFINITY : error;
    message = "element " + std::to_string(i) + " of " + got.sizes().str() + ": got " +
              std::to_string(a) + ", want " + std::to_string(b);
  }
  return message;
}

/// "" when shape, dtype and every bit agree (any NaN agrees with any other), else what differs
/// first.
inline std::string differing_bits(const norma::Tensor& got, const norma::Tensor& want) {
  const std::string other = mismatch(got, want, 0, INFINITY);
  if (!got.defined() || !want.defined() || other.find("want [") != std::string::npos) return other;
  const norma::Tensor x = got.detach().to(norma::kFloat64).contiguous(),
                      y = want.detach().to(norma::kFloat64).contiguous();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double a = x.data_ptr<double>()[i], b = y.data_ptr<double>()[i];
    if ((a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b)))
      continue;
    char text[120];
    std::snprintf(text, sizeof text, "element %lld: got %a, want %a", static_cast<long long>(i), a,
                  b);
    return text;
  }
  return "";
}

/// The same values, no history, in memory with gaps, in another order and at an offset.
inline norma::Tensor scattered(const norma::Tensor& x) {
  const int64_t rank = x.dim();
  norma::Shape sizes, back;
  for (int64_t i = rank - 1; i >= 0; --i) {
    sizes.push_back(2 * x.sizes()[i] + 1);
    back.push_back(i);
  }
  if (rank == 0) sizes = {2};
  norma::Tensor view = norma::full(sizes, 77, {.dtype = x.dtype()});
  if (rank == 0) {
    view = view.select(0, 1);
  } else {
    view = view.permute(back);
    for (int64_t i = 0; i < rank; ++i) view = view.slice(i, 1, 2 * x.sizes()[i] + 1, 2);
  }
  view = view.detach();
  view.copy_(x.detach());
  return view;
}
