// Products of matrices, the linear layer: families/matmul.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

Tensors linear(const Tensors& x, const Json& options) {
  std::size_t next = 2;
  return {F::linear(x[0], x[1], optional_input(x, next, options, "bias"))};
}

const Family family("matmul",
                    {{"matmul", [](const Tensors& x,
                                   const Json&) { return Tensors{norma::matmul(x[0], x[1])}; }},
                     {"linear", linear},
                     {"two_layers", [](const Tensors& x, const Json&) {
                        return Tensors{F::linear(norma::tanh(F::linear(x[0], x[1])), x[1])};
                      }}});

}  // namespace
}  // namespace parity
