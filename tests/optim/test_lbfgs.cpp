// LBFGS. Its numbers with every option are compared with PyTorch's in tests/parity.
#include <norma/norma.h>

#include <cstdio>
#include <limits>

#include "norma/tests/optim/support.h"

using namespace norma;
using optim::LBFGS;
using optim::LBFGSOptions;

namespace {

Tensor rosenbrock(const Tensor& p) {
  const Tensor x = p.select(0, 0), y = p.select(0, 1);
  return (1.0 - x).square() + (y - x.square()).square() * 100.0;
}

Tensor beginning() { return tensor({-1.5, 2.0}).to(kFloat64).requires_grad_(); }

Tensor step(LBFGS& optimizer, const Tensor& p) {
  return optimizer.step([&] {
    optimizer.zero_grad();
    Tensor loss = rosenbrock(p);
    loss.backward();
    return loss;
  });
}

std::string refused(const LBFGSOptions& options) {
  return error_of([&] { LBFGS({start(0, 2)}, options); });
}

}  // namespace

TEST_CASE("LBFGS finds the minimum of a curved valley") {
  for (DType dtype : {kFloat32, kFloat64}) {
    Tensor p = beginning().detach().to(dtype).requires_grad_();
    LBFGS optimizer({p}, {.line_search_fn = "strong_wolfe"});
    const Tensor loss = step(optimizer, p);
    CHECK(loss.item<double>() == Approx(12.5));  // where it began
    for (int i = 0; i < 4; ++i) step(optimizer, p);
    CHECK(worst(to_vector(p), {1, 1}) < (dtype == kFloat32 ? 1e-3 : 1e-5));
  }
}

TEST_CASE("LBFGS goes on from a checkpoint to the last bit") {
  const std::string path = "lbfgs.safetensors";
  for (const bool search : {false, true}) {
    LBFGSOptions options{.lr = search ? 1.0 : 1e-3, .max_iter = 4, .history_size = 3};
    if (search) options.line_search_fn = "strong_wolfe";
    Tensor p = beginning();
    LBFGS first({p}, options);
    CHECK(first.state_dict().tensors.empty());
    step(first, p);
    step(first, p);
    save_checkpoint(path, {.optimizer = &first});
    Tensor q = p.detach().clone().requires_grad_();
    LBFGS second({q});
    load_checkpoint(path, {.optimizer = &second});
    CHECK(second.options().max_iter == 4);
    CHECK(second.options().max_eval == 5);
    CHECK(second.options().line_search_fn == options.line_search_fn);
    for (int i = 0; i < 3; ++i) {
      step(first, p);
      step(second, q);
      CHECK(equal(p.detach(), q.detach()));
    }
  }
  std::remove(path.c_str());
}

TEST_CASE("LBFGS's state has PyTorch's names, and is checked") {
  Tensor p = beginning();
  LBFGS optimizer({p}, {.max_iter = 3, .line_search_fn = "strong_wolfe"});
  step(optimizer, p);
  const optim::OptimizerState good = optimizer.state_dict().clone();
  CHECK(names(good) == std::vector<std::string>{"state.0.func_evals", "state.0.n_iter", "state.0.d",
                                                "state.0.t", "state.0.old_dirs", "state.0.old_stps",
                                                "state.0.ro", "state.0.H_diag",
                                                "state.0.prev_flat_grad", "state.0.prev_loss"});
  const std::string op = "[LBFGS::load_state_dict] ";
  const auto error = [&](const optim::OptimizerState& state) {
    return error_of([&] { optimizer.load_state_dict(state); });
  };
  optim::OptimizerState state = good;
  CHECK(error(state) == "no error");
  state.tensors[2].second = zeros({3});
  CHECK(error(state) == op + "expected a floating tensor of shape [2] for state.0.d");
  state = good;
  state.tensors.pop_back();
  CHECK(error(state) == op + "Missing key in state: \"state.0.prev_loss\"");
  state = good;
  state.tensors.emplace_back("state.0.al", zeros({2}));
  CHECK(error(state) == op + "Unexpected key in state: \"state.0.al\"");
  state = good;
  state.tensors.push_back(state.tensors[0]);
  CHECK(error(state) == op + "expected every entry of the state once");
  state = good;
  state.tensors[0].second = full({}, 1.5);
  CHECK(error(state) == op + "expected a whole number >= 0 for state.0.func_evals, got 1.5");
  state = good;
  state.groups[0].erase("lr");
  CHECK(error(state) == op + "expected the option \"lr\" in every group");
  state = good;
  state.groups[0]["betas"] = 1;
  CHECK(error(state) == op + "expected options of LBFGS, got \"betas\"");
  state = good;
  state.groups[0]["max_iter"] = 0.5;
  CHECK(error(state) == op + "expected a whole number as max_iter, got 0.5");
  state = good;
  state.groups[0]["maximize"] = 2;
  CHECK(error(state) == op + "expected maximize 0 or 1, got 2");
  CHECK(equal(state_of(optimizer, "state.0.d"), good.tensors[2].second));
}

