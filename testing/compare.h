// Two tensors, element by element. For Norma's own sources.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::testing {

struct Tolerances {
  double rtol = 0, atol = 0;
};

/// In which elements two tensors of one shape and dtype are not close.
struct Comparison {
  int64_t mismatched = 0, numel = 0;
  std::string absolute, relative;  // the greatest differences, as Python prints them
  Shape absolute_index, relative_index;
};
Comparison compare(const Tensor& actual, const Tensor& expected, const Tolerances& tolerances,
                   bool equal_nan);

/// How two lists of tensors differ, in less than a sentence, "" if not. NaN equals NaN.
std::string short_difference(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected,
                             const Tolerances& tolerances = {});

}  // namespace norma::testing
