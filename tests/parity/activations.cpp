// Activations: families/activations.py.
#include <string>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

/// An activation of one tensor; `at("name")` reads an option.
struct Options {
  const Json& json;
  double at(const char* name) const { return json.at(name).get<double>(); }
  int64_t dim() const { return json.at("dim").get<int64_t>(); }
};
Replay unary(Tensor (*operation)(const Tensor&, const Options&)) {
  return [=](const Tensors& x, const Json& json) { return Tensors{operation(x[0], {json})}; };
}
Replay unary(Tensor (*operation)(const Tensor&)) {
  return [=](const Tensors& x, const Json&) { return Tensors{operation(x[0])}; };
}

Tensors pieces_of_integers(const Tensors& x, const Json&) {
  return {F::relu(x[0]),
          F::relu6(x[0]),
          F::hardtanh(x[0], 0, 3),
          F::threshold(x[0], 2, 1),
          (F::softsign(x[0]) * 10000).to(norma::kInt64),
          (F::tanhshrink(x[0]) * 10000).to(norma::kInt64)};
}

const Family family(
    "activations",
    {{"silu", unary(F::silu)},
     {"mish", unary(F::mish)},
     {"logsigmoid", unary(F::logsigmoid)},
     {"softsign", unary(F::softsign)},
     {"tanhshrink", unary(F::tanhshrink)},
     {"relu6", unary(F::relu6)},
     {"hardsigmoid", unary(F::hardsigmoid)},
     {"hardswish", unary(F::hardswish)},
     {"selu", unary(F::selu)},
     {"leaky_relu", unary([](const Tensor& x, const Options& o) {
        return F::leaky_relu(x, o.at("negative_slope"));
      })},
     {"gelu", unary([](const Tensor& x, const Options& o) {
        return F::gelu(x, o.json.at("approximate").get<std::string>());
      })},
     {"elu", unary([](const Tensor& x, const Options& o) { return F::elu(x, o.at("alpha")); })},
     {"celu", unary([](const Tensor& x, const Options& o) { return F::celu(x, o.at("alpha")); })},
     {"softplus", unary([](const Tensor& x, const Options& o) {
        return F::softplus(x, o.at("beta"), o.at("threshold"));
      })},
     {"hardtanh", unary([](const Tensor& x, const Options& o) {
        return F::hardtanh(x, o.at("min_val"), o.at("max_val"));
      })},
     {"hardshrink",
      unary([](const Tensor& x, const Options& o) { return F::hardshrink(x, o.at("lambd")); })},
     {"softshrink",
      unary([](const Tensor& x, const Options& o) { return F::softshrink(x, o.at("lambd")); })},
     {"threshold", unary([](const Tensor& x, const Options& o) {
        return F::threshold(x, o.at("threshold"), o.at("value"));
      })},
     {"pieces_of_integers", pieces_of_integers},
     {"prelu", [](const Tensors& x, const Json&) { return Tensors{F::prelu(x[0], x[1])}; }},
     {"glu", unary([](const Tensor& x, const Options& o) { return F::glu(x, o.dim()); })},
     {"softmin", unary([](const Tensor& x, const Options& o) { return F::softmin(x, o.dim()); })}});

}  // namespace
}  // namespace parity
