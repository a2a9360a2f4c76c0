// Comparing tensors with plain lists of numbers.
#pragma once
#include <norma/norma.h>

#include <cmath>
#include <string>
#include <vector>

#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

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
  return worst_error(to_vector(got), want);
}
