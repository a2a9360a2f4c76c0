#include <norma/norma.h>

#include <limits>
#include <memory>

#include "norma/tests/optim/golden_optim.h"
#include "norma/tests/optim/support.h"

using namespace norma;
using namespace norma::optim;

namespace {

using Schedulers = std::vector<std::unique_ptr<LRScheduler>>;

double metric(int epoch) {
  return epoch < 30 ? 1.0 - epoch / 64.0 : 0.53125 + (7 * epoch % 5) / 128.0;
}

template <class T, class... Args>
Schedulers one(Optimizer& optimizer, Args&&... args) {
  Schedulers result;
  result.push_back(std::make_unique<T>(optimizer, std::forward<Args>(args)...));
  return result;
}

// The schedules of golden_optim.py.
Schedulers make(const std::string& name, Optimizer& o) {
  if (name == "StepLR") return one<StepLR>(o, 7, 0.7);
  if (name == "MultiStepLR") return one<MultiStepLR>(o, std::vector<int64_t>{3, 10, 10, 42}, 0.3);
  if (name == "ExponentialLR") return one<ExponentialLR>(o, 0.93);
  if (name == "CosineAnnealingLR") return one<CosineAnnealingLR>(o, 30, 0.002);
  if (name == "LinearLR")
    return one<LinearLR>(
        o, LinearLROptions{.start_factor = 0.25, .end_factor = 0.8, .total_iters = 12});
  if (name == "LinearLR default") return one<LinearLR>(o);
  if (name == "ConstantLR")
    return one<ConstantLR>(o, ConstantLROptions{.factor = 0.3, .total_iters = 9});
  if (name == "PolynomialLR")
    return one<PolynomialLR>(o, PolynomialLROptions{.total_iters = 40, .power = 1.7});
  if (name == "LambdaLR")
    return one<LambdaLR>(o, [](int64_t e) { return 1 / (1 + static_cast<double>(e)); });
  if (name == "LinearLR and CosineAnnealingLR") {
    Schedulers both = one<LinearLR>(o, LinearLROptions{.start_factor = 0.1, .total_iters = 5});
    both.push_back(std::make_unique<CosineAnnealingLR>(o, 8));
    return both;
  }
  ReduceLROnPlateauOptions p;
  if (name == "ReduceLROnPlateau") p = {.factor = 0.5, .patience = 4};
  if (name == "ReduceLROnPlateau max")
    p = {.mode = "max", .factor = 0.8, .patience = 5, .cooldown = 3};
  if (name == "ReduceLROnPlateau abs")
    p = {.factor = 0.9,
         .patience = 0,
         .threshold = 0.02,
         .threshold_mode = "abs",
         .cooldown = 1,
         .min_lr = {0.01, 0.2}};
  if (name == "ReduceLROnPlateau max abs")
    p = {.mode = "max",
         .factor = 0.6,
         .patience = 2,
         .threshold = 0.01,
         .threshold_mode = "abs",
         .eps = 1e-3};
  return one<ReduceLROnPlateau>(o, p);
}

template <class T = SGD>
std::unique_ptr<T> make_optimizer() {
  auto optimizer = std::make_unique<T>(std::vector<Tensor>{start(0, 1)}, OptionsOf<T>{.lr = 0.05});
  optimizer->add_param_group({.params = {start(1, 1)}, .lr = 0.4});
  return optimizer;
}

void step(LRScheduler& scheduler, int epoch) {
  if (auto* plateau = dynamic_cast<ReduceLROnPlateau*>(&scheduler)) {
    plateau->step(metric(epoch));
  } else {
    scheduler.step();
  }
}

}  // namespace

TEMPLATE_TEST_CASE("Schedulers give PyTorch's rates for 100 epochs and two groups", "", SGD, Adam,
                   AdamW) {
  REQUIRE(kScheduleGolden.size() == 14);
  for (const ScheduleGolden& golden : kScheduleGolden) {
    CAPTURE(golden.name);
    const auto optimizer = make_optimizer<TestType>();
    const Schedulers schedulers = make(golden.name, *optimizer);
    std::vector<double> first, second;
    for (int epoch = 0; epoch <= 100; ++epoch) {
      first.push_back(optimizer->lr(0));
      if (epoch % 10 == 0) second.push_back(optimizer->lr(1));
      CHECK(schedulers.back()->last_epoch() == epoch);
      CHECK(schedulers.back()->get_last_lr() ==
            std::vector<double>{optimizer->lr(0), optimizer->lr(1)});
      for (const auto& scheduler : schedulers) step(*scheduler, epoch);
    }
    CHECK(worst(first, golden.first, 1e-15) < 1e-12);
    CHECK(worst(second, golden.second, 1e-15) < 1e-12);
  }
}

