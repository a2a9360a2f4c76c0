// A polynomial, found again from noisy batches by one linear layer.
#include <torch/torch.h>

namespace {

constexpr int64_t kDegree = 3;

torch::Tensor powers(torch::Tensor x) {
  x = x.unsqueeze(1);
  std::vector<torch::Tensor> columns;
  for (int64_t i = 0; i < kDegree; ++i) columns.push_back(x.pow(i + 1));
  return torch::cat(columns, 1);
}

std::pair<torch::Tensor, torch::Tensor> batch(torch::Tensor w, torch::Tensor b, int64_t size = 32) {
  auto x = powers(torch::randn({size}));
  return std::make_pair(x, x.mm(w) + b.item());
}

}  // namespace

int main() {
  torch::manual_seed(7);
  auto w = torch::tensor({{2.0}, {-1.0}, {0.5}});
  auto b = torch::tensor({3.0});
  auto fc = torch::nn::Linear(w.size(0), 1);
  torch::optim::SGD optim(fc->parameters(), .05);
  float loss = 1;
  int64_t steps = 0;
  while (loss > 1e-4f && ++steps < 5000) {
    torch::Tensor x, y;
    std::tie(x, y) = batch(w, b);
    optim.zero_grad();
    auto output = torch::smooth_l1_loss(fc(x), y);
    loss = output.item<float>();
    output.backward();
    optim.step();
  }
  TORCH_CHECK(torch::allclose(fc->weight.view({-1}), w.view({-1}), 0, 0.1), fc->weight);
  TORCH_CHECK(std::abs(fc->bias[0].item<float>() - 3) < 0.1f, fc->bias);
}
