// A program from outside: builds an MLP, trains it for some steps, and checks that it learned.
#include <norma/norma.h>

#include <cstdio>

namespace nn = norma::nn;

int main() {
  norma::manual_seed(0);
  nn::Sequential net(nn::Linear(4, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 3));
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  nn::CrossEntropyLoss criterion;

  // Which of the first three values is the largest?
  const norma::Tensor x = norma::randn({64, 4});
  const norma::Tensor y = x.narrow(1, 0, 3).argmax(1);
  float first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    optimizer.zero_grad();
    const norma::Tensor loss = criterion(net(x), y);
    loss.backward();
    optimizer.step();
    last = loss.item<float>();
    if (step == 0) first = last;
  }
  std::printf("loss %.4f -> %.4f\n", static_cast<double>(first), static_cast<double>(last));
  return last < 0.5F * first ? 0 : 1;
}
