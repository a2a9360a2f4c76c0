// Weights before BatchNorm have no scale.
#include <algorithm>
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "16_scale",
    .title = "Weights before BatchNorm have no scale",
    .claim =
        "Multiply the weights before BatchNorm by a: the output does not change, the gradient of "
        "the weights is divided by a, and so a learning rate has the effect of one a² times "
        "smaller.",
    .varied =
        "The scale a of the first weights of Linear(784, 100)-BatchNorm-ReLU-Linear(100, 10), "
        "from 0.01 to 100, and the same without BatchNorm, on a batch of 200. Then 100 steps of "
        "SGD with batches of 50, rate 0.1, momentum 0.9: from a = 1, from a = 10, and from a = 10 "
        "with a rate 100 times as large for these weights. In float64, BatchNorm's eps is 1e-12.",
    .limits =
        "It is exact but for eps, which BatchNorm adds to the variance: where the variance of "
        "what the weights give is no longer large beside it, the output shrinks with the weights. "
        "With the usual eps of 1e-5 that is so at a = 0.01, as the last row shows. And a² belongs "
        "to SGD; Adam divides the gradient by its own size.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.3; van Laarhoven, \"L2 "
        "Regularization versus Batch and Weight Normalization\", 2017.",
    .question =
        "Train with `optim::Adam`, without the momentum, and kRate = 0.001: by which factor, "
        "instead of 100, has the rate to grow so that the losses agree to a few thousandths?",
};
constexpr double kRate = 0.1;

nn::Sequential network(double eps) {
  nn::Sequential net(nn::Flatten(), nn::Linear(784, 100, {.bias = false}),
                     nn::BatchNorm1d(100, {.eps = eps}), nn::ReLU(), nn::Linear(100, 10));
  net.to(norma::kFloat64);
  return net;
}

/// A copy with its first weights multiplied.
nn::Sequential scaled(const nn::Sequential& net, double a) {
  nn::Sequential copy = net.clone();
  norma::NoGradGuard no_grad;
  copy.at<nn::Linear>(1).weight.mul_(a);
  return copy;
}

/// The output for a batch, and the norm of the gradient of the first weights.
std::pair<Tensor, double> look(nn::Sequential net, const data::Dataset& batch) {
  net.zero_grad();
  const Tensor output = net(batch.inputs);
  nn::CrossEntropyLoss()(output, batch.targets).backward();
  return {output.detach(), net.at<nn::Linear>(1).weight.grad().norm().item<double>()};
}

double change(const Tensor& after, const Tensor& before) {
  return ((after - before).norm() / before.norm()).item<double>();
}

/// The loss of every step.
Tensor train(nn::Sequential net, const data::Dataset& digits, double first_rate) {
  const std::vector<Tensor> all = net.parameters();
  optim::SGD optimizer(
      {{.params = {all[0]}, .lr = first_rate}, {.params = {all.begin() + 1, all.end()}}},
      {.lr = kRate, .momentum = 0.9});
  std::vector<Tensor> losses;
  for (int64_t step = 0; step < 100; ++step) {
    const data::Dataset batch = digits.narrow(step * 50, 50);
    optimizer.zero_grad();
    Tensor loss = nn::CrossEntropyLoss()(net(batch.inputs), batch.targets);
    loss.backward();
    optimizer.step();
    losses.push_back(loss.detach());
  }
  return norma::stack(losses);
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    data::Dataset digits = e.digits(5000, 1).train;
    digits.inputs = digits.inputs.to(norma::kFloat64);
    const data::Dataset batch = digits.narrow(0, 200);
    double most_moved = 0, most_off = 0, most_apart = 0;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      const nn::Sequential net = network(1e-12), usual = network(1e-5);
      nn::Sequential bare = net.clone();
      bare.replace(2, nn::Identity());
      const auto [output, gradient] = look(net, batch);
      double moved = 0, off = 0;
      for (const double a : {0.01, 0.1, 1.0, 10.0, 100.0}) {
        const auto [other, smaller] = look(scaled(net, a), batch);
        moved = std::max(moved, change(other, output));
        off = std::max(off, std::abs(smaller * a / gradient - 1));
        e.point("with BatchNorm", a, smaller);
        e.point("without", a, look(scaled(bare, a), batch).second);
      }
      const Tensor one = train(net.clone(), digits, kRate);
      const Tensor ten = train(scaled(net, 10), digits, kRate);
      const Tensor faster = train(scaled(net, 10), digits, kRate * 100);
      const double apart = (one - faster).abs().max().item<double>();
      e.measure("largest change of the output, as a share of it", moved);
      e.measure("largest distance of a times the gradient from that of a = 1, as a share", off);
      e.measure("last loss from a = 1", one.narrow(0, 80, 20).mean().item<double>());
      e.measure("last loss from a = 10", ten.narrow(0, 80, 20).mean().item<double>());
      e.measure("largest difference of the losses from a = 10 with 100 times the rate", apart);
      e.measure("change of the output at a = 0.01 with the usual eps, as a share of it",
                change(look(scaled(usual, 0.01), batch).first, look(usual, batch).first));
      most_moved = std::max(most_moved, moved);
      most_off = std::max(most_off, off);
      most_apart = std::max(most_apart, apart);
    }
    e.draw(
        "The norm of the gradient over the scale a, both on logarithmic axes: with BatchNorm a "
        "straight line that falls to a tenth wherever a is ten times as large; without it the "
        "gradient hardly changes, and grows a little for large weights",
        {.xscale = "log",
         .yscale = "log",
         .xlabel = "scale a of the first weights",
         .ylabel = "norm of their gradient"});
    e.expect("no scale changes the output by more than 1e-5 of it", most_moved < 1e-5);
    e.expect("a times the gradient is the same at every scale, to 1e-5 of it", most_off < 1e-5);
    e.expect("from a = 10 with 100 times the rate the losses are those from a = 1, to 1e-6",
             most_apart < 1e-6);
    e.expect("from a = 10 with the same rate the last losses, means of 20, are higher in every run",
             experiment::all_below(e.measured("last loss from a = 1"),
                                   e.measured("last loss from a = 10")));
  });
}
