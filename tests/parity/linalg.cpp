// Sums of products by names, linear equations, distances: families/linalg.py.
#include <limits>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

Tensors einsum(const Tensors& x, const Json& options) {
  return {norma::einsum(options.at("equation").get<std::string>(), x)};
}

Tensors tensordot(const Tensors& x, const Json& options) {
  const Json& dims = options.at("dims");
  if (dims.is_number()) return {norma::tensordot(x[0], x[1], dims.get<int64_t>())};
  return {norma::tensordot(x[0], x[1], shape_of(dims.at(0)), shape_of(dims.at(1)))};
}

Tensors solve(const Tensors& x, const Json&) { return {norma::linalg::solve(x[0], x[1])}; }

Tensors inverse(const Tensors& x, const Json& options) {
  const auto [sign, logarithm] = x[0].slogdet();
  return {norma::linalg::inv(x[0]), x[0].det(), sign, logarithm,
          (x[0] / 3).matrix_power(options.at("power").get<int64_t>())};
}

Tensors cholesky(const Tensors& x, const Json&) { return {norma::linalg::cholesky(x[0])}; }

Tensors kron(const Tensors& x, const Json&) { return {norma::kron(x[0], x[1])}; }

Tensors cdist(const Tensors& x, const Json& options) {
  const Json& p = options.at("p");
  return {norma::cdist(x[0], x[1],
                       p.is_string() ? std::numeric_limits<double>::infinity() : p.get<double>())};
}

const Family family("linalg", {{"einsum", einsum},
                               {"einsum_known", einsum},
                               {"tensordot", tensordot},
                               {"solve", solve},
                               {"inverse", inverse},
                               {"cholesky", cholesky},
                               {"kron", kron},
                               {"cdist", cdist}});

}  // namespace
}  // namespace parity
