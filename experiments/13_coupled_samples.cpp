// BatchNorm couples the samples of a batch, LayerNorm does not.
#include <algorithm>
#include <cmath>
#include <limits>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "13_coupled_samples",
    .title = "BatchNorm couples the samples of a batch, LayerNorm does not",
    .claim =
        "In training, the mean and variance of BatchNorm are those of all samples: the loss of one "
        "has a gradient for the inputs of the others. LayerNorm takes them from each sample alone, "
        "and one sample's loss has none for another.",
    .varied =
        "The layer between Linear(784, 100) and ReLU-Linear(100, 10), as they are at first: "
        "BatchNorm in train(), BatchNorm in eval(), LayerNorm; and the batch size, 2 to 256. The "
        "loss is that of the first digit alone. Its gradient for the inputs of all others together "
        "is divided by that for its own: the mean of 20 batches of each size.",
    .limits =
        "It is true as it stands, but of training alone: in eval() BatchNorm couples no more than "
        "LayerNorm. And the coupling is weak where batches are large: 255 others together have "
        "less than a tenth of the gradient. It falls as √(2/n), one part from the mean and one "
        "from the variance.",
    .source = "Ba, Kiros and Hinton, \"Layer Normalization\", 2016, sections 1 and 3.",
    .question =
        "Move the ReLU to where `h` is made, before the three layers: is the coupling larger or "
        "smaller, and is it still √(2/n)?",
};

const std::string kTrain = "BatchNorm in train()", kEval = "BatchNorm in eval()",
                  kLayer = "LayerNorm";

/// Between the same layers, one of three.
struct Networks {
  nn::Linear first{784, 100}, last{100, 10};
  nn::BatchNorm1d training{100}, evaluating{100};
  nn::LayerNorm layer{100};
  Networks() { evaluating.eval(); }

  Tensor operator()(const std::string& name, const Tensor& x) {
    const Tensor h = first(x);
    return last((name == kTrain ? training(h) : name == kEval ? evaluating(h) : layer(h)).relu());
  }
};

/// Of the loss of the first digit, for the inputs of all others; that for its own being 1.
double coupling(Networks& net, const std::string& name, const data::Dataset& batch) {
  Tensor inputs = batch.inputs.flatten(1).clone();
  inputs.requires_grad_();
  const Tensor scores = net(name, inputs);
  nn::CrossEntropyLoss()(scores.narrow(0, 0, 1), batch.targets.narrow(0, 0, 1)).backward();
  const Tensor sizes = inputs.grad().norm(2.0, {1});
  return (sizes.narrow(0, 1, sizes.size(0) - 1).norm() / sizes[0]).item<double>();
}

/// How many outputs of a batch of 32 are no number, if one input of one digit is none.
double spoilt(Networks& net, const std::string& name, const data::Dataset& digits) {
  Tensor inputs = digits.narrow(0, 32).inputs.flatten(1).clone();
  inputs[5][300] = std::numeric_limits<double>::quiet_NaN();
  return double(net(name, inputs).sum({1}).isnan().sum().item<int64_t>());
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const data::Dataset digits = e.digits(20 * 256, 1).train;
    const std::string kNan = "digits of 32 that one NaN spoils, ";
    bool as_root = true;
    double none = 0;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      Networks net;
      for (const std::string& name : {kTrain, kEval, kLayer}) {
        for (const int64_t n : {2, 4, 8, 16, 32, 64, 128, 256}) {
          double ratio = 0;
          for (int64_t i = 0; i < 20; ++i)
            ratio += coupling(net, name, digits.narrow(i * n, n)) / 20;
          e.point(name, double(n), ratio);
          if (n == 32) e.measure("gradient for 31 others, " + name, ratio);
          if (name != kTrain)
            none = std::max(none, ratio);
          else
            as_root = as_root && std::abs(ratio / std::sqrt(2 / double(n)) - 1) < 0.25;
        }
        e.measure(kNan + name, spoilt(net, name, digits));
      }
    }
    e.draw(
        "BatchNorm in train() begins at 1 for batches of 2 and falls to below 0.1 for 256. The "
        "lines of BatchNorm in eval() and of LayerNorm lie on each other, at 0.",
        {.xscale = "log", .xlabel = "batch size", .ylabel = "gradient for the others"});
    const auto spoils = [&](const std::string& name) {
      return experiment::mean(e.measured(kNan + name));
    };
    e.expect(
        "from LayerNorm, and BatchNorm in eval(), the others have no gradient, to the last bit",
        none == 0);
    e.expect(
        "from BatchNorm in train(), it is √(2/n) of a digit's own, as theory says, to a quarter",
        as_root);
    e.expect("one NaN spoils every digit of a batch in train(), elsewhere its own alone",
             spoils(kTrain) == 32 && spoils(kEval) == 1 && spoils(kLayer) == 1);
  });
}
