// Derivatives against central differences.
#pragma once
#include <norma/norma.h>

#include <functional>
#include <string>
#include <vector>

/// A float64 leaf: of random numbers, or of one number.
inline norma::Tensor random_leaf(const norma::Shape& sizes) {
  return norma::randn(sizes, {.dtype = norma::kFloat64, .requires_grad = true});
}
inline norma::Tensor number_leaf(double value) {
  return norma::tensor(value, {.dtype = norma::kFloat64, .requires_grad = true});
}

/// What gradcheck or gradgradcheck says where it fails, "" where both agree.
inline std::string gradient_error(
    const std::function<norma::Tensor(const std::vector<norma::Tensor>&)>& function,
    const std::vector<norma::Tensor>& inputs) {
  const norma::GradcheckResult first = norma::gradcheck(function, inputs);
  if (!first.ok) return first.message;
  const norma::GradcheckResult second = norma::gradgradcheck(function, inputs);
  return second.ok ? "" : "second derivatives: " + second.message;
}
