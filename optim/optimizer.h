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
  /// One map per group: {"lr": 0.1, "momentum": 0.9, …}, with "initial_lr" once a scheduler was
  /// made.
  std::vector<std::map<std::string, double>> groups;
  /// Number of parameters per group.
  std::vector<int64_t> group_sizes;
};

/// Schedulers point at their optimiser: it can be neither copied nor moved.
class Optimizer {
 public:
  Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// One update from the gradients; parameters without a gradient are skipped. Never writes to
  /// .grad.
  virtual void step() = 0;
  /// Drops the gradients of all parameters (`set_to_none`), or fills them with zeros.
  void zero_grad(bool set_to_none = true);

  int64_t group_count() const { return static_cast<int64_t>(group_parameters_.size()); }
  const std::vector<Tensor>& parameters(int64_t group) const;
  /// The learning rate of a group, which schedulers set.
  virtual double lr(int64_t group = 0) const = 0;
  virtual void set_lr(int64_t group, double lr) = 0;
  /// For every group.
  void set_lr(double lr);
  /// The rate from which schedules count: the group's rate at the first call, which the first
  /// scheduler makes. A second scheduler on the same optimiser gets the same.
  double initial_lr(int64_t group);

  /// The tensors share memory with the optimiser's.
  virtual OptimizerState state_dict() const = 0;
  /// Throws, naming everything that does not fit, unless `load_state_dict` would take `state`.
  virtual void check_state_dict(const OptimizerState& state) const = 0;
  /// Copies the values in, options included. Everything is checked before anything changes.
  virtual void load_state_dict(const OptimizerState& state) = 0;

 protected:
  /// Appends a group. Throws `[op] …` when a parameter is undefined, no leaf, not floating, listed
  /// twice or in another group.
  void add_parameters(std::vector<Tensor> parameters, const char* op);
  /// Throws `[op] …` unless `group` is one.
  void check_group(int64_t group, const char* op) const;
  int64_t parameter_count() const;
  /// The part of `check_state_dict` that every optimiser needs: type, groups and their sizes.
  void check_layout(const OptimizerState& state, const std::string& type, const char* op) const;

  std::vector<std::vector<Tensor>> group_parameters_;
  std::vector<double> initial_lrs_;  // NaN until asked for
};

}  // namespace norma::optim
