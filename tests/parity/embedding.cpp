// Tables that are looked up by number: families/embedding.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

template <class T>
std::optional<T> optional_number(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

Tensors embedding(const Tensors& x, const Json& options) {
  const norma::functional::EmbeddingOptions o{
      .padding_idx = optional_number<int64_t>(options.at("padding_idx")),
      .max_norm = optional_number<double>(options.at("max_norm")),
      .norm_type = options.at("norm_type").get<double>(),
      .scale_grad_by_freq = options.at("scale_grad_by_freq").get<bool>()};
  const Tensor weight = o.max_norm ? x[1].clone() : x[1];
  const Tensor y = norma::functional::embedding(x[0], weight, o);
  return {y, weight.detach() * 1};
}

const Family family("embedding", {{"embedding", embedding}});

}  // namespace
}  // namespace parity
