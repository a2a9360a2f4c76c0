// The part of check_module that compares gradients. For Norma's own sources.
#pragma once
#include <string>
#include <vector>

#include "norma/testing/borrowed_module.h"
#include "norma/testing/check_module.h"

namespace norma::testing {

/// What is wrong with the gradients in one mode, in float64; `inputs` are float64 where floating.
/// `requires_use`: every parameter must get one.
std::vector<std::string> gradient_faults(BorrowedModule& borrowed, const detail::ModuleCall& call,
                                         const std::vector<Tensor>& inputs, bool training,
                                         bool requires_use, const CheckModuleOptions& options);

}  // namespace norma::testing
