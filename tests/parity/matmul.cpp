// Products of matrices, the linear layer: families/matmul.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

Tensors linear(const Tensors& x, const Json& options) {
  std::size_t next = 2;
  return {F::linear(x[0], x[1], optional_input(x, next, options, "bias"))};
}

Tensors by_name(const Tensors& x, const Json& options) {
  const auto kind = options.at("kind").get<std::string>();
  if (kind == "mm") return {x[0].mm(x[1])};
  if (kind == "bmm") return {x[0].bmm(x[1])};
  if (kind == "mv") return {x[0].mv(x[1])};
  if (kind == "dot") return {x[0].dot(x[1])};
  if (kind == "outer") return {x[0].outer(x[1])};
  const double beta = options.at("beta").get<double>(), alpha = options.at("alpha").get<double>();
  return {kind == "addmm" ? x[2].addmm(x[0], x[1], beta, alpha)
                          : x[2].baddbmm(x[0], x[1], beta, alpha)};
}

const Family family("matmul",
                    {{"matmul", [](const Tensors& x,
                                   const Json&) { return Tensors{norma::matmul(x[0], x[1])}; }},
                     {"linear", linear},
                     {"by_name", by_name},
                     {"two_layers", [](const Tensors& x, const Json&) {
                        return Tensors{F::linear(norma::tanh(F::linear(x[0], x[1])), x[1])};
                      }}});

}  // namespace
}  // namespace parity
