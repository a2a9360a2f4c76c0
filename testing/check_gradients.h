// The part of check_module that compares gradients. For Norma's own sources.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "norma/autograd/gradcheck.h"
#include "norma/testing/borrowed_module.h"

namespace norma::testing {

/// See `CheckModuleOptions`. `requires_use`: every parameter must get a gradient.
struct GradientOptions {
  bool requires_use;
  int64_t max_elements;
  GradcheckOptions gradcheck;
};

/// What is wrong with the gradients in one mode, in float64; `inputs` are float64 where floating.
std::vector<std::string> gradient_faults(
    BorrowedModule& borrowed,
    const std::function<std::vector<Tensor>(nn::Module&, const std::vector<Tensor>&)>& call,
    const std::vector<Tensor>& inputs, bool training, const GradientOptions& options);

}  // namespace norma::testing
