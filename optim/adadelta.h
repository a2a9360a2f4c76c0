// Adadelta: steps in the units of the parameters.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct AdadeltaOptions {
  double lr = 1.0;          ///< learning rate
  double rho = 0.9;         ///< in [0, 1]
  double eps = 1e-6;        ///< added to the denominator
  double weight_decay = 0;  ///< times the values, added to the gradient
  bool maximize = false;    ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
struct AdadeltaParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<double> rho = {};
  std::optional<double> eps = {};
  std::optional<double> weight_decay = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order:
///
///     g = grad                                (−grad when maximize)
///     g = g + weight_decay · p
///     v = rho · v + (1 − rho) g²              (v = u = 0 before the first)
///     d = √(u + eps) / √(v + eps) · g
///     u = rho · u + (1 − rho) d²
///     p = p − lr · d
/// ```cpp
/// optim::Adadelta optimizer(model.parameters());
/// ```
/// Its state, as in PyTorch: `step`, `square_avg` (v) and `acc_delta` (u) per parameter.
///
/// Throws for lr, eps or weight_decay below 0, and for rho outside [0, 1].
///
/// Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.
class Adadelta : public GroupedOptimizer<AdadeltaOptions, AdadeltaParamGroup> {
 public:
  explicit Adadelta(std::vector<Tensor> params, const AdadeltaOptions& options = {});
  explicit Adadelta(std::vector<AdadeltaParamGroup> groups, const AdadeltaOptions& defaults = {});

 private:
  OptionFields option_fields(AdadeltaOptions& options,
                             const AdadeltaParamGroup& group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