TEST_CASE("A scheduler's state moves to a new one, options included") {
  for (const ScheduleGolden& golden : kScheduleGolden) {
    CAPTURE(golden.name);
    const auto optimizer = make_optimizer();
    const Schedulers schedulers = make(golden.name, *optimizer);
    for (int epoch = 0; epoch < 37; ++epoch)
      for (const auto& scheduler : schedulers) step(*scheduler, epoch);

    const auto resumed = make_optimizer();
    const Schedulers others = make(golden.name, *resumed);
    for (std::size_t i = 0; i < others.size(); ++i)
      others[i]->load_state_dict(schedulers[i]->state_dict());
    resumed->load_state_dict(optimizer->state_dict());
    CHECK(others.back()->get_last_lr() == schedulers.back()->get_last_lr());
    CHECK(others.back()->state_dict().values == schedulers.back()->state_dict().values);
    for (int epoch = 37; epoch < 101; ++epoch) {
      for (const auto& scheduler : schedulers) step(*scheduler, epoch);
      for (const auto& scheduler : others) step(*scheduler, epoch);
      REQUIRE(resumed->lr(0) == optimizer->lr(0));
      REQUIRE(resumed->lr(1) == optimizer->lr(1));
    }
  }
  const auto a = make_optimizer(), b = make_optimizer();
  MultiStepLR from(*a, {1, 2, 5}, 0.5), to(*b, {}, 0.1);
  to.load_state_dict(from.state_dict());
  to.step();
  CHECK(b->lr() == 0.025);
  ReduceLROnPlateau high(*a, {.mode = "max", .threshold_mode = "abs", .min_lr = {0.1, 0.2}});
  ReduceLROnPlateau low(*b);
  low.load_state_dict(high.state_dict());
  CHECK(low.state_dict().values == high.state_dict().values);
  low.step(2.0);
  CHECK(low.best() == 2.0);
}

TEST_CASE("A scheduler refuses a state that does not fit, and keeps its own") {
  const auto optimizer = make_optimizer();
  StepLR scheduler(*optimizer, 7, 0.5);
  const SchedulerState good = scheduler.state_dict();
  const auto refused = [&](const SchedulerState& state) {
    const std::string message = error_of([&] { scheduler.load_state_dict(state); });
    CHECK(scheduler.state_dict().values == good.values);
    CHECK(error_of([&] { scheduler.check_state_dict(state); }) == message);
    return message;
  };
  SchedulerState base = good;
  base.values["gamma"] = 0.9;
  SchedulerState state = base;
  state.type = "ExponentialLR";
  CHECK(refused(state) ==
        "[StepLR::load_state_dict] expected the state of a StepLR, got one of "
        "\"ExponentialLR\"");
  state = base;
  state.values.erase("step_size");
  CHECK(has(refused(state), "expected the value \"step_size\", got none"));
  state = base;
  state.values["step_size"] = 0;
  CHECK(has(refused(state), "expected step_size >= 1, got 0"));
  state = base;
  state.values["last_epoch"] = 1.5;
  CHECK(has(refused(state), "expected last_epoch >= 0, got 1.5"));
  state = base;
  state.values["gamma"] = -1;
  CHECK(has(refused(state), "expected gamma >= 0, got -1"));
  state = base;
  state.values["T_max"] = 3;
  CHECK(has(refused(state), "expected no value \"T_max\", got 3"));
  state = base;
  state.values["last_lr.2"] = state.values["base_lrs.2"] = 0.5;
  CHECK(has(refused(state), "expected rates of 2 parameter groups, got 3"));
  state = base;
  state.values.erase("base_lrs.1");
  CHECK(has(refused(state), "expected rates of 2 parameter groups"));
  ReduceLROnPlateau plateau(*optimizer);
  state = plateau.state_dict();
  state.values["min_lr.1"] = state.values["min_lr.2"] = 0;
  CHECK(has(error_of([&] { plateau.load_state_dict(state); }), "expected 2 min_lrs, got 3"));
  state = plateau.state_dict();
  state.values["mode_max"] = 2;
  CHECK(has(error_of([&] { plateau.load_state_dict(state); }), "expected mode_max 0 or 1, got 2"));
  MultiStepLR few(*optimizer, {1}), many(*optimizer, {1, 2, 3});
  const auto values = few.state_dict().values;
  few.check_state_dict(many.state_dict());  // fits, and is not taken over by a mere check
  CHECK(few.state_dict().values == values);
}

