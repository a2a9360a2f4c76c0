// A bias before BatchNorm does nothing.
#include <algorithm>
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "05_bias",
    .title = "A bias before BatchNorm does nothing",
    .claim =
        "BatchNorm takes the mean away, and with it whatever a bias has added: its gradient is "
        "zero, and a network trains the same with it and without.",
    .varied =
        "Two networks of the same first weights, Linear(784, 100)-BatchNorm-ReLU-Linear(100, 10), "
        "one with a bias before BatchNorm, in float64; 100 steps of SGD with batches of 50, rate "
        "0.1, momentum 0.9.",
    .limits =
        "In exact numbers it is true as it stands. In float32 the gradient is rounding, about "
        "1e-8, not zero; in eval() a bias that was changed by hand does shift the output; with "
        "weight decay, or Adam, which divides rounding by rounding, the bias moves all the same.",
    .source = "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.2.",
    .question =
        "Take `optim::Adam` instead of SGD in `train`: is the largest bias still what it was at "
        "first? Why not?",
};

nn::Sequential network(bool bias) {
  nn::Sequential net(nn::Flatten(), nn::Linear(784, 100, {.bias = bias}), nn::BatchNorm1d(100),
                     nn::ReLU(), nn::Linear(100, 10));
  net.to(norma::kFloat64);
  return net;
}

/// The loss of every step; `gradient` becomes the largest of the bias, if there is one.
std::vector<double> train(nn::Sequential net, const data::Dataset& digits, double& gradient) {
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  nn::CrossEntropyLoss criterion;
  std::vector<double> losses;
  for (int64_t step = 0; step < 100; ++step) {
    const data::Dataset batch = digits.narrow(step * 50, 50);
    optimizer.zero_grad();
    Tensor loss = criterion(net(batch.inputs), batch.targets);
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<double>());
    const Tensor& bias = net.at<nn::Linear>(1).bias;
    if (bias.defined()) gradient = std::max(gradient, bias.grad().abs().max().item<double>());
  }
  return losses;
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    data::Dataset digits = e.digits(5000, 1).train;
    digits.inputs = digits.inputs.to(norma::kFloat64);
    double gradient = 0, difference = 0;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      nn::Sequential with = network(true), without = network(false);
      without.load_state_dict(with.state_dict(), false);
      double largest = 0;
      const std::vector<double> first = train(with, digits, largest);
      const std::vector<double> second = train(without, digits, largest);
      double apart = 0;
      for (std::size_t step = 0; step < first.size(); ++step) {
        e.point("with a bias", double(step), first[step]);
        e.point("without", double(step), second[step]);
        apart = std::max(apart, std::abs(first[step] - second[step]));
      }
      e.measure("largest gradient of the bias", largest);
      e.measure("largest difference of the losses", apart);
      e.measure("loss of the last batch", first.back());
      gradient = std::max(gradient, largest);
      difference = std::max(difference, apart);
    }
    e.draw("The loss of both networks over 100 steps: one line lies on the other",
           {.yscale = "log", .xlabel = "step", .ylabel = "loss of the batch"});
    e.expect("no gradient of the bias is above 1e-12, the rounding of float64", gradient < 1e-12);
    e.expect("the losses agree to 1e-9 at every step", difference < 1e-9);
  });
}
