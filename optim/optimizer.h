// The base of optimisers: parameter groups, state, step.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "norma/layers/module.h"

namespace norma::optim {

/// What an optimiser remembers, in PyTorch's layout: per parameter (numbered across groups) named
/// tensors such as "momentum_buffer"; per group the options as numbers.
struct OptimizerState {
  std::string type;  ///< "SGD"
  /// "state.0.momentum_buffer" → tensor
  NamedTensors tensors;
  /// One map per group: {"lr": 0.1, "momentum": 0.9, …}
  std::vector<std::map<std::string, double>> groups;
  /// Number of parameters per group.
  std::vector<int64_t> group_sizes;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One update from the gradients; parameters without a gradient are skipped. Never writes to
  /// .grad.
  virtual void step() = 0;
  /// Drops the gradients of all parameters (`set_to_none`), or zeroes them.
  void zero_grad(bool set_to_none = true);

  /// Number of parameter groups; their learning rates, which schedulers set.
  int64_t group_count() const { return static_cast<int64_t>(group_parameters_.size()); }
  virtual double lr(int64_t group = 0) const = 0;
  virtual void set_lr(int64_t group, double lr) = 0;
  /// For every group.
  void set_lr(double lr);
  const std::vector<Tensor>& parameters(int64_t group) const;

  virtual OptimizerState state_dict() const = 0;
  /// Everything is checked before anything changes.
  virtual void load_state_dict(const OptimizerState& state) = 0;

 protected:
  /// Checks that the parameters are leaves and in no group yet.
  void add_parameters(std::vector<Tensor> parameters, const char* op);
  std::vector<std::vector<Tensor>> group_parameters_;
};

}  // namespace norma::optim
