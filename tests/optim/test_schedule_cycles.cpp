// OneCycleLR, CyclicLR, CosineAnnealingWarmRestarts, SequentialLR, ChainedScheduler,
// MultiplicativeLR and SWALR. Their numbers are compared with PyTorch's in tests/parity.
#include <norma/norma.h>

#include <cstdio>
#include <memory>

#include "norma/tests/optim/support.h"

using namespace norma;
using namespace norma::optim;

namespace {

template <class Optimizer = SGD, class Group = SGDParamGroup>
std::unique_ptr<Optimizer> make_optimizer() {
  std::vector<Group> groups(2);
  groups[0].params = {start(0, 1)};
  groups[0].lr = 0.05;
  groups[1].params = {start(1, 1)};
  groups[1].lr = 0.4;
  return std::make_unique<Optimizer>(std::move(groups));
}

/// A schedule with those that it is made of.
struct Made {
  std::vector<std::unique_ptr<LRScheduler>> parts;
  std::unique_ptr<LRScheduler> whole;
};

using Make = Made (*)(Optimizer&);

const std::vector<Make> kKinds = {
    [](Optimizer& o) -> Made {
      return {{}, std::make_unique<OneCycleLR>(o, 1.0, OneCycleLROptions{.total_steps = 40})};
    },
    [](Optimizer& o) -> Made {
      return {{},
              std::make_unique<CyclicLR>(
                  o, 0.1, PerGroup{0.5, 1.0},
                  CyclicLROptions{.step_size_up = 5, .step_size_down = 3, .mode = "triangular2"})};
    },
    [](Optimizer& o) -> Made {
      return {{}, std::make_unique<CosineAnnealingWarmRestarts>(o, 4, 2, 0.01)};
    },
    [](Optimizer& o) -> Made {
      return {{}, std::make_unique<MultiplicativeLR>(o, [](int64_t) { return 0.9; })};
    },
    [](Optimizer& o) -> Made {
      return {{}, std::make_unique<SWALR>(o, PerGroup{0.3, 0.2})};
    },
    [](Optimizer& o) -> Made {
      Made made;
      made.parts.push_back(std::make_unique<LinearLR>(o));
      made.parts.push_back(std::make_unique<CosineAnnealingWarmRestarts>(o, 4, 2));
      made.parts.push_back(std::make_unique<MultiplicativeLR>(o, [](int64_t) { return 0.9; }));
      made.whole = std::make_unique<SequentialLR>(
          o,
          std::vector<LRScheduler*>{made.parts[0].get(), made.parts[1].get(), made.parts[2].get()},
          std::vector<int64_t>{5, 20});
      return made;
    },
    [](Optimizer& o) -> Made {
      Made made;
      made.parts.push_back(std::make_unique<LinearLR>(o));
      made.parts.push_back(std::make_unique<ExponentialLR>(o, 0.9));
      made.whole = std::make_unique<ChainedScheduler>(
          std::vector<LRScheduler*>{made.parts[0].get(), made.parts[1].get()});
      return made;
    },
};

std::vector<double> numbers(const Optimizer& o) {
  return {o.lr(0), o.lr(1), *o.momentum(0), *o.momentum(1)};
}

}  // namespace

TEST_CASE("Schedules in cycles and of others go on from their state, whichever is loaded first") {
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    CAPTURE(kind);
    const auto optimizer = make_optimizer();
    const Made made = kKinds[kind](*optimizer);
    for (int epoch = 0; epoch < 13; ++epoch) made.whole->step();
    const OptimizerState state = optimizer->state_dict();
    const SchedulerState position = made.whole->state_dict();
    std::vector<std::vector<double>> expected;
    for (int epoch = 0; epoch < 20; ++epoch) {
      made.whole->step();
      expected.push_back(numbers(*optimizer));
      CHECK(made.whole->get_last_lr() == std::vector<double>{optimizer->lr(0), optimizer->lr(1)});
    }
    CHECK(made.whole->last_epoch() == 33);
    for (const int order : {0, 1, 2}) {
      CAPTURE(order);
      const auto resumed = make_optimizer();
      if (order == 0) resumed->load_state_dict(state);
      const Made other = kKinds[kind](*resumed);
      if (order == 1) resumed->load_state_dict(state);
      other.whole->load_state_dict(position);
      if (order == 2) resumed->load_state_dict(state);
      CHECK(numbers(*resumed) ==
            std::vector<double>{state.groups[0].at("lr"), state.groups[1].at("lr"),
                                state.groups[0].at("momentum"), state.groups[1].at("momentum")});
      for (const auto& now : expected) {
        other.whole->step();
        CHECK(numbers(*resumed) == now);
      }
    }
  }
}

