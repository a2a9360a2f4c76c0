// Schedules in cycles, and schedules made of others: families/schedules.py.
#include <cmath>

#include "norma/tests/parity/optimisers.h"

namespace parity {
namespace {

using Schedule = std::unique_ptr<optim::LRScheduler>;

optim::PerGroup per_group(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return value.get<std::vector<double>>();
}

std::optional<int64_t> maybe(const Json& o, const char* name) {
  return o.contains(name) ? std::optional(o.at(name).get<int64_t>()) : std::nullopt;
}

Schedule one_cycle(optim::Optimizer& optimizer, const Json& o) {
  return std::make_unique<optim::OneCycleLR>(
      optimizer, per_group(o.at("max_lr")),
      optim::OneCycleLROptions{.total_steps = maybe(o, "total_steps"),
                               .epochs = maybe(o, "epochs"),
                               .steps_per_epoch = maybe(o, "steps_per_epoch"),
                               .pct_start = number(o, "pct_start"),
                               .anneal_strategy = o.at("anneal_strategy").get<std::string>(),
                               .cycle_momentum = o.at("cycle_momentum").get<bool>(),
                               .base_momentum = per_group(o.at("base_momentum")),
                               .max_momentum = per_group(o.at("max_momentum")),
                               .div_factor = number(o, "div_factor"),
                               .final_div_factor = number(o, "final_div_factor"),
                               .three_phase = o.at("three_phase").get<bool>()});
}

Schedule cyclic(optim::Optimizer& optimizer, const Json& o) {
  std::function<double(double)> scale;
  if (o.contains("scale"))
    scale = [base = number(o, "scale")](double x) { return std::pow(base, x); };
  return std::make_unique<optim::CyclicLR>(
      optimizer, per_group(o.at("base_lr")), per_group(o.at("max_lr")),
      optim::CyclicLROptions{.step_size_up = o.at("step_size_up").get<int64_t>(),
                             .step_size_down = maybe(o, "step_size_down"),
                             .mode = o.at("mode").get<std::string>(),
                             .gamma = number(o, "gamma"),
                             .scale_fn = scale,
                             .scale_mode = o.value("scale_mode", std::string("cycle")),
                             .cycle_momentum = o.at("cycle_momentum").get<bool>(),
                             .base_momentum = per_group(o.at("base_momentum")),
                             .max_momentum = per_group(o.at("max_momentum"))});
}

Schedule restarts(optim::Optimizer& optimizer, const Json& o) {
  return std::make_unique<optim::CosineAnnealingWarmRestarts>(
      optimizer, o.at("T_0").get<int64_t>(), o.at("T_mult").get<int64_t>(), number(o, "eta_min"));
}

Schedule multiplicative(optim::Optimizer& optimizer, const Json& o) {
  return std::make_unique<optim::MultiplicativeLR>(
      optimizer, [decay = number(o, "decay")](int64_t epoch) {
        return decay + 0.01 / static_cast<double>(epoch + 1);
      });
}

Schedule swa(optim::Optimizer& optimizer, const Json& o) {
  return std::make_unique<optim::SWALR>(
      optimizer, per_group(o.at("swa_lr")),
      optim::SWALROptions{.anneal_epochs = o.at("anneal_epochs").get<int64_t>(),
                          .anneal_strategy = o.at("anneal_strategy").get<std::string>()});
}

Schedule make(const std::string& kind, optim::Optimizer& optimizer, const Json& o) {
  if (kind == "CosineAnnealingWarmRestarts") return restarts(optimizer, o);
  if (kind == "MultiplicativeLR") return multiplicative(optimizer, o);
  return make_schedule(kind, optimizer, o);
}

template <class Optimiser, class Group>
std::unique_ptr<optim::Optimizer> two_groups(const Json& lr) {
  std::vector<Group> groups(2);
  for (std::size_t g = 0; g < 2; ++g) {
    groups[g].params = {norma::zeros({1}, {.requires_grad = true})};
    groups[g].lr = lr.at(g).get<double>();
  }
  return std::make_unique<Optimiser>(std::move(groups));
}

std::unique_ptr<optim::Optimizer> optimiser(const std::string& kind, const Json& lr) {
  if (kind == "Adam") return two_groups<optim::Adam, optim::AdamParamGroup>(lr);
  if (kind == "RMSprop") return two_groups<optim::RMSprop, optim::RMSpropParamGroup>(lr);
  return two_groups<optim::SGD, optim::SGDParamGroup>(lr);
}

// Rates and momenta of 100 steps.
template <class Step>
Tensors history(optim::Optimizer& optimizer, norma::DType dtype, const Step& step) {
  std::vector<double> values;
  const auto note = [&] {
    for (int64_t g : {0, 1}) {
      values.push_back(optimizer.lr(g));
      values.push_back(optimizer.momentum(g).value());
    }
  };
  note();
  for (int epoch = 0; epoch < 100; ++epoch) {
    optimizer.step();
    step(epoch);
    note();
  }
  return {norma::tensor(values).reshape({-1, 2, 2}).to(dtype)};
}

template <Schedule (*make_one)(optim::Optimizer&, const Json&)>
Tensors cycle(const Tensors& x, const Json& options) {
  const auto optimizer = optimiser(options.at("of").get<std::string>(), options.at("lr"));
  const Schedule schedule = make_one(*optimizer, options.at("options"));
  auto* const places = dynamic_cast<optim::CosineAnnealingWarmRestarts*>(schedule.get());
  const bool fractions = options.at("fractions").get<bool>();
  return history(*optimizer, x[0].dtype(), [&](int epoch) {
    if (fractions) {
      places->step((epoch + 1) * 0.375);
    } else {
      schedule->step();
    }
  });
}

template <bool sequential>
Tensors several(const Tensors& x, const Json& options) {
  const auto optimizer = optimiser("SGD", options.at("lr"));
  std::vector<Schedule> schedules;
  std::vector<optim::LRScheduler*> parts;
  for (const Json& chosen : options.at("schedules")) {
    schedules.push_back(make(chosen.at(0).get<std::string>(), *optimizer, chosen.at(1)));
    parts.push_back(schedules.back().get());
  }
  Schedule whole;
  if (sequential) {
    whole = std::make_unique<optim::SequentialLR>(
        *optimizer, parts, options.at("milestones").get<std::vector<int64_t>>());
  } else {
    whole = std::make_unique<optim::ChainedScheduler>(parts);
  }
  return history(*optimizer, x[0].dtype(), [&](int) { whole->step(); });
}

const Family family("schedules", {{"OneCycleLR", cycle<one_cycle>},
                                  {"CyclicLR", cycle<cyclic>},
                                  {"CosineAnnealingWarmRestarts", cycle<restarts>},
                                  {"MultiplicativeLR", cycle<multiplicative>},
                                  {"SWALR", cycle<swa>},
                                  {"SequentialLR", several<true>},
                                  {"ChainedScheduler", several<false>}});

}  // namespace
}  // namespace parity
