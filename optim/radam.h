// RAdam: Adam that begins without the mean square, while that is of few gradients.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct RAdamOptions {
  double lr = 1e-3;                            ///< learning rate
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;                           ///< added to the denominator
  double weight_decay = 0;                     ///< times the values, added to the gradient
  bool decoupled_weight_decay = false;         ///< subtracts it from the values, as AdamW
  bool maximize = false;                       ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
/// Betas take two pairs of braces here: `.betas = {{0.5, 0.9}}`.
struct RAdamParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<std::array<double, 2>> betas = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<bool> decoupled_weight_decay = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order; t counts the parameter's own updates:
///
///     g  = grad                               (−grad when maximize)
///     g  = g + weight_decay · p               (p = (1 − lr · weight_decay) p when decoupled)
///     m  = β₁ m + (1 − β₁) g                  (m = v = 0 before the first)
///     v  = β₂ v + (1 − β₂) g²
///     ρ∞ = 2/(1 − β₂) − 1,  ρ = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ)
///     p  = p − lr/(1 − β₁ᵗ) · m · r √(1 − β₂ᵗ) / (√v + eps)   where ρ > 5
///     p  = p − lr/(1 − β₁ᵗ) · m                               elsewhere
///
/// with r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ).
/// ```cpp
/// optim::RAdam optimizer(model.parameters());
/// ```
/// Its state, as in PyTorch: `step` (t), `exp_avg` (m) and `exp_avg_sq` (v) per parameter.
///
/// Throws for lr, eps or weight_decay below 0, and for betas outside [0, 1).
///
/// Liu et al., "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265.
class RAdam : public GroupedOptimizer<RAdamOptions, RAdamParamGroup> {
 public:
  explicit RAdam(std::vector<Tensor> params, const RAdamOptions& options = {});
  explicit RAdam(std::vector<RAdamParamGroup> groups, const RAdamOptions& defaults = {});

 private:
  OptionFields option_fields(RAdamOptions& options, const RAdamParamGroup& group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
