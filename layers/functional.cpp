#include "norma/layers/functional.h"

namespace norma::nn {

Functional::Functional(std::function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  if (!function_) fail("Functional", "expected a function, got none");
}

}  // namespace norma::nn
