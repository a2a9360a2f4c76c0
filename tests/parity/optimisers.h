// What the replays of optimisers and schedules have in common.
#pragma once
#include <memory>
#include <utility>

#include "norma/tests/parity/parity.h"

namespace parity {

namespace optim = norma::optim;

inline double number(const Json& options, const char* name) {
  return options.at(name).get<double>();
}

/// The options that a group may be given halfway through a training.
template <class Options>
Options changed(Options options, const Json& change) {
  options.lr = change.value("lr", options.lr);
  options.maximize = change.value("maximize", options.maximize);
  if constexpr (requires { options.weight_decay; })
    options.weight_decay = change.value("weight_decay", options.weight_decay);
  if constexpr (requires { options.dampening; }) {
    options.momentum = change.value("momentum", options.momentum);
    options.dampening = change.value("dampening", options.dampening);
    options.nesterov = change.value("nesterov", options.nesterov);
  }
  return options;
}

/// One of SCHEDULES in families/optimisers.py.
std::unique_ptr<optim::LRScheduler> make_schedule(const std::string& kind,
                                                  optim::Optimizer& optimizer, const Json& o);

/// Trains the first half of `x` by the gradients in the second; `group_of(json, params)` makes a
/// parameter group.
template <class Optimiser, auto group_of>
Tensors optimise(const Tensors& x, const Json& options) {
  using Group = decltype(group_of(options, Tensors()));
  const std::size_t count = x.size() / 2;
  Tensors parameters;
  for (std::size_t i = 0; i < count; ++i) {
    parameters.push_back(x[i].clone());
    parameters.back().requires_grad_();
  }
  std::vector<Group> groups;
  std::vector<Group> late;
  for (std::size_t g = 0; g < options.at("groups").size(); ++g) {
    Tensors members;
    for (const Json& m : options.at("members").at(g)) {
      members.push_back(parameters.at(m.get<std::size_t>()));
    }
    (g > 0 && options.at("late").get<bool>() ? late : groups)
        .push_back(group_of(options.at("groups").at(g), std::move(members)));
  }
  Optimiser optimizer(std::move(groups));
  const int64_t steps = x[count].size(0);
  Tensors history;
  for (int64_t step = 0; step < steps; ++step) {
    if (step == steps / 2) {
      optimizer.set_options(0, changed(optimizer.options(0), options.at("change")));
      for (Group& group : late) optimizer.add_param_group(std::move(group));
    }
    Tensors flat;
    for (std::size_t i = 0; i < count; ++i) {
      const bool there = options.at("present").at(i).at(static_cast<std::size_t>(step)).get<bool>();
      parameters[i].set_grad(there ? x[count + i].select(0, step).clone() : Tensor());
    }
    optimizer.step();
    for (const Tensor& p : parameters) flat.push_back(p.detach().flatten().clone());
    history.push_back(norma::cat(flat));
  }
  return {norma::stack(history)};
}

/// A tensor that collects the rates of an optimiser's two groups.
class Rates {
 public:
  explicit Rates(const Json& options)
      : optimizer(std::vector<optim::SGDParamGroup>{
            {.params = {leaf()}, .lr = options.at("lr").at(0).get<double>()},
            {.params = {leaf()}, .lr = options.at("lr").at(1).get<double>()}}) {}
  void note() {
    for (int64_t group : {0, 1}) values_.push_back(optimizer.lr(group));
  }
  Tensor tensor(norma::DType dtype) const {
    return norma::tensor(values_).reshape({-1, 2}).to(dtype);
  }

  optim::SGD optimizer;

 private:
  static Tensor leaf() { return norma::zeros({1}, {.requires_grad = true}); }
  std::vector<double> values_;
};

}  // namespace parity
