// Stochastic gradient descent.
#pragma once
#include "norma/optim/optimizer.h"

namespace norma::optim {

struct SGDOptions {
  double lr = 1e-3;         ///< learning rate
  double momentum = 0;      ///< share of the last step that goes on
  double dampening = 0;     ///< share of the gradient that momentum leaves out
  double weight_decay = 0;  ///< times the values, added to the gradient
  bool nesterov = false;    ///< looks ahead; needs momentum, and no dampening
  bool maximize = false;    ///< up the gradient instead of down
};

/// Parameters with options of their own; what is not said is taken from the optimiser's options.
struct SGDParamGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<double> momentum = {};
  std::optional<double> dampening = {};
  std::optional<double> weight_decay = {};
  std::optional<bool> nesterov = {};
  std::optional<bool> maximize = {};
};

/// For every parameter p with a gradient, in this order:
///
///     g   = grad                                  (−grad when maximize)
///     g   = g + weight_decay · p
///     buf = momentum · buf + (1 − dampening) · g  (the first time: buf = g)
///     d   = buf                                   (g + momentum · buf when nesterov)
///     p   = p − lr · d
///
/// Without momentum d = g. A parameter that has never had a gradient has no `buf`; "the first time"
/// is its own. Gradients are read, never written.
/// ```cpp
/// optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
/// optim::SGD grouped({{.params = head, .lr = 0.1}, {.params = body}}, {.lr = 0.01});
/// ```
/// Its state, as in PyTorch: `momentum_buffer` per parameter.
///
/// Throws for lr, momentum or weight_decay below 0, and for nesterov without momentum or with
/// dampening.
class SGD : public GroupedOptimizer<SGDOptions, SGDParamGroup> {
 public:
  explicit SGD(std::vector<Tensor> params, const SGDOptions& options = {});
  explicit SGD(std::vector<SGDParamGroup> groups, const SGDOptions& defaults = {});

 private:
  OptionFields option_fields(SGDOptions& options, const SGDParamGroup& group) const override;
  void check_options(const SGDOptions& options) const override;
  bool needs(std::size_t field, int64_t group) const override;
  void update(const Elements& elements) const override;
};

}  // namespace norma::optim