TEST_CASE("Schedulers refuse wrong options") {
  const auto optimizer = make_optimizer();
  SGD& o = *optimizer;
  CHECK(error_of([&] { StepLR(o, 0); }) == "[StepLR] expected step_size >= 1, got 0");
  CHECK(error_of([&] { StepLR(o, 1, -0.5); }) == "[StepLR] expected gamma >= 0, got -0.5");
  CHECK(error_of([&] {
          MultiStepLR(o, {3, -1});
        }) == "[MultiStepLR] expected milestones.1 >= 0, got -1");
  CHECK(has(error_of([&] { ExponentialLR(o, -1); }), "[ExponentialLR] expected gamma >= 0"));
  CHECK(error_of([&] { CosineAnnealingLR(o, 0); }) ==
        "[CosineAnnealingLR] expected T_max >= 1, got 0");
  CHECK(error_of([&] { LinearLR(o, {.start_factor = 0}); }) ==
        "[LinearLR] Starting multiplicative factor expected to be greater than 0 and less or equal "
        "to 1, got 0");
  CHECK(has(error_of([&] { LinearLR(o, {.end_factor = 1.5}); }),
            "Ending multiplicative factor expected to be between 0 and 1, got 1.5"));
  CHECK(has(error_of([&] { LinearLR(o, {.total_iters = 0}); }), "expected total_iters >= 1"));
  CHECK(has(error_of([&] { ConstantLR(o, {.factor = 2}); }),
            "Constant multiplicative factor expected to be greater than 0 and less or equal to 1"));
  CHECK(has(error_of([&] { PolynomialLR(o, {.total_iters = -3}); }),
            "[PolynomialLR] expected total_iters >= 1, got -3"));
  CHECK(has(error_of([&] { PolynomialLR(o, {.power = -1}); }), "expected power >= 0"));
  CHECK(has(error_of([&] { LambdaLR(o, {}); }), "expected a function"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(o, {.mode = "up"}); }), "mode up is unknown!"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(o, {.threshold_mode = "up"}); }),
            "threshold mode up is unknown!"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(o, {.factor = 1}); }),
            "[ReduceLROnPlateau] Factor should be < 1.0, got 1"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(o, {.patience = -1}); }), "expected patience >= 0"));
  CHECK(has(error_of([&] {
              ReduceLROnPlateau(o, {.min_lr = {1, 2, 3}});
            }),
            "expected 2 min_lrs, got 3"));
  CHECK(o.lr(0) == 0.05);  // nothing was touched
  CHECK(o.lr(1) == 0.4);
  ReduceLROnPlateau plateau(o);
  LRScheduler& base = plateau;
  CHECK(has(error_of([&] { base.step(); }), "expected a metric, got none"));
}

TEST_CASE("A group added later counts from its own rate") {
  const auto optimizer = make_optimizer();
  LambdaLR scheduler(*optimizer, [](int64_t e) { return e < 2 ? 1.0 : 0.5; });
  scheduler.step();
  optimizer->add_param_group({.params = {start(0, 3)}, .lr = 8.0});
  scheduler.step();
  CHECK(scheduler.get_last_lr() == std::vector<double>{0.025, 0.2, 4.0});
}

TEMPLATE_TEST_CASE("A group added after the last step is part of a state, and counts from there",
                   "", SGD, Adam) {
  const auto made = make_optimizer<TestType>(), resumed = make_optimizer<TestType>();
  LinearLR scheduler(*made, {.start_factor = 0.5, .total_iters = 4});
  scheduler.step();
  made->add_param_group({.params = {start(0, 3)}, .lr = 8.0});
  resumed->add_param_group({.params = {start(0, 3)}, .lr = 8.0});
  LinearLR other(*resumed, {.start_factor = 0.5, .total_iters = 4});
  resumed->load_state_dict(made->state_dict());
  other.load_state_dict(scheduler.state_dict());
  for (int i = 0; i < 4; ++i) {
    scheduler.step();
    other.step();
    REQUIRE(other.get_last_lr().size() == 3);
    CHECK(other.get_last_lr() == scheduler.get_last_lr());
  }
  CHECK(other.state_dict().values == scheduler.state_dict().values);
  CHECK(resumed->state_dict().groups == made->state_dict().groups);
}

