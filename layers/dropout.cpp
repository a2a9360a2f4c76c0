#include "norma/layers/dropout.h"

#include "norma/autograd/functional.h"
#include "norma/core/error.h"

namespace norma::nn {

DropoutBase::DropoutBase(const char* name, double p) : p_(p) {
  if (!(p >= 0.0 && p <= 1.0))
    fail(name, "dropout probability has to be between 0 and 1, but got ", p);
}

std::string DropoutBase::extra_repr() const { return text("p=", p_, ", inplace=False"); }

Tensor Dropout::forward(const Tensor& input) {
  return functional::dropout(input, p(), is_training());
}

Tensor Dropout2d::forward(const Tensor& input) {
  return functional::dropout2d(input, p(), is_training());
}

}  // namespace norma::nn
