// Stochastic gradient descent.
#pragma once
#include <optional>

#include "norma/optim/optimizer.h"

namespace norma::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
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
///
///     optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
///     optim::SGD optimizer({{.params = head, .lr = 0.1}, {.params = body}}, {.lr = 0.01});
///
/// Throws for lr, momentum or weight_decay below 0, and for nesterov without momentum or with
/// dampening.
class SGD : public Optimizer {
 public:
  explicit SGD(std::vector<Tensor> params, const SGDOptions& options = {});
  explicit SGD(std::vector<SGDParamGroup> groups, const SGDOptions& defaults = {});
  ~SGD() override;

  /// Parameters to be trained from now on.
  void add_param_group(SGDParamGroup group);

  void step() override;
  const SGDOptions& options(int64_t group = 0) const;
  void set_options(int64_t group, const SGDOptions& options);
  double lr(int64_t group = 0) const override { return options(group).lr; }
  void set_lr(int64_t group, double lr) override;
  using Optimizer::set_lr;

  /// Tensors "state.<i>.momentum_buffer" of the parameters that have one.
  OptimizerState state_dict() const override;
  void check_state_dict(const OptimizerState& state) const override;
  void load_state_dict(const OptimizerState& state) override;

 private:
  struct Update;  // one parameter's part of a step

  SGDOptions defaults_;
  std::vector<SGDOptions> group_options_;
  std::vector<Tensor> momentum_buffers_;  // one per parameter, undefined until its first step
  std::vector<Update> updates_;           // kept so that a step allocates nothing
};

/// Two groups: parameters with two or more dimensions (the weights of Linear and Conv2d) decayed by
/// `weight_decay`, all others (biases, gamma and beta of BatchNorm) spared. A group without
/// parameters is left out.
///
///     optim::SGD optimizer(optim::split_weight_decay(model, 5e-4), {.lr = 0.1, .momentum = 0.9});
std::vector<SGDParamGroup> split_weight_decay(const nn::Module& module, double weight_decay);

}  // namespace norma::optim
