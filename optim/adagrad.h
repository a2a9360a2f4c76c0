// Adagrad: steps divided by the root of the sum of all squared gradients.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct AdagradOptions {
  double lr = 1e-2;                      ///< learning rate
  double lr_decay = 0;                   ///< lr / (1 + lr_decay · steps so far)
  double weight_decay = 0;               ///< times the values, added to the gradient
  double initial_accumulator_value = 0;  ///< the sums of squares begin with it
  double eps = 1e-10;                    ///< added to the denominator
  bool maximize = false;                 ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
struct AdagradParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<double> lr_decay = {};
  std::optional<double> weight_decay = {};
  std::optional<double> eps = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order; t counts the parameter's own updates:
///
///     g   = grad                              (−grad when maximize)
///     g   = g + weight_decay · p
///     sum = sum + g²                          (initial_accumulator_value before the first)
///     p   = p − lr / (1 + (t − 1) lr_decay) · g / (√sum + eps)
/// ```cpp
/// optim::Adagrad optimizer(model.parameters(), {.lr = 0.1});
/// ```
/// Its state, as in PyTorch: `step` (t) and `sum` per parameter. Unlike in PyTorch, a parameter
/// that has never had a gradient has none.
///
/// Throws for lr, lr_decay, weight_decay, initial_accumulator_value or eps below 0.
///
/// Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", JMLR 12 (2011).
class Adagrad : public GroupedOptimizer<AdagradOptions, AdagradParamGroup> {
 public:
  explicit Adagrad(std::vector<Tensor> params, const AdagradOptions& options = {});
  explicit Adagrad(std::vector<AdagradParamGroup> groups, const AdagradOptions& defaults = {});

 private:
  OptionFields option_fields(AdagradOptions& options,
                             const AdagradParamGroup& group) const override;
  double initial_value(std::size_t field, int64_t group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
