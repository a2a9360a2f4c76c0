// RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam and Rprop. Their numbers with every option are
// compared with PyTorch's in tests/parity.
#include <norma/norma.h>

#include <cstdio>
#include <limits>

#include "norma/tests/optim/support.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using namespace norma::optim;

namespace {

template <class Optimizer>
struct GroupOf;
#define NORMA_GROUP(Name)          \
  template <>                      \
  struct GroupOf<Name> {           \
    using Type = Name##ParamGroup; \
  }
NORMA_GROUP(RMSprop);
NORMA_GROUP(Adagrad);
NORMA_GROUP(Adadelta);
NORMA_GROUP(Adamax);
NORMA_GROUP(NAdam);
NORMA_GROUP(RAdam);
NORMA_GROUP(Rprop);
#undef NORMA_GROUP

using Numbers = std::map<std::string, double>;
using Strings = std::vector<std::string>;

template <class Optimizer>
Numbers defaults() {
  return Optimizer({start(0, 2)}).state_dict().groups[0];
}

template <class Optimizer>
Strings state_names(const OptionsOf<Optimizer>& options = {}) {
  Tensor p = start(0, 5);
  Tensor without_gradient = start(1, 3);
  Optimizer optimizer({p, without_gradient}, options);
  p.set_grad(gradient(0, 0, 5));
  optimizer.step();
  Strings result;
  for (const std::string& name : names(optimizer.state_dict())) {
    REQUIRE(name.starts_with("state.0."));
    result.push_back(name.substr(8));
  }
  return result;
}

// One step from p = 1 with gradient 1.
template <class Optimizer>
double first_step(const OptionsOf<Optimizer>& options) {
  Tensor p = ones({1}, {.dtype = kFloat64}).requires_grad_();
  p.set_grad(ones({1}, {.dtype = kFloat64}));
  Optimizer({p}, options).step();
  return p.item<double>();
}

template <class Optimizer>
std::string refused(const OptionsOf<Optimizer>& options) {
  Optimizer optimizer({start(0, 2)});
  const std::string message = error_of([&] { Optimizer({start(0, 2)}, options); });
  CHECK(error_of([&] { optimizer.set_options(0, options); }) == message);
  return message;
}

}  // namespace

TEST_CASE("Adaptive optimisers begin with PyTorch's defaults") {
  CHECK(defaults<RMSprop>() == Numbers{{"lr", 0.01},
                                       {"alpha", 0.99},
                                       {"eps", 1e-8},
                                       {"weight_decay", 0},
                                       {"momentum", 0},
                                       {"centered", 0},
                                       {"maximize", 0}});
  CHECK(defaults<Adagrad>() == Numbers{{"lr", 0.01},
                                       {"lr_decay", 0},
                                       {"weight_decay", 0},
                                       {"initial_accumulator_value", 0},
                                       {"eps", 1e-10},
                                       {"maximize", 0}});
  CHECK(defaults<Adadelta>() ==
        Numbers{{"lr", 1}, {"rho", 0.9}, {"eps", 1e-6}, {"weight_decay", 0}, {"maximize", 0}});
  Numbers adam = {{"lr", 2e-3},  {"betas.0", 0.9},    {"betas.1", 0.999},
                  {"eps", 1e-8}, {"weight_decay", 0}, {"maximize", 0}};
  CHECK(defaults<Adamax>() == adam);
  adam["decoupled_weight_decay"] = 0;
  adam["momentum_decay"] = 4e-3;
  CHECK(defaults<NAdam>() == adam);
  adam.erase("momentum_decay");
  adam["lr"] = 1e-3;
  CHECK(defaults<RAdam>() == adam);
  CHECK(defaults<Rprop>() == Numbers{{"lr", 0.01},
                                     {"etas.0", 0.5},
                                     {"etas.1", 1.2},
                                     {"step_sizes.0", 1e-6},
                                     {"step_sizes.1", 50},
                                     {"maximize", 0}});
}

