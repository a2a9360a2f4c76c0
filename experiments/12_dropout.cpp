// Dropout before BatchNorm shifts the variance between training and evaluation.
#include <algorithm>
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "12_dropout",
    .title = "Dropout before BatchNorm shifts the variance, behind it, it does not",
    .claim =
        "In training Dropout makes its output vary more than in evaluation. BatchNorm behind it "
        "keeps that larger variance, and in eval() divides by it what varies less. Behind the "
        "last BatchNorm, Dropout does it no harm.",
    .varied =
        "Where Dropout stands in Linear(784, 100)-BatchNorm-ReLU-Linear(100, "
        "100)-BatchNorm-ReLU-Linear(100, 10), before the second Linear and BatchNorm or after the "
        "second ReLU, and the share that it zeroes. 400 steps of SGD, batches of 50, rate 0.1. "
        "Compared are the running variance of the second BatchNorm and, in eval(), the variance "
        "of what 5000 training digits give it: their quotient, the geometric mean of all units. "
        "Last, its statistics are gathered anew from these digits with Dropout off, and 2000 test "
        "digits asked again.",
    .limits =
        "The shift is there, but here it is not to blame for the wrong answers: Dropout before "
        "BatchNorm costs some, and with the statistics mended they stay as wrong, so that it was "
        "the training that lost them. The paper's networks have dozens of such layers, not one. "
        "Nor is it the 1 / (1 - p) of the simplest case, here 2, in which the input of Dropout has "
        "mean 0 and nothing stands between the two. That Dropout after the last BatchNorm moves "
        "nothing was certain but for the weights it trains: what BatchNorm gets is before it.",
    .source =
        "Li, Chen, Hu and Yang, \"Understanding the Disharmony between Dropout and Batch "
        "Normalization by Variance Shift\", 2019 (arXiv 1801.05134), figure 1.",
    .question =
        "Set `kWidth`, the units that Dropout chooses from, to 20, and to 1000: where is the "
        "shift larger? The authors give it as the reason why Wide ResNet gains from both.",
};

constexpr int64_t kWidth = 100;

/// Dropout of a share p, before the second BatchNorm or after it.
nn::Sequential network(bool before, double p) {
  return nn::Sequential(nn::Flatten(), nn::Linear(784, kWidth), nn::BatchNorm1d(kWidth), nn::ReLU(),
                        nn::Dropout(before ? p : 0), nn::Linear(kWidth, 100), nn::BatchNorm1d(100),
                        nn::ReLU(), nn::Dropout(before ? 0 : p), nn::Linear(100, 10));
}

double right(nn::Sequential net, const data::Dataset& digits) {
  net.eval();
  return experiment::accuracy(net(digits.inputs), digits.targets);
}

/// The running variance of the second BatchNorm, divided by that of what it gets in eval(): the
/// geometric mean of its units.
double shift(nn::Sequential net, const Tensor& inputs) {
  net.eval();
  Tensor h = inputs;
  for (int64_t layer = 0; layer < 6; ++layer) h = net[layer](h);
  return (net.at<nn::BatchNorm1d>(6).running_var / h.var({0})).log().mean().exp().item<double>();
}

/// Gathers the statistics of the second BatchNorm anew, with Dropout off.
void mend(nn::Sequential net, const Tensor& inputs) {
  net.eval();
  nn::BatchNorm1d norm = net.at<nn::BatchNorm1d>(6);
  norm.train();
  norm.reset_running_stats();
  norm.average_stats();
  for (const Tensor& batch : inputs.split(50)) net(batch);
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const auto [digits, test] = e.digits(20000, 2000);
    const Tensor sample = digits.inputs.narrow(0, 0, 5000);
    double farthest = 0;
    for (const uint64_t seed : e.seeds()) {
      for (const bool before : {true, false}) {
        const std::string place = before ? "Dropout before BatchNorm" : "Dropout after BatchNorm";
        for (const double p : {0.0, 0.2, 0.4, 0.5, 0.6, 0.8}) {
          norma::manual_seed(seed);
          nn::Sequential net = network(before, p);
          optim::SGD optimizer(net.parameters(), {.lr = 0.1});
          nn::CrossEntropyLoss criterion;
          for (int64_t step = 0; step < 400; ++step) {
            const data::Dataset batch = digits.narrow(step * 50, 50);
            optimizer.zero_grad();
            criterion(net(batch.inputs), batch.targets).backward();
            optimizer.step();
          }
          const norma::NoGradGuard guard;
          const double ratio = shift(net, sample);
          e.point(place, p, ratio);
          if (!before) farthest = std::max(farthest, std::abs(ratio - 1));
          if (p != 0.5) continue;
          e.measure("variance kept / variance met, " + place, ratio);
          e.measure("right answers, " + place, right(net, test));
          mend(net, sample);
          e.measure("right answers with statistics gathered without Dropout, " + place,
                    right(net, test));
        }
      }
    }
    e.draw(
        "Dropout before BatchNorm: a line that rises from 1 without Dropout to 1.5 where it "
        "zeroes half, and beyond 2 at 0.8. Dropout after BatchNorm: a line that stays at 1.",
        {.xlabel = "share that Dropout zeroes", .ylabel = "variance kept / variance met"});
    const auto& shifted = e.measured("variance kept / variance met, Dropout before BatchNorm");
    e.expect(
        "before BatchNorm, Dropout of one half makes the variance it keeps too large by a quarter "
        "at least, with every seed",
        *std::min_element(shifted.begin(), shifted.end()) > 1.25);
    e.expect("after it, no share of Dropout moves it by more than a tenth", farthest < 0.1);
  });
}
