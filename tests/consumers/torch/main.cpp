// A model and its training as libtorch writes them.
#include <torch/torch.h>

struct NetImpl : torch::nn::Module {
  NetImpl() {
    hidden = register_module("hidden", torch::nn::Linear(2, 16));
    out = register_module("out", torch::nn::Linear(torch::nn::LinearOptions(16, 1).bias(true)));
  }
  torch::Tensor forward(torch::Tensor x) { return out(torch::tanh(hidden(x))); }
  torch::nn::Linear hidden{nullptr}, out{nullptr};
};
TORCH_MODULE(Net);

int main() {
  torch::manual_seed(0);
  Net net;
  const auto x = torch::tensor({{0.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {1.0, 1.0}});
  const auto y = torch::tensor({{0.0}, {1.0}, {1.0}, {0.0}});
  torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(0.05));
  double loss = 1;
  for (int step = 0; step < 300; ++step) {
    optimizer.zero_grad();
    auto error = torch::mse_loss(net(x), y);
    error.backward();
    optimizer.step();
    loss = error.item<double>();
  }
  return loss < 0.01 ? 0 : 1;
}