TEST_CASE("ReduceLROnPlateau reduces every group, those added later too") {
  const auto optimizer = make_optimizer<Adam>();
  ReduceLROnPlateau plateau(*optimizer, {.factor = 0.5, .patience = 0, .min_lr = {0.03}});
  ReduceLROnPlateau each(*optimizer, {.factor = 0.5, .patience = 0, .min_lr = {0.03, 0.3}});
  plateau.step(1.0);
  optimizer->add_param_group({.params = {start(0, 3)}, .lr = 8.0});
  plateau.step(1.0);
  CHECK(plateau.get_last_lr() == std::vector<double>{0.03, 0.2, 4.0});
  CHECK(error_of([&] { each.step(1.0); }) ==
        "[ReduceLROnPlateau] expected 3 min_lrs, got 2; give one for all groups or one per group");
  CHECK(each.last_epoch() == 0);
  CHECK(each.best() == std::numeric_limits<double>::infinity());
}

TEST_CASE("ReduceLROnPlateau takes NaN for no improvement") {
  const auto optimizer = make_optimizer();
  ReduceLROnPlateau plateau(*optimizer, {.factor = 0.5, .patience = 1});
  plateau.step(1.0);
  plateau.step(std::nan(""));
  CHECK(plateau.num_bad_epochs() == 1);
  plateau.step(std::nan(""));
  CHECK(optimizer->lr() == 0.025);
  CHECK(plateau.best() == 1.0);
}

TEST_CASE("A scheduler made anew begins with the rates of its first epoch") {
  for (const ScheduleGolden& golden : kScheduleGolden) {
    CAPTURE(golden.name);
    const auto optimizer = make_optimizer();
    Schedulers schedulers = make(golden.name, *optimizer);
    if (dynamic_cast<ReduceLROnPlateau*>(schedulers[0].get())) continue;  // sets none when made
    const std::vector<double> first = {optimizer->lr(0), optimizer->lr(1)};
    for (int restart = 0; restart < 3; ++restart) {
      for (int epoch = 0; epoch < 23; ++epoch) {
        for (const auto& scheduler : schedulers) step(*scheduler, epoch);
      }
      // One that is replaced lives until the new one is made; the others of a chain are gone.
      schedulers.resize(1);
      schedulers = make(golden.name, *optimizer);
      CHECK(optimizer->lr(0) == first[0]);
      CHECK(optimizer->lr(1) == first[1]);
      CHECK(schedulers.back()->get_last_lr() == first);
    }
  }
}

TEST_CASE("A rate set by hand is the initial one of the next scheduler") {
  const auto optimizer = make_optimizer();
  { StepLR(*optimizer, 1, 0.5).step(); }
  CHECK(optimizer->lr(0) == 0.025);
  optimizer->set_lr(0, 0.08);
  CosineAnnealingLR cosine(*optimizer, 2);
  CHECK(optimizer->lr(0) == 0.08);
  CHECK(optimizer->initial_lr(0) == 0.08);
  CHECK(optimizer->lr(1) == 0.4);  // left alone, so this group begins anew
  cosine.step();
  CHECK(optimizer->lr(0) == Approx(0.04));
  CHECK(optimizer->lr(1) == Approx(0.2));
}

TEST_CASE("A training goes on with its rates, in whatever order its parts are made and loaded") {
  const auto made = make_optimizer();
  LinearLR warm_up(*made, {.start_factor = 0.5, .total_iters = 4});
  ExponentialLR decay(*made, 0.9);
  const auto both = [](LRScheduler& a, LRScheduler& b) {
    a.step();
    b.step();
  };
  both(warm_up, decay);
  both(warm_up, decay);
  const OptimizerState state = made->state_dict();
  const SchedulerState first = warm_up.state_dict(), second = decay.state_dict();
  both(warm_up, decay);
  for (int order = 0; order < 4; ++order) {
    CAPTURE(order);
    const auto resumed = make_optimizer();
    if (order < 2) resumed->load_state_dict(state);
    LinearLR warm(*resumed, {.start_factor = 0.5, .total_iters = 4});
    if (order == 0) warm.load_state_dict(first);
    ExponentialLR exponential(*resumed, 0.9);
    if (order == 2) resumed->load_state_dict(state);
    if (order != 0) warm.load_state_dict(first);
    exponential.load_state_dict(second);
    if (order == 3) resumed->load_state_dict(state);
    both(warm, exponential);
    CHECK(resumed->lr(0) == made->lr(0));
    CHECK(resumed->lr(1) == made->lr(1));
  }
}
