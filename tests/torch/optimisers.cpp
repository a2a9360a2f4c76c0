// Optimisers: groups, rates, schedules, files.
#include <torch/torch.h>

#include <filesystem>

namespace {

double loss_after(torch::optim::Optimizer& optimizer, torch::nn::Linear& model, int steps) {
  const auto x = torch::arange(8, torch::kFloat).view({4, 2}) / 8;
  const auto y = x.sum(1, true) - 0.5;
  double loss = 0;
  for (int i = 0; i < steps; ++i) {
    loss = optimizer
               .step([&] {
                 optimizer.zero_grad();
                 auto error = torch::nn::functional::mse_loss(model(x), y);
                 error.backward();
                 return error;
               })
               .item<double>();
  }
  return loss;
}

void check_copies_of_groups() {
  const auto w = torch::ones({1}, torch::requires_grad());
  const torch::optim::OptimizerParamGroup group({w},
                                                std::make_unique<torch::optim::SGDOptions>(0.1));
  torch::optim::OptimizerParamGroup copy(group), assigned({});
  assigned = group;
  copy.options().set_lr(0.5);
  torch::optim::SGD one({group}), other({group});
  one.param_groups()[0].options().set_lr(1);
  TORCH_CHECK(group.options().get_lr() == 0.1 && assigned.options().get_lr() == 0.1);
  TORCH_CHECK(other.param_groups()[0].options().get_lr() == 0.1 && copy.options().get_lr() == 0.5);
}

void check_refused_groups() {
  const auto a = torch::ones({1}, torch::requires_grad());
  const auto b = torch::ones({1}, torch::requires_grad());
  const auto c = torch::ones({1}, torch::requires_grad());
  torch::optim::SGD sgd({a}, 0.5);
  const auto refused = [&](const torch::Tensor& tensor, double lr) {
    try {
      sgd.add_param_group({{tensor}, std::make_unique<torch::optim::SGDOptions>(lr)});
    } catch (const torch::Error&) {
      return true;
    }
    return false;
  };
  TORCH_CHECK(refused(a, 0.1), "a parameter of another group");
  TORCH_CHECK(refused(b, -1), "a negative rate");
  TORCH_CHECK(sgd.param_groups().size() == 1 && sgd.core().group_count() == 1);
  TORCH_CHECK(!refused(c, 0.25));
  (a + b + c).sum().backward();
  sgd.step();
  TORCH_CHECK(a.item<float>() == 0.5 && b.item<float>() == 1 && c.item<float>() == 0.75);
}

void check_closure_is_recorded() {
  const auto w = torch::ones({1}, torch::requires_grad());
  torch::optim::SGD sgd({w}, 0.25);
  const torch::NoGradGuard no_grad;
  const auto loss = sgd.step([&] {
    sgd.zero_grad();
    auto square = (w * w).sum();
    square.backward();
    return square;
  });
  TORCH_CHECK(loss.item<float>() == 1 && w.item<float>() == 0.5);
  TORCH_CHECK(!(w * 2).requires_grad(), "not recorded after it");
}

}  // namespace

int main() {
  check_copies_of_groups();
  check_refused_groups();
  check_closure_is_recorded();
  torch::manual_seed(4);
  torch::nn::Linear model(2, 1);
  const double before = [&] {
    torch::optim::SGD still(model->parameters(), 0.0);
    return loss_after(still, model, 1);
  }();

  torch::optim::SGD sgd({torch::optim::OptimizerParamGroup(
                             {model->weight}, std::make_unique<torch::optim::SGDOptions>(0.2)),
                         torch::optim::OptimizerParamGroup({model->bias})},
                        torch::optim::SGDOptions(0.1).momentum(0.5));
  torch::optim::StepLR schedule(sgd, /*step_size=*/1, /*gamma=*/0.5);
  schedule.step();  // of epoch 0
  schedule.step();
  TORCH_CHECK(sgd.param_groups()[0].options().get_lr() == 0.1);
  auto& options = static_cast<torch::optim::SGDOptions&>(sgd.param_groups()[1].options());
  TORCH_CHECK(options.lr() == 0.05 && options.momentum() == 0.5);
  options.lr(0.3).nesterov(true);
  const double after = loss_after(sgd, model, 100);
  TORCH_CHECK(after < before / 20, before, " before, ", after, " after");
  TORCH_CHECK(sgd.core().options(1).nesterov);

  torch::optim::Adam adam(model->parameters(),
                          torch::optim::AdamOptions(1e-2).betas(std::make_tuple(0.5, 0.9)));
  loss_after(adam, model, 3);
  const std::string path =
      (std::filesystem::temp_directory_path() / "norma_torch_adam.pt").string();
  torch::save(adam, path);
  torch::optim::Adam other(model->parameters(), torch::optim::AdamOptions(1.0));
  torch::load(other, path);
  std::filesystem::remove(path);
  const auto& loaded = static_cast<torch::optim::AdamOptions&>(other.param_groups()[0].options());
  TORCH_CHECK(loaded.get_lr() == 1e-2 && std::get<0>(loaded.betas()) == 0.5);

  torch::nn::utils::clip_grad_norm_(model->parameters(), 1e-3);
  TORCH_CHECK(model->weight.grad().norm().item<double>() <= 1.001e-3);
}
