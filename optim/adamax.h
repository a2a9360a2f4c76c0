// Adamax: Adam with the largest gradient in the place of the mean square.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct AdamaxOptions {
  double lr = 2e-3;                            ///< learning rate
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;                           ///< added to the denominator
  double weight_decay = 0;                     ///< times the values, added to the gradient
  bool maximize = false;                       ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
/// Betas take two pairs of braces here: `.betas = {{0.5, 0.9}}`.
struct AdamaxParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<std::array<double, 2>> betas = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order; t counts the parameter's own updates:
///
///     g = grad                                (−grad when maximize)
///     g = g + weight_decay · p
///     m = β₁ m + (1 − β₁) g                   (m = u = 0 before the first)
///     u = max(β₂ u, |g| + eps)
///     p = p − lr/(1 − β₁ᵗ) · m / u
/// ```cpp
/// optim::Adamax optimizer(model.parameters());
/// ```
/// Its state, as in PyTorch: `step` (t), `exp_avg` (m) and `exp_inf` (u) per parameter.
///
/// Throws for lr, eps or weight_decay below 0, and for betas outside [0, 1).
///
/// Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, section 7.
class Adamax : public GroupedOptimizer<AdamaxOptions, AdamaxParamGroup> {
 public:
  explicit Adamax(std::vector<Tensor> params, const AdamaxOptions& options = {});
  explicit Adamax(std::vector<AdamaxParamGroup> groups, const AdamaxOptions& defaults = {});

 private:
  OptionFields option_fields(AdamaxOptions& options, const AdamaxParamGroup& group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
