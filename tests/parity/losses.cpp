// Losses: families/losses.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

Tensors cross_entropy(const Tensors& x, const Json& options) {
  std::size_t next = 2;
  return {F::cross_entropy(x[0], x[1],
                           {.weight = optional_input(x, next, options, "weight"),
                            .ignore_index = options.value("ignore_index", int64_t{-100}),
                            .reduction = reduction_of(options),
                            .label_smoothing = options.at("label_smoothing").get<double>()})};
}

Tensors nll_loss(const Tensors& x, const Json& options) {
  std::size_t next = 2;
  return {F::nll_loss(x[0], x[1],
                      {.weight = optional_input(x, next, options, "weight"),
                       .ignore_index = options.at("ignore_index").get<int64_t>(),
                       .reduction = reduction_of(options)})};
}

Tensors binary_cross_entropy_with_logits(const Tensors& x, const Json& options) {
  std::size_t next = 2;
  const Tensor weight = optional_input(x, next, options, "weight");
  const Tensor pos_weight = optional_input(x, next, options, "pos_weight");
  return {F::binary_cross_entropy_with_logits(
      x[0], x[1],
      {.weight = weight, .pos_weight = pos_weight, .reduction = reduction_of(options)})};
}

const Family family("losses",
                    {{"cross_entropy", cross_entropy},
                     {"cross_entropy_of_probabilities", cross_entropy},
                     {"nll_loss", nll_loss},
                     {"mse_loss",
                      [](const Tensors& x, const Json& options) {
                        return Tensors{F::mse_loss(x[0], x[1], reduction_of(options))};
                      }},
                     {"l1_loss",
                      [](const Tensors& x, const Json& options) {
                        return Tensors{F::l1_loss(x[0], x[1], reduction_of(options))};
                      }},
                     {"binary_cross_entropy_with_logits", binary_cross_entropy_with_logits}});

}  // namespace
}  // namespace parity
