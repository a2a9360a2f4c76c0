// Rprop: a step size per element, from the signs of gradients alone.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct RpropOptions {
  double lr = 1e-2;                               ///< the first step size
  std::array<double, 2> etas = {0.5, 1.2};        ///< 0 < etas[0] < 1 < etas[1]
  std::array<double, 2> step_sizes = {1e-6, 50};  ///< the smallest and the largest
  bool maximize = false;                          ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
/// Pairs take two pairs of braces here: `.etas = {{0.5, 1.2}}`.
struct RpropParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<std::array<double, 2>> etas = {};
  std::optional<std::array<double, 2>> step_sizes = {};
  std::optional<bool> maximize = {};
};

/// For every element p of a parameter with a gradient, in this order:
///
///     g    = grad                             (−grad when maximize)
///     s    = sign(g · prev)                   (prev = 0 before the first)
///     size = size · η, between step_sizes     (η = etas[1] where s > 0,
///                                             etas[0] where s < 0, else 1)
///     g    = 0 where s < 0
///     p    = p − sign(g) · size
///     prev = g
///
/// For gradients of the whole data set: those of batches change their signs by chance.
/// ```cpp
/// optim::Rprop optimizer(model.parameters());
/// ```
/// Its state, as in PyTorch: `step`, `prev` and `step_size` (lr before the first) per parameter.
///
/// Throws for lr below 0, and unless 0 < etas[0] < 1 < etas[1].
///
/// Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning", ICNN 1993.
class Rprop : public GroupedOptimizer<RpropOptions, RpropParamGroup> {
 public:
  explicit Rprop(std::vector<Tensor> params, const RpropOptions& options = {});
  explicit Rprop(std::vector<RpropParamGroup> groups, const RpropOptions& defaults = {});

 private:
  OptionFields option_fields(RpropOptions& options, const RpropParamGroup& group) const override;
  void check_options(const RpropOptions& options) const override;
  double initial_value(std::size_t field, int64_t group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