TEST_CASE("A checkpoint takes a schedule that is made of others") {
  const std::string path = "sequential.safetensors";
  const auto optimizer = make_optimizer(), resumed = make_optimizer();
  const Made made = kKinds[5](*optimizer), other = kKinds[5](*resumed);
  for (int epoch = 0; epoch < 7; ++epoch) made.whole->step();
  save_checkpoint(path, {.optimizer = optimizer.get(), .scheduler = made.whole.get()});
  load_checkpoint(path, {.optimizer = resumed.get(), .scheduler = other.whole.get()});
  std::remove(path.c_str());
  CHECK(other.whole->state_dict().values == made.whole->state_dict().values);
  made.whole->step();
  other.whole->step();
  CHECK(numbers(*resumed) == numbers(*optimizer));
}

TEST_CASE("Cycles change the momentum of SGD, and the first beta of Adam") {
  const auto sgd = make_optimizer();
  const auto adam = make_optimizer<Adam, AdamParamGroup>();
  OneCycleLR one(*sgd, 1.0, {.total_steps = 10, .max_momentum = {0.9, 0.8}});
  CyclicLR two(*adam, 0.1, 1.0, {.step_size_up = 4});
  CHECK(sgd->options(0).momentum == 0.9);
  CHECK(sgd->options(1).momentum == 0.8);
  CHECK(adam->options(0).betas == std::array<double, 2>{0.9, 0.999});
  one.step();
  two.step();
  two.step();
  CHECK(sgd->options(0).momentum < 0.9);
  CHECK(adam->options(1).betas[0] == Approx(0.85));
  CHECK(adam->options(1).betas[1] == 0.999);
  Adagrad without({start(0, 1)});
  CHECK(!without.momentum());
  CHECK(error_of([&] { without.set_momentum(0, 0.5); }) ==
        "[Adagrad] expected an optimizer with momentum or beta1");
  CHECK(error_of([&] { OneCycleLR(without, 1.0, {.total_steps = 10}); }) ==
        "[OneCycleLR] optimizer must support momentum or beta1 with `cycle_momentum` option "
        "enabled");
  CyclicLR quiet(without, 0.1, 1.0, {.cycle_momentum = false});
  CHECK(without.lr() == 0.1);
}

TEST_CASE("OneCycleLR ends with its steps, and has corners where PyTorch divides by zero") {
  const auto optimizer = make_optimizer();
  OneCycleLR scheduler(*optimizer, 1.0, {.total_steps = 4, .pct_start = 0.25});
  CHECK(optimizer->lr() == 1);  // a rise of no length
  for (int i = 0; i < 4; ++i) scheduler.step();
  CHECK(error_of([&] { scheduler.step(); }) ==
        "[OneCycleLR] Tried to step 5 times. The specified number of total steps is 4");
  CHECK(scheduler.last_epoch() == 4);
}

TEST_CASE("CosineAnnealingWarmRestarts goes to any place") {
  const auto a = make_optimizer(), b = make_optimizer();
  CosineAnnealingWarmRestarts steps(*a, 3, 2), places(*b, 3, 2);
  for (int epoch = 1; epoch <= 40; ++epoch) {
    steps.step();
    places.step(epoch);
    CHECK(b->lr(1) == Approx(a->lr(1)).epsilon(1e-14));
  }
  places.step(1.5);
  CHECK(b->lr(1) == Approx(0.2));
  CHECK(places.last_epoch() == 1);
  for (const double wrong : {-1.0, std::nan(""), 1e17})
    CHECK(has(error_of([&] { places.step(wrong); }),
              "[CosineAnnealingWarmRestarts] Expected non-negative epoch, but got "));
}

