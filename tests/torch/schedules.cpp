// LBFGS, and schedules of the learning rate: libtorch's, one's own, and by hand.
#include <torch/torch.h>

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
