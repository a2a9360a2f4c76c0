// Optimisers, schedules and clipping: families/optimisers.py.
#include <cmath>
#include <limits>
#include <memory>

#include "norma/tests/parity/optimisers.h"

namespace parity {

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

namespace {

optim::SGDParamGroup sgd_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .momentum = number(o, "momentum"),
          .dampening = number(o, "dampening"),
          .weight_decay = number(o, "weight_decay"),
          .nesterov = o.at("nesterov").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

optim::AdamParamGroup adam_group(const Json& o, Tensors params) {
  return {.params = std::move(params),
          .lr = number(o, "lr"),
          .betas = o.at("betas").get<std::array<double, 2>>(),
          .eps = number(o, "eps"),
          .weight_decay = number(o, "weight_decay"),
          .amsgrad = o.at("amsgrad").get<bool>(),
          .maximize = o.at("maximize").get<bool>()};
}

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

const Family family("optimisers", {{"SGD", optimise<optim::SGD, sgd_group>},
                                   {"Adam", optimise<optim::Adam, adam_group>},
                                   {"AdamW", optimise<optim::AdamW, adam_group>},
                                   {"schedule", schedule},
                                   {"plateau", plateau},
                                   {"clip_grad_norm_", clip_grad_norm},
                                   {"clip_grad_value_", clip_grad_value}});

}  // namespace
}  // namespace parity