TEST_CASE("The state of adaptive optimisers has PyTorch's names, in its order") {
  CHECK(state_names<RMSprop>() == Strings{"step", "square_avg"});
  CHECK(state_names<RMSprop>({.momentum = 0.9}) ==
        Strings{"step", "square_avg", "momentum_buffer"});
  CHECK(state_names<RMSprop>({.centered = true}) == Strings{"step", "square_avg", "grad_avg"});
  CHECK(state_names<RMSprop>({.momentum = 0.9, .centered = true}) ==
        Strings{"step", "square_avg", "momentum_buffer", "grad_avg"});
  CHECK(state_names<Adagrad>() == Strings{"step", "sum"});
  CHECK(state_names<Adadelta>() == Strings{"step", "square_avg", "acc_delta"});
  CHECK(state_names<Adamax>() == Strings{"step", "exp_avg", "exp_inf"});
  CHECK(state_names<NAdam>() == Strings{"step", "mu_product", "exp_avg", "exp_avg_sq"});
  CHECK(state_names<RAdam>() == Strings{"step", "exp_avg", "exp_avg_sq"});
  CHECK(state_names<Rprop>() == Strings{"step", "prev", "step_size"});
}

TEST_CASE("The first step of adaptive optimisers, by hand") {
  CHECK(first_step<RMSprop>({.lr = 0.5, .alpha = 0.75, .eps = 0}) == 0);      // 1 - 0.5/0.5
  CHECK(first_step<RMSprop>({.lr = 0.5, .alpha = 0.75, .eps = 0.5}) == 0.5);  // 1 - 0.5/1
  CHECK(first_step<RMSprop>({.lr = 0.25, .alpha = 0.5, .eps = 0.5, .centered = true}) == 0.75);
  CHECK(first_step<Adagrad>({.lr = 1, .initial_accumulator_value = 3, .eps = 0}) == 0.5);
  CHECK(first_step<Adagrad>({.lr = 0.5, .eps = 0, .maximize = true}) == 1.5);
  CHECK(first_step<Adadelta>({.lr = 1, .rho = 0.75, .eps = 0.75}) ==
        Approx(1 - std::sqrt(0.75)).epsilon(1e-15));
  CHECK(first_step<Adamax>({.lr = 0.5, .betas = {0.5, 0.5}, .eps = 1}) == 0.75);  // u = 1 + 1
  CHECK(first_step<RAdam>({.lr = 0.25}) == Approx(0.75).epsilon(1e-15));          // ρ = 1
  CHECK(first_step<RAdam>({.lr = 0.5, .weight_decay = 0.5, .decoupled_weight_decay = true}) ==
        Approx(0.25).epsilon(1e-15));
  CHECK(first_step<NAdam>({.lr = 0.5, .betas = {0, 0}, .eps = 1, .weight_decay = 1}) ==
        Approx(1 - 0.5 * 2 / 3).epsilon(1e-15));
  CHECK(first_step<Rprop>({.lr = 0.25}) == 0.75);
  CHECK(first_step<Rprop>({.lr = 0.25, .step_sizes = {0.5, 2}}) == 0.5);
}

TEST_CASE("Rprop lengthens steps, shortens them where signs change, and then waits once") {
  Tensor p = tensor({0.0}).to(kFloat64).requires_grad_();
  Rprop optimizer({p}, {.lr = 1, .etas = {0.5, 2}});
  std::vector<double> seen;
  for (const double g : {3.0, 0.1, -5.0, -5.0, std::nan(""), 1.0}) {
    p.set_grad(tensor({g}).to(kFloat64));
    optimizer.step();
    seen.push_back(p.item<double>());
  }
  CHECK(seen == std::vector<double>{-1, -3, -3, -2, -2, -3});
}

