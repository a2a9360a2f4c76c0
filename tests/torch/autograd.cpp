// Gradients, gradients of gradients, and functions with a backward of their own.
#include <torch/torch.h>

using namespace torch::autograd;

namespace {

/// x w with its own backward; w may be absent.
class Scale : public Function<Scale> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, torch::Tensor x, double factor,
                               torch::Tensor w = torch::Tensor()) {
    ctx->save_for_backward({x, w});
    ctx->saved_data["factor"] = factor;
    auto y = x * factor;
    return w.defined() ? y.mul_(w) : y;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    auto saved = ctx->get_saved_variables();
    auto factor = ctx->saved_data["factor"].toDouble();
    auto gx = grads[0] * factor;
    if (!saved[1].defined()) return {gx, torch::Tensor()};
    return {gx * saved[1], torch::Tensor(), grads[0] * factor * saved[0]};
  }
};

void check_backward() {
  auto x = torch::ones({2, 2}, torch::requires_grad());
  auto y = x + 2;
  TORCH_CHECK(y.grad_fn() && !x.grad_fn() && !y.grad_fn()->name().empty());
  auto out = (y * y * 3).mean();
  out.backward();
  TORCH_CHECK(torch::allclose(x.grad(), torch::full({2, 2}, 4.5)));
  {
    torch::NoGradGuard no_grad;
    TORCH_CHECK(!x.pow(2).requires_grad());
  }
  auto z = torch::randn({3}, torch::requires_grad());
  (z * 2).backward(torch::tensor({0.1, 1.0, 0.0001}, torch::kFloat));
  TORCH_CHECK(torch::allclose(z.grad(), torch::tensor({0.2, 2.0, 0.0002})));
}

void check_penalty() {
  auto model = torch::nn::Linear(4, 3);
  auto input = torch::randn({3, 4}).requires_grad_(true);
  auto output = torch::tanh(model(input));
  auto gradient = grad({output}, {input}, {torch::ones_like(output)}, true, true)[0];
  auto penalty = torch::pow(gradient.norm(2, 1) - 1, 2).mean();
  penalty.backward();
  TORCH_CHECK(input.grad().defined() && model->weight.grad().abs().sum().item<float>() > 0);
}

void check_function() {
  auto x = torch::randn({2, 3}).requires_grad_();
  auto w = torch::randn({2, 3}).requires_grad_();
  Scale::apply(x, 5.5).sum().backward();
  TORCH_CHECK(torch::allclose(x.grad(), torch::full({2, 3}, 5.5)));
  x.set_grad(torch::Tensor());
  Scale::apply(x, 2, w).sum().backward();
  TORCH_CHECK(torch::allclose(x.grad(), w * 2) && torch::allclose(w.grad(), x * 2));
}

}  // namespace

int main() {
  torch::manual_seed(1);
  check_backward();
  check_penalty();
  check_function();
}
