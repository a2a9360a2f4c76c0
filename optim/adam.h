// Adam, and AdamW with decoupled weight decay.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct AdamOptions {
  double lr = 1e-3;                            ///< learning rate
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;                           ///< added to the denominator
  double weight_decay = 0;                     ///< times the values, added to the gradient
  bool amsgrad = false;                        ///< divides by the largest second moment so far
  bool maximize = false;                       ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
/// Betas take two pairs of braces here: `.betas = {{0.5, 0.9}}`.
struct AdamParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<std::array<double, 2>> betas = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<bool> amsgrad = {};
  std::optional<bool> maximize = {};
};

/// What Adam and AdamW have in common: all but the place of weight decay.
template <class Options>
class AdamFamily : public GroupedOptimizer<Options, AdamParamGroup> {
 protected:
  using typename Optimizer::Elements;
  /// `decoupled`: decays parameters, not gradients.
  AdamFamily(const char* type, bool decoupled, std::vector<Tensor> params, const Options& options);
  AdamFamily(const char* type, bool decoupled, std::vector<AdamParamGroup> groups,
             const Options& defaults);

 private:
  AdamFamily(const char* type, bool decoupled, const Options& defaults);
  OptionFields option_fields(Options& options, const AdamParamGroup& group) const override;
  bool needs(std::size_t field, int64_t group) const override;
  void update(const Elements& elements) const override;

  bool decoupled_;
};

extern template class AdamFamily<AdamOptions>;

/// For every parameter p with a gradient, in this order; t counts the parameter's own updates:
///
///     g = grad                                (−grad when maximize)
///     g = g + weight_decay · p
///     m = β₁ m + (1 − β₁) g                   (m = v = 0 before the first)
///     v = β₂ v + (1 − β₂) g²
///     u = v                                   (the largest v so far when amsgrad)
///     p = p − lr/(1 − β₁ᵗ) · m / (√u/√(1 − β₂ᵗ) + eps)
///
/// Gradients are read, never written.
/// ```cpp
/// optim::Adam optimizer(model.parameters(), {.lr = 1e-3, .betas = {0.9, 0.99}});
/// optim::Adam grouped({{.params = head, .lr = 1e-2}, {.params = body}}, {.lr = 1e-3});
/// ```
/// Its state, as in PyTorch: `step` (t), `exp_avg` (m), `exp_avg_sq` (v) and, when amsgrad,
/// `max_exp_avg_sq` per parameter. Unlike in PyTorch, amsgrad may be switched on later: the maximum
/// then begins with the next step.
///
/// Throws for lr, eps or weight_decay below 0, and for betas outside [0, 1).
///
/// Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; amsgrad: Reddi et
/// al., "On the convergence of Adam and beyond", ICLR 2018, with PyTorch's maximum, which is taken
/// before the correction by 1 − β₂ᵗ.
class Adam : public AdamFamily<AdamOptions> {
 public:
  explicit Adam(std::vector<Tensor> params, const AdamOptions& options = {});
  explicit Adam(std::vector<AdamParamGroup> groups, const AdamOptions& defaults = {});
};

/// Adam's options, with another default of weight_decay.
struct AdamWOptions {
  double lr = 1e-3;                            ///< learning rate
  std::array<double, 2> betas = {0.9, 0.999};  ///< each in [0, 1)
  double eps = 1e-8;                           ///< added to the denominator
  double weight_decay = 1e-2;                  ///< lr times it times the values is subtracted
  bool amsgrad = false;                        ///< divides by the largest second moment so far
  bool maximize = false;                       ///< up the gradient instead of down
};

using AdamWParamGroup = AdamParamGroup;

extern template class AdamFamily<AdamWOptions>;

/// Adam, except that weight decay does not pass through the averages: instead of
/// `g = g + weight_decay · p`, the update begins with
///
///     p = (1 − lr · weight_decay) p
/// ```cpp
/// optim::AdamW optimizer(optim::split_weight_decay(model, 1e-2), {.lr = 1e-3});
/// ```
/// State and errors are Adam's.
///
/// Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101.
class AdamW : public AdamFamily<AdamWOptions> {
 public:
  explicit AdamW(std::vector<Tensor> params, const AdamWOptions& options = {});
  explicit AdamW(std::vector<AdamWParamGroup> groups, const AdamWOptions& defaults = {});
};

}  // namespace norma::optim