TEMPLATE_TEST_CASE("Adaptive optimisers treat every element alike, on any number of threads", "",
                   RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, Rprop) {
  for (DType dtype : {kFloat32, kFloat64}) {
    double first = 0;
    for (int threads : {1, 3}) {
      const ThreadCount guard(threads);
      std::vector<Tensor> parameters;
      for (int64_t size : {1, 7, 33, 70001}) {
        parameters.push_back(ones({size}, {.dtype = dtype}).requires_grad_());
        parameters.back().set_grad(full({size}, 0.3, {.dtype = dtype}));
      }
      TestType optimizer(parameters, {.lr = 0.25});
      for (int i = 0; i < 3; ++i) optimizer.step();
      if (threads == 1) first = parameters[0].item<double>();
      for (const Tensor& parameter : parameters)
        CHECK(equal(parameter.detach(), full_like(parameter.detach(), first)));
    }
    CHECK(first < 1);
  }
}

TEMPLATE_TEST_CASE("A training by an adaptive optimiser goes on from a checkpoint to the last bit",
                   "", RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, Rprop) {
  using Group = typename GroupOf<TestType>::Type;
  const std::string path = "adaptive.safetensors";
  const auto advance = [](TestType& optimizer, Tensor a, Tensor b, int from, int to) {
    for (int step = from; step < to; ++step) {
      a.set_grad(gradient(step, 0, 5));
      if (step >= 2) b.set_grad(gradient(step, 1, 3));
      optimizer.step();
    }
  };
  const auto make = [](const Tensor& a, const Tensor& b) {
    return std::make_unique<TestType>(
        std::vector<Group>{{.params = {a}}, {.params = {b}, .lr = 0.5}},
        OptionsOf<TestType>{.lr = 0.125});
  };
  Tensor a = start(0, 5), b = start(1, 3);
  const auto first = make(a, b);
  CHECK(first->lr(0) == 0.125);
  CHECK(first->lr(1) == 0.5);
  advance(*first, a, b, 0, 4);
  CHECK(count_of(*first, 0) == 4);
  CHECK(count_of(*first, 1) == 2);
  first->set_lr(1, 0.75);
  save_checkpoint(path, {.optimizer = first.get()});
  Tensor c = a.detach().clone().requires_grad_(), d = b.detach().clone().requires_grad_();
  const auto second = make(c, d);
  load_checkpoint(path, {.optimizer = second.get()});
  std::remove(path.c_str());
  CHECK(second->state_dict().groups == first->state_dict().groups);
  advance(*first, a, b, 4, 9);
  advance(*second, c, d, 4, 9);
  CHECK(equal(a.detach(), c.detach()));
  CHECK(equal(b.detach(), d.detach()));
}

TEST_CASE("RMSprop's momentum and centering can be switched on later") {
  Tensor p = start(0, 5);
  RMSprop optimizer({p});
  p.set_grad(gradient(0, 0, 5));
  optimizer.step();
  optimizer.set_options(0, {.momentum = 0.5, .centered = true});
  optimizer.load_state_dict(optimizer.state_dict());
  CHECK(optimizer.state_dict().tensors.size() == 2);
  optimizer.step();
  CHECK(optimizer.state_dict().tensors.size() == 4);
}

