#include "norma/layers/dropout.h"

#include "norma/autograd/functional.h"
#include "norma/layers/repr.h"

namespace norma::nn {

namespace {

double checked_probability(const char* op, double p) {
  if (!(p >= 0.0 && p <= 1.0))
    fail(op, "dropout probability has to be between 0 and 1, but got ", p);
  return p;
}

std::string dropout_repr(double p) { return text("p=", p, ", inplace=False"); }

}  // namespace

Dropout::Dropout(double p) : p_(checked_probability("Dropout", p)) {}
Tensor Dropout::forward(const Tensor& input) {
  return functional::dropout(input, p_, is_training());
}
std::string Dropout::extra_repr() const { return dropout_repr(p_); }

Dropout2d::Dropout2d(double p) : p_(checked_probability("Dropout2d", p)) {}
Tensor Dropout2d::forward(const Tensor& input) {
  return functional::dropout2d(input, p_, is_training());
}
std::string Dropout2d::extra_repr() const { return dropout_repr(p_); }

}  // namespace norma::nn
