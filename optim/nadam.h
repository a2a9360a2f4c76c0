// NAdam: Adam with Nesterov momentum.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct NAdamOptions {
  double lr = 2e-3;                            ///< learning rate
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;                           ///< added to the denominator
  double weight_decay = 0;                     ///< times the values, added to the gradient
  double momentum_decay = 4e-3;                ///< how fast momentum reaches its full share
  bool decoupled_weight_decay = false;         ///< subtracts it from the values, as AdamW
  bool maximize = false;                       ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
/// Betas take two pairs of braces here: `.betas = {{0.5, 0.9}}`.
struct NAdamParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<std::array<double, 2>> betas = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<double> momentum_decay = {};
  std::optional<bool> decoupled_weight_decay = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order; t counts the parameter's own updates:
///
///     g  = grad                               (−grad when maximize)
///     g  = g + weight_decay · p               (p = (1 − lr · weight_decay) p when decoupled)
///     μₜ = β₁ (1 − 0.96^(t · momentum_decay) / 2)
///     m  = β₁ m + (1 − β₁) g                  (m = v = 0 before the first)
///     v  = β₂ v + (1 − β₂) g²
///     d  = (1 − μₜ)/(1 − μ₁⋯μₜ) · g + μₜ₊₁/(1 − μ₁⋯μₜ₊₁) · m
///     p  = p − lr · d / (√(v/(1 − β₂ᵗ)) + eps)
/// ```cpp
/// optim::NAdam optimizer(model.parameters());
/// ```
/// Its state, as in PyTorch: `step` (t), `mu_product` (μ₁⋯μₜ), `exp_avg` (m) and `exp_avg_sq` (v)
/// per parameter.
///
/// Throws for lr, eps, weight_decay or momentum_decay below 0, and for betas outside [0, 1).
///
/// Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.
class NAdam : public GroupedOptimizer<NAdamOptions, NAdamParamGroup> {
 public:
  explicit NAdam(std::vector<Tensor> params, const NAdamOptions& options = {});
  explicit NAdam(std::vector<NAdamParamGroup> groups, const NAdamOptions& defaults = {});

 private:
  OptionFields option_fields(NAdamOptions& options, const NAdamParamGroup& group) const override;
  double factor(double count, int64_t group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