TEST_CASE("Adaptive optimisers refuse wrong options in PyTorch's words") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused<RMSprop>({.lr = -1}) == "[RMSprop] Invalid learning rate: -1; expected lr >= 0");
  CHECK(refused<RMSprop>({.alpha = -1}) ==
        "[RMSprop] Invalid alpha value: -1; expected alpha >= 0");
  CHECK(refused<RMSprop>({.eps = nan}) ==
        "[RMSprop] Invalid epsilon value: nan; expected eps >= 0");
  CHECK(refused<RMSprop>({.weight_decay = -1}) ==
        "[RMSprop] Invalid weight_decay value: -1; expected weight_decay >= 0");
  CHECK(refused<RMSprop>({.momentum = -1}) ==
        "[RMSprop] Invalid momentum value: -1; expected momentum >= 0");
  CHECK(refused<Adagrad>({.lr = -1}) == "[Adagrad] Invalid learning rate: -1; expected lr >= 0");
  CHECK(refused<Adagrad>({.lr_decay = -1}) ==
        "[Adagrad] Invalid lr_decay value: -1; expected lr_decay >= 0");
  CHECK(refused<Adagrad>({.weight_decay = -1}) ==
        "[Adagrad] Invalid weight_decay value: -1; expected weight_decay >= 0");
  CHECK(refused<Adagrad>({.initial_accumulator_value = -1}) ==
        "[Adagrad] Invalid initial_accumulator_value value: -1; expected "
        "initial_accumulator_value >= 0");
  CHECK(refused<Adagrad>({.eps = -1}) == "[Adagrad] Invalid epsilon value: -1; expected eps >= 0");
  CHECK(refused<Adadelta>({.rho = 1.5}) ==
        "[Adadelta] Invalid rho value: 1.5; expected 0 <= rho <= 1");
  CHECK(refused<Adadelta>({.eps = -1}) ==
        "[Adadelta] Invalid epsilon value: -1; expected eps >= 0");
  CHECK(refused<Adamax>({.betas = {1, 0}}) ==
        "[Adamax] Invalid beta parameter at index 0: 1; expected 0 <= beta < 1");
  CHECK(refused<RAdam>({.betas = {0, 1}}) ==
        "[RAdam] Invalid beta parameter at index 1: 1; expected 0 <= beta < 1");
  CHECK(refused<NAdam>({.momentum_decay = -1}) ==
        "[NAdam] Invalid momentum_decay value: -1; expected momentum_decay >= 0");
  for (const std::array<double, 2>& etas :
       {std::array{0.0, 1.5}, std::array{1.5, 2.0}, std::array{0.5, 1.0}, std::array{nan, 2.0}})
    CHECK(has(refused<Rprop>({.etas = etas}), "; expected 0 < etas[0] < 1 < etas[1]"));
  CHECK(has(refused<Rprop>({.etas = {0.5, 1}}), "[Rprop] Invalid eta values: 0.5, 1; expected"));
  CHECK(refused<Rprop>({.step_sizes = {nan, 1}}) ==
        "[Rprop] Invalid smallest step size: nan; expected a number");
  CHECK(refused<Rprop>({.step_sizes = {1, nan}}) ==
        "[Rprop] Invalid largest step size: nan; expected a number");
  Tensor p = start(0, 2);
  CHECK(error_of([&] {
          NAdam({{.params = {p}, .betas = {{0.5, 2}}}});
        }) == "[NAdam] Invalid beta parameter at index 1: 2; expected 0 <= beta < 1");
  CHECK(has(error_of([] { Adagrad(std::vector<Tensor>{}); }),
            "[Adagrad] optimizer got an empty parameter list; expected at least one parameter"));
}

TEST_CASE("NAdam's product of momenta is one number, and finite") {
  Tensor p = start(0, 2);
  NAdam optimizer({p});
  p.set_grad(gradient(0, 0, 2));
  optimizer.step();
  const double mu = 0.9 * (1 - 0.5 * std::pow(0.96, 4e-3));
  CHECK(state_of(optimizer, "state.0.mu_product").item<double>() == Approx(mu).epsilon(1e-7));
  OptimizerState state = optimizer.state_dict().clone();
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    state.tensors[1].second = full({}, wrong);
    CHECK(has(error_of([&] { optimizer.load_state_dict(state); }),
              "expected a finite number for state.0.mu_product, got "));
  }
  state.tensors[1].second = full({2}, 0.5);
  CHECK(
      has(error_of([&] { optimizer.load_state_dict(state); }),
          "size mismatch for state.0.mu_product: copying a tensor with shape [2] from checkpoint, "
          "expected one number."));
}

TEST_CASE("step takes a closure, as PyTorch's does") {
  Tensor p = ones({2}).requires_grad_();
  SGD optimizer({p}, {.lr = 0.25});
  const NoGradGuard no_grad;
  const Tensor loss = optimizer.step([&] {
    optimizer.zero_grad();
    Tensor value = (p * p).sum();
    value.backward();
    return value;
  });
  CHECK(loss.item<double>() == 2);
  CHECK(to_vector(p) == std::vector<double>{0.5, 0.5});
  CHECK(error_of([&] { optimizer.step(std::function<Tensor()>()); }) ==
        "[SGD] expected a closure that returns the loss, got none");
}
