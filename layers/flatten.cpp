#include "norma/layers/flatten.h"

#include "norma/core/text.h"

namespace norma::nn {

Tensor Flatten::forward(const Tensor& input) { return input.flatten(start_dim_, end_dim_); }

std::string Flatten::extra_repr() const {
  return text("start_dim=", start_dim_, ", end_dim=", end_dim_);
}

}  // namespace norma::nn
