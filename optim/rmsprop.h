// RMSprop: steps divided by the root of a running mean of squared gradients.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct RMSpropOptions {
  double lr = 1e-2;         ///< learning rate
  double alpha = 0.99;      ///< share of the old mean square
  double eps = 1e-8;        ///< added to the denominator
  double weight_decay = 0;  ///< times the values, added to the gradient
  double momentum = 0;      ///< share of the last step that goes on
  bool centered = false;    ///< divides by the variance, not by the mean square
  bool maximize = false;    ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
struct RMSpropParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<double> alpha = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<double> momentum = {};
  std::optional<bool> centered = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order:
///
///     g   = grad                              (−grad when maximize)
///     g   = g + weight_decay · p
///     v   = alpha · v + (1 − alpha) g²        (v = m = buf = 0 before the first)
///     m   = alpha · m + (1 − alpha) g         (when centered)
///     s   = √v + eps                          (√(v − m²) + eps when centered)
///     buf = momentum · buf + g / s
///     p   = p − lr · buf                      (p − lr · g / s without momentum)
/// ```cpp
/// optim::RMSprop optimizer(model.parameters(), {.lr = 1e-3, .momentum = 0.9});
/// ```
/// Its state, as in PyTorch: `step`, `square_avg` (v) and, where they are used, `momentum_buffer`
/// and `grad_avg` (m) per parameter. Unlike in PyTorch, both may be switched on later.
///
/// Throws for lr, alpha, eps, momentum or weight_decay below 0.
///
/// Hinton, "Neural networks for machine learning", lecture 6; centered: Graves, "Generating
/// sequences with recurrent neural networks", arXiv:1308.0850.
class RMSprop : public GroupedOptimizer<RMSpropOptions, RMSpropParamGroup> {
 public:
  explicit RMSprop(std::vector<Tensor> params, const RMSpropOptions& options = {});
  explicit RMSprop(std::vector<RMSpropParamGroup> groups, const RMSpropOptions& defaults = {});

 private:
  OptionFields option_fields(RMSpropOptions& options,
                             const RMSpropParamGroup& group) const override;
  bool needs(std::size_t field, int64_t group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