TEST_CASE("SequentialLR takes chains and sequences as parts") {
  const auto optimizer = make_optimizer();
  ConstantLR half(*optimizer, {.factor = 0.5, .total_iters = 2});
  ExponentialLR decay(*optimizer, 0.5);
  ChainedScheduler chain({&half, &decay});
  StepLR later(*optimizer, 1, 0.1);
  SequentialLR whole(*optimizer, {&later, &chain}, {2});
  std::vector<double> seen = {optimizer->lr(1)};
  for (int i = 0; i < 4; ++i) {
    whole.step();
    seen.push_back(optimizer->lr(1));
  }
  const std::vector<double> expected = {0.4, 0.04, 0.2, 0.1, 0.1};
  CHECK(worst(seen, expected) < 1e-14);
}

TEST_CASE("Schedules in cycles and of others refuse wrong options") {
  const auto optimizer = make_optimizer(), another = make_optimizer();
  SGD& o = *optimizer;
  const auto one = [&](const PerGroup& max_lr, const OneCycleLROptions& options) {
    return error_of([&] { OneCycleLR(o, max_lr, options); });
  };
  CHECK(one(1.0, {}) ==
        "[OneCycleLR] You must define either total_steps OR (epochs AND steps_per_epoch)");
  CHECK(one(1.0, {.total_steps = 0}) ==
        "[OneCycleLR] Expected positive integer total_steps, but got 0");
  CHECK(one(1.0, {.epochs = 0, .steps_per_epoch = 1}) ==
        "[OneCycleLR] Expected positive integer epochs, but got 0");
  CHECK(one(1.0, {.epochs = 1, .steps_per_epoch = -1}) ==
        "[OneCycleLR] Expected positive integer steps_per_epoch, but got -1");
  CHECK(has(one(1.0, {.epochs = int64_t{1} << 50, .steps_per_epoch = 1000}),
            "[OneCycleLR] expected at most 2^53 steps, got "));
  CHECK(one(1.0, {.total_steps = 5, .pct_start = 2}) ==
        "[OneCycleLR] Expected float between 0 and 1 pct_start, got 2");
  CHECK(one(1.0, {.total_steps = 5, .anneal_strategy = "sin"}) ==
        "[OneCycleLR] anneal_strategy must be one of 'cos' or 'linear', instead got sin");
  CHECK(one(1.0, {.total_steps = 5, .div_factor = 0}) ==
        "[OneCycleLR] expected div_factor > 0, got 0");
  CHECK(one(1.0, {.total_steps = 5, .final_div_factor = -1}) ==
        "[OneCycleLR] expected final_div_factor > 0, got -1");
  CHECK(one({1.0, 2.0, 3.0}, {.total_steps = 5}) ==
        "[OneCycleLR] max_lr must have the same length as optimizer.param_groups: expected 2 "
        "values, got 3; give one for all groups or one per group");
  CHECK(has(one(1.0, {.total_steps = 5, .base_momentum = {1, 2, 3}}),
            "[OneCycleLR] base_momentum must have the same length"));
  const auto cyclic = [&](const CyclicLROptions& options) {
    return error_of([&] { CyclicLR(o, 0.1, 1.0, options); });
  };
  CHECK(cyclic({.mode = "square"}) ==
        "[CyclicLR] mode is invalid and scale_fn is None: expected \"triangular\", "
        "\"triangular2\" or \"exp_range\", got \"square\"");
  CHECK(cyclic({.scale_mode = "days"}) ==
        "[CyclicLR] expected scale_mode \"cycle\" or \"iterations\", got \"days\"");
  CHECK(cyclic({.step_size_up = 0}) == "[CyclicLR] expected step_size_up >= 1, got 0");
  CHECK(cyclic({.step_size_down = 0}) == "[CyclicLR] expected step_size_down >= 1, got 0");
  CHECK(cyclic({.gamma = std::nan("")}) == "[CyclicLR] expected a number as gamma, got nan");
  CHECK(error_of([&] { CosineAnnealingWarmRestarts(o, 0); }) ==
        "[CosineAnnealingWarmRestarts] Expected positive integer T_0, but got 0");
  CHECK(error_of([&] { CosineAnnealingWarmRestarts(o, 1, 0); }) ==
        "[CosineAnnealingWarmRestarts] Expected integer T_mult >= 1, but got 0");
  CHECK(has(error_of([&] { CosineAnnealingWarmRestarts(o, 1, 1, std::nan("")); }),
            "expected a number as eta_min, got nan"));
  CHECK(error_of([&] { MultiplicativeLR(o, {}); }) ==
        "[MultiplicativeLR] expected a function from the epoch to a factor, got none");
  CHECK(error_of([&] { SWALR(o, 0.1, {.anneal_strategy = "sin"}); }) ==
        "[SWALR] anneal_strategy must be one of 'cos' or 'linear', instead got sin");
  CHECK(error_of([&] { SWALR(o, 0.1, {.anneal_epochs = -1}); }) ==
        "[SWALR] expected anneal_epochs >= 0, got -1");
  CHECK(has(error_of([&] {
              SWALR(o, {0.1, 0.2, 0.3});
            }),
            "[SWALR] swa_lr must have the same length as optimizer.param_groups"));
  CHECK(o.lr(0) == 0.05);  // nothing was touched
  CHECK(o.lr(1) == 0.4);

  StepLR a(o, 1), b(*another, 1);
  ReduceLROnPlateau plateau(o);
  const auto sequential = [&](std::vector<LRScheduler*> parts, std::vector<int64_t> milestones) {
    return error_of([&] { SequentialLR(o, std::move(parts), std::move(milestones)); });
  };
  CHECK(sequential({}, {}) ==
        "[SequentialLR] expects at least one scheduler, but got no scheduler");
  CHECK(sequential({&a, &a}, {}) ==
        "[SequentialLR] expects number of schedulers provided to be one more than the number of "
        "milestone points, but got number of schedulers 2 and the number of milestones to be equal "
        "to 0");
  CHECK(sequential({&a, nullptr}, {1}) ==
        "[SequentialLR] expected schedulers, got a null pointer at index 1");
  CHECK(sequential({&a, &plateau}, {1}) ==
        "[SequentialLR] does not support a ReduceLROnPlateau, whose step needs a metric, but got "
        "one at index 1; step it by itself");
  CHECK(sequential({&a, &b}, {1}) ==
        "[SequentialLR] expects all schedulers to belong to the same optimizer, but the StepLR at "
        "index 1 has another one");
  CHECK(sequential({&a, &a, &a}, {2, 1}) ==
        "[SequentialLR] expected milestones in rising order, got [2, 1]");
  CHECK(sequential({&a, &a}, {-1}) == "[SequentialLR] expected milestones.0 >= 0, got -1");
  CHECK(error_of([] { ChainedScheduler({}); }) ==
        "[ChainedScheduler] expects at least one scheduler to be chained, but got no scheduler");
  CHECK(error_of([] { ChainedScheduler({nullptr}); }) ==
        "[ChainedScheduler] expected schedulers, got a null pointer at index 0");
  SequentialLR whole(o, {&a}, {});
  SchedulerState state = whole.state_dict();
  state.values["schedulers.0.gamma"] = -1;
  CHECK(error_of([&] { whole.load_state_dict(state); }) ==
        "[StepLR::load_state_dict] expected gamma >= 0, got -1");
  state.values["schedulers.1.gamma"] = 1;
  state.values["schedulers.0.gamma"] = 1;
  CHECK(error_of([&] { whole.load_state_dict(state); }) ==
        "[SequentialLR::load_state_dict] expected no value \"schedulers.1.gamma\", got 1");
}

TEST_CASE("A step that throws does not count") {
  const auto optimizer = make_optimizer();
  CyclicLR cycle(*optimizer, {0.1, 0.2}, {1.0, 2.0}, {.cycle_momentum = false});
  optimizer->add_param_group({.params = {zeros({1}).requires_grad_()}});
  CHECK(error_of([&] { cycle.step(); }) != "no error");
  CHECK(cycle.last_epoch() == 0);
}
