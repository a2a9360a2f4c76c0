// Optimisers, schedules and clipping: families/optimisers.py.
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace optim = norma::optim;

double number(const Json& options, const char* name) { return options.at(name).get<double>(); }

optim::SGDParamGroup group_of(const Json& o, Tensors params, optim::SGDParamGroup) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .momentum = number(o, "momentum"),
          .dampening = number(o, "dampening"),
          .weight_decay = number(o, "weight_decay"),
          .nesterov = o.at("nesterov").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

optim::AdamParamGroup group_of(const Json& o, Tensors params, optim::AdamParamGroup) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .betas = o.at("betas").get<std::array<double, 2>>(),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .amsgrad = o.at("amsgrad").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

template <class Options>
Options changed(Options options, const Json& change) {
  options.lr = change.value("lr", options.lr);
  options.weight_decay = change.value("weight_decay", options.weight_decay);
  options.maximize = change.value("maximize", options.maximize);
  if constexpr (std::is_same_v<Options, optim::SGDOptions>) {
    options.momentum = change.value("momentum", options.momentum);
    options.dampening = change.value("dampening", options.dampening);
    options.nesterov = change.value("nesterov", options.nesterov);
  }
  return options;
}

template <class Optimiser, class Group>
Tensors optimise(const Tensors& x, const Json& options) {
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
        .push_back(group_of(options.at("groups").at(g), std::move(members), Group()));
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

std::unique_ptr<optim::LRScheduler> make_schedule(const std::string& kind,
                                                  optim::Optimizer& optimizer, const Json& o) {
  const auto integer = [&](const char* name) { return o.at(name).get<int64_t>(); };
  if (kind == "StepLR") {
    return std::make_unique<optim::StepLR>(optimizer, integer("step_size"), number(o, "gamma"));
  }
  if (kind == "MultiStepLR") {
    return std::make_unique<optim::MultiStepLR>(
        optimizer, o.at("milestones").get<std::vector<int64_t>>(), number(o, "gamma"));
  }
  if (kind == "ExponentialLR") {
    return std::make_unique<optim::ExponentialLR>(optimizer, number(o, "gamma"));
  }
  if (kind == "CosineAnnealingLR") {
    return std::make_unique<optim::CosineAnnealingLR>(optimizer, integer("T_max"),
                                                      number(o, "eta_min"));
  }
  if (kind == "LinearLR") {
    return std::make_unique<optim::LinearLR>(
        optimizer, optim::LinearLROptions{.start_factor = number(o, "start_factor"),
                                          .end_factor = number(o, "end_factor"),
                                          .total_iters = integer("total_iters")});
  }
  if (kind == "ConstantLR") {
    return std::make_unique<optim::ConstantLR>(
        optimizer, optim::ConstantLROptions{.factor = number(o, "factor"),
                                            .total_iters = integer("total_iters")});
  }
  if (kind == "PolynomialLR") {
    return std::make_unique<optim::PolynomialLR>(
        optimizer, optim::PolynomialLROptions{.total_iters = integer("total_iters"),
                                              .power = number(o, "power")});
  }
  if (kind == "LambdaLR") {
    return std::make_unique<optim::LambdaLR>(optimizer,
                                             [decay = number(o, "decay")](int64_t epoch) {
                                               const auto e = static_cast<double>(epoch);
                                               return std::pow(decay, e) / (1 + e);
                                             });
  }
  throw std::runtime_error("unknown schedule " + kind);
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

Tensors schedule(const Tensors& x, const Json& options) {
  Rates rates(options);
  std::vector<std::unique_ptr<optim::LRScheduler>> schedules;
  for (const Json& chosen : options.at("schedules")) {
    schedules.push_back(
        make_schedule(chosen.at(0).get<std::string>(), rates.optimizer, chosen.at(1)));
  }
  rates.note();
  for (int step = 0; step < 100; ++step) {
    rates.optimizer.step();
    for (const auto& each : schedules) each->step();
    rates.note();
  }
  return {rates.tensor(x[0].dtype())};
}

Tensors plateau(const Tensors& x, const Json& o) {
  Rates rates(o);
  const Json& min_lr = o.at("min_lr");
  optim::ReduceLROnPlateau schedule(
      rates.optimizer, {.mode = o.at("mode").get<std::string>(),
                        .factor = number(o, "factor"),
                        .patience = o.at("patience").get<int64_t>(),
                        .threshold = number(o, "threshold"),
                        .threshold_mode = o.at("threshold_mode").get<std::string>(),
                        .cooldown = o.at("cooldown").get<int64_t>(),
                        .min_lr = min_lr.is_array() ? min_lr.get<std::vector<double>>()
                                                    : std::vector<double>{min_lr.get<double>()},
                        .eps = number(o, "eps")});
  for (int64_t i = 0; i < x[0].size(0); ++i) {
    schedule.step(x[0][i].item<double>());
    rates.note();
  }
  return {rates.tensor(x[0].dtype())};
}

/// Leaves whose gradients are the inputs.
Tensors with_gradients(const Tensors& gradients) {
  Tensors leaves;
  for (const Tensor& gradient : gradients) {
    leaves.push_back(
        norma::zeros(gradient.sizes(), {.dtype = gradient.dtype(), .requires_grad = true}));
    leaves.back().set_grad(gradient.clone());
  }
  return leaves;
}

Tensors clip_grad_norm(const Tensors& x, const Json& options) {
  const Tensors leaves = with_gradients(x);
  const Json& type = options.at("norm_type");
  const double norm = optim::clip_grad_norm_(
      leaves, number(options, "max_norm"),
      type.is_string() ? std::numeric_limits<double>::infinity() : type.get<double>());
  Tensors outputs{norma::tensor(norm, {.dtype = x[0].dtype()})};
  for (const Tensor& leaf : leaves) outputs.push_back(leaf.grad());
  return outputs;
}

Tensors clip_grad_value(const Tensors& x, const Json& options) {
  const Tensors leaves = with_gradients(x);
  optim::clip_grad_value_(leaves, number(options, "limit"));
  return {leaves[0].grad()};
}

const Family family("optimisers", {{"SGD", optimise<optim::SGD, optim::SGDParamGroup>},
                                   {"Adam", optimise<optim::Adam, optim::AdamParamGroup>},
                                   {"AdamW", optimise<optim::AdamW, optim::AdamParamGroup>},
                                   {"schedule", schedule},
                                   {"plateau", plateau},
                                   {"clip_grad_norm_", clip_grad_norm},
                                   {"clip_grad_value_", clip_grad_value}});

}  // namespace
}  // namespace parity
