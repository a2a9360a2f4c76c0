// Functions with a backward of one's own and several results, and hooks.
#include <torch/torch.h>

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// Radius and angle of points, with the formulas of their gradients.
struct Polar : torch::autograd::Function<Polar> {
  static variable_list forward(AutogradContext* ctx, Variable x, Variable y) {
    ctx->save_for_backward({x, y});
    return {torch::sqrt(x * x + y * y), torch::atan2(y, x)};
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list g) {
    const auto saved = ctx->get_saved_variables();
    const auto x = saved[0], y = saved[1], square = x * x + y * y;
    const auto radius = torch::sqrt(square);
    return {g[0] * x / radius - g[1] * y / square, g[0] * y / radius + g[1] * x / square};
  }
};

/// The largest of each row, and where it stands, which has no gradient.
struct Largest : torch::autograd::Function<Largest> {
  static variable_list forward(AutogradContext* ctx, Variable x, int64_t dim) {
    auto [values, indices] = x.max(dim);
    ctx->saved_data["dim"] = dim;
    ctx->save_for_backward({indices, x});
    ctx->mark_non_differentiable({indices});
    return {values, indices};
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list g) {
    const auto saved = ctx->get_saved_variables();
    const int64_t dim = ctx->saved_data["dim"].toInt();
    return {torch::zeros_like(saved[1]).scatter(dim, saved[0].unsqueeze(dim), g[0].unsqueeze(dim)),
            torch::Tensor()};
  }
};

void several_results() {
  auto x = torch::tensor({3.0, 1.0}, torch::requires_grad());
  auto y = torch::tensor({4.0, 2.0}, torch::requires_grad());
  auto both = Polar::apply(x, y);
  TORCH_CHECK(both[0][0].item<float>() == 5 && both.size() == 2);
  (both[0].sum() + 2 * both[1].sum()).backward();
  auto x2 = x.detach().requires_grad_(), y2 = y.detach().requires_grad_();
  (torch::sqrt(x2 * x2 + y2 * y2).sum() + 2 * torch::atan2(y2, x2).sum()).backward();
  TORCH_CHECK(torch::allclose(x.grad(), x2.grad()) && torch::allclose(y.grad(), y2.grad()));
  // Where nothing depends on a result, its gradient is zeros.
  auto z = torch::ones({2}, torch::requires_grad());
  Polar::apply(z, y.detach())[0].sum().backward();
  TORCH_CHECK(z.grad().defined() && z.grad().dim() == 1);
}

void results_without_gradient() {
  auto x = torch::tensor({{1.0, 5.0}, {7.0, 2.0}}, torch::requires_grad());
  auto found = Largest::apply(x, 1);
  TORCH_CHECK(!found[1].requires_grad() && found[1][0].item<int64_t>() == 1);
  found[0].sum().backward();
  TORCH_CHECK(torch::equal(x.grad(), torch::tensor({{0.0, 1.0}, {1.0, 0.0}})));
}

void hooks() {
  auto x = torch::ones({3}, torch::requires_grad());
  auto y = x * 2;
  int calls = 0;
  y.register_hook([&](torch::Tensor /*grad*/) { ++calls; });
  y.register_hook([](torch::Tensor grad) { return grad * 10; });
  y.retain_grad();
  y.sum().backward();
  TORCH_CHECK(calls == 1 && x.grad()[0].item<float>() == 20);
  const auto handle = x.register_hook([](torch::Tensor grad) { return grad * 0; });
  x.remove_hook(handle);
  x.grad().zero_();
  (x * 3).sum().backward();
  TORCH_CHECK(x.grad()[0].item<float>() == 3);
}

void second_derivative() {
  auto x = torch::tensor({2.0}, torch::requires_grad());
  auto y = x.pow(3);
  auto first = torch::autograd::grad({y}, {x}, {torch::ones_like(y)}, /*retain_graph=*/true,
                                     /*create_graph=*/true)[0];
  auto second = torch::autograd::grad({first}, {x}, {torch::ones_like(first)})[0];
  TORCH_CHECK(first.item<float>() == 12 && second.item<float>() == 12);
}

int main() {
  several_results();
  results_without_gradient();
  hooks();
  second_derivative();
}
