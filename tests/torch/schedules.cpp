// LBFGS, and schedules of the learning rate: libtorch's, one's own, and by hand.
#include <torch/torch.h>

#include "norma/tests/torch/refusal.h"

/// The rate falls linearly, in `steps` steps.
class Linear : public torch::optim::LRScheduler {
 public:
  Linear(torch::optim::Optimizer& optimizer, double first, unsigned steps)
      : LRScheduler(optimizer), first_(first), steps_(steps) {}

 private:
  std::vector<double> get_lrs() override {
    auto rates = get_current_lrs();
    for (auto& rate : rates) rate = first_ * (1.0 - static_cast<double>(step_count_) / steps_);
    return rates;
  }
  double first_;
  unsigned steps_;
};

double rate_of(torch::optim::Optimizer& optimizer) {
  return optimizer.param_groups()[0].options().get_lr();
}

/// Says more rates than there are groups.
class TooMany : public torch::optim::LRScheduler {
 public:
  using LRScheduler::LRScheduler;

 private:
  std::vector<double> get_lrs() override { return {0.1, 0.2}; }
};

void check_refusals(torch::optim::Optimizer& optimizer) {
  TORCH_CHECK(refusal([&] { torch::optim::StepLR(optimizer, 0); }) ==
              "[StepLR] expected step_size >= 1, got 0");
  TooMany many(optimizer);
  const double before = rate_of(optimizer);
  TORCH_CHECK(refusal([&] { many.step(); }) ==
              "[LRScheduler] expected a rate for each of 1 groups of parameters, got 2");
  TORCH_CHECK(rate_of(optimizer) == before);
}

/// Options that are changed between steps are those of the next.
void check_options() {
  auto w = torch::tensor({-1.5, 2.0}, torch::requires_grad());
  torch::optim::LBFGS lbfgs({w}, torch::optim::LBFGSOptions(0.01).max_iter(8));
  auto& options = static_cast<torch::optim::LBFGSOptions&>(lbfgs.param_groups()[0].options());
  TORCH_CHECK(options.max_eval() == 10);
  int count = 0;
  const auto closure = [&] {
    ++count;
    lbfgs.zero_grad();
    auto loss = (w * w).sum();
    loss.backward();
    return loss;
  };
  lbfgs.step(closure);
  TORCH_CHECK(count == 8, count);
  options.max_iter(2);
  count = 0;
  lbfgs.step(closure);
  TORCH_CHECK(count == 2 && lbfgs.core().options().max_iter == 2, count);
  options.line_search_fn("none");
  TORCH_CHECK(refusal([&] { lbfgs.step(closure); }) ==
              "[LBFGS] only 'strong_wolfe' is supported, got \"none\"");
}

int main() {
  auto w = torch::tensor({-1.5, 2.0}, torch::requires_grad());
  const auto valley = [&] {  // Rosenbrock's
    const auto x = w[0], y = w[1];
    return (1 - x).pow(2) + 100 * (y - x.pow(2)).pow(2);
  };
  torch::optim::LBFGS lbfgs(
      {w}, torch::optim::LBFGSOptions(1).max_iter(50).line_search_fn("strong_wolfe"));
  for (int i = 0; i < 3; ++i) {
    lbfgs.step([&]() {
      lbfgs.zero_grad();
      auto loss = valley();
      loss.backward();
      return loss;
    });
  }
  TORCH_CHECK(torch::allclose(w, torch::ones({2}), 1e-2, 1e-2), w);

  torch::optim::SGD sgd({w}, torch::optim::SGDOptions(1.0).momentum(0.9));
  check_options();
  check_refusals(sgd);
  torch::optim::StepLR halves(sgd, /*step_size=*/2, /*gamma=*/0.5);
  for (int i = 0; i < 3; ++i) halves.step();  // those of epochs 0, 1 and 2
  TORCH_CHECK(rate_of(sgd) == 0.5);
  Linear falls(sgd, 0.4, 4);
  for (int i = 0; i < 4; ++i) falls.step();
  TORCH_CHECK(std::abs(rate_of(sgd) - 0.1) < 1e-9);
  for (auto& group : sgd.param_groups()) {
    static_cast<torch::optim::SGDOptions&>(group.options()).lr(0.25);
  }
  torch::optim::AdamOptions adam(0.1);
  adam.betas() = {0.5, 0.9};
  adam.eps() = 1e-6;
  TORCH_CHECK(std::get<1>(adam.betas()) == 0.9 && adam.eps() == 1e-6 && adam.get_lr() == 0.1);
  w.mutable_grad() = torch::ones({2});
  const auto before = w.detach().clone();
  sgd.step();
  TORCH_CHECK(torch::allclose(before - w, torch::full({2}, 0.25)) && sgd.size() == 1);
}