TEST_CASE("LBFGS refuses wrong options, and steps without a closure") {
  CHECK(refused({.lr = -1}) == "[LBFGS] Invalid learning rate: -1; expected lr >= 0");
  CHECK(refused({.max_iter = 0}) == "[LBFGS] expected max_iter >= 1, got 0");
  CHECK(refused({.max_eval = 0}) == "[LBFGS] expected max_eval >= 1, got 0");
  CHECK(refused({.history_size = 0}) == "[LBFGS] expected history_size >= 1, got 0");
  CHECK(refused({.tolerance_grad = std::nan("")}) ==
        "[LBFGS] expected numbers as tolerances, got nan");
  CHECK(refused({.line_search_fn = "armijo"}) ==
        "[LBFGS] only 'strong_wolfe' is supported, got \"armijo\"");
  CHECK(error_of([] {
          LBFGS({start(0, 2), start(0, 2, kFloat32)});
        }) == "[LBFGS] expected parameters of one dtype, got float64 and float32");
  CHECK(has(error_of([] { LBFGS(std::vector<Tensor>{}); }),
            "[LBFGS] optimizer got an empty parameter list"));
  Tensor p = beginning();
  LBFGS optimizer({p});
  optim::Optimizer& base = optimizer;
  const std::string none =
      "[LBFGS] expected a closure that returns the loss, got none; write step([&] { … })";
  CHECK(error_of([&] { base.step(); }) == none);
  CHECK(error_of([&] { base.step(std::function<Tensor()>()); }) == none);
  CHECK(error_of([&] { base.step([] { return Tensor(); }); }) ==
        "[LBFGS] expected a closure that returns the loss, one number");
  CHECK(error_of([&] { optimizer.set_lr(1, 0.5); }) ==
        "[LBFGS] expected a parameter group in [0, 1), got 1");
  optimizer.set_lr(std::nan(""));
  CHECK(error_of([&] { step(optimizer, p); }) == "[LBFGS] expected a learning rate, got nan");
  CHECK(LBFGS({p}).options().max_eval == 25);
}

TEST_CASE("LBFGS takes other options between steps") {
  Tensor p = beginning();
  LBFGS optimizer({p}, {.lr = 1e-3, .max_iter = 6, .history_size = 5});
  const auto evaluations = [&] {
    int64_t count = 0;
    static_cast<void>(optimizer.step([&] {
      ++count;
      optimizer.zero_grad();
      Tensor loss = rosenbrock(p);
      loss.backward();
      return loss;
    }));
    return count;
  };
  CHECK(evaluations() == 6);
  optimizer.set_options({.lr = 1e-3, .max_iter = 3, .history_size = 2});
  CHECK(evaluations() == 3);
  CHECK(optimizer.options().max_eval == 3);
  CHECK(state_of(optimizer, "state.0.old_dirs").size(0) == 2);
  CHECK(error_of([&] { optimizer.set_options({.history_size = 0}); }) ==
        "[LBFGS] expected history_size >= 1, got 0");
  CHECK(optimizer.options().max_iter == 3);
}
