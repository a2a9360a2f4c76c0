// Training depends less on the scale of the first weights with BatchNorm.
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "03_scale",
    .title = "BatchNorm makes the scale of the first weights matter less",
    .claim = "With BatchNorm, training depends less on how the weights are drawn at first.",
    .varied =
        "The scale of the first weights: those of kaiming_normal_ times 0.01 to 10, in all four "
        "Linear layers of a network of three hidden layers of 100 ReLUs, with BatchNorm before "
        "each ReLU and without; 300 batches of 50, SGD at rate 0.1. A scale trains if the mean "
        "loss of the last 20 batches is below half of ln 10, the loss of a guess; what is above "
        "ln 10, or nan, is drawn there.",
    .limits =
        "Less, not no longer: weights ten times too large still train badly, for the last Linear "
        "has no BatchNorm behind it, and gradients shrink as weights grow (number 16). At 1.8 "
        "times the scale made for ReLUs the two train about alike. Weights that are all the same "
        "stay the same, BatchNorm or not. 0.01, the smallest that trains, is where the range "
        "begins.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, abstract and section 3.3; the scale 1 "
        "is that of He et al., \"Delving Deep into Rectifiers\", 2015, section 2.2.",
    .question =
        "Let `power` begin at -5: at which scale does BatchNorm no longer help, and what has eps, "
        "1e-5, to do with it? Take `nn::BatchNorm1d(100, {.eps = 1e-12})`.",
};
constexpr double kChance = 2.302585;  // ln 10: the loss of a guess at one of ten classes

nn::Sequential network(double scale, bool norm) {
  nn::Sequential net{nn::Flatten()};
  for (int layer = 0; layer < 3; ++layer) {
    net.push_back(nn::Linear(layer == 0 ? 784 : 100, 100));
    if (norm) net.push_back(nn::BatchNorm1d(100));
    net.push_back(nn::ReLU());
  }
  net.push_back(nn::Linear(100, 10));
  for (auto& [name, values] : net.named_parameters()) {
    if (values.dim() != 2) continue;
    norma::NoGradGuard guard;
    nn::init::kaiming_normal_(values);
    values.mul_(scale);
  }
  return net;
}

/// The mean loss of the last 20 of 300 steps; that of chance where it is above that, or none.
double train(nn::Sequential net, const data::Dataset& digits) {
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  nn::CrossEntropyLoss criterion;
  double sum = 0;
  for (int step = 0; step < 300; ++step) {
    const Tensor batch = norma::randint(0, digits.size(), {50});
    optimizer.zero_grad();
    Tensor loss =
        criterion(net(digits.inputs.index_select(0, batch)), digits.targets.index_select(0, batch));
    loss.backward();
    optimizer.step();
    if (step >= 280) sum += loss.item<double>() / 20;
  }
  return sum < kChance ? sum : kChance;
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const data::Dataset digits = e.digits(5000, 1).train;
    bool wider = true;
    for (const uint64_t seed : e.seeds()) {
      double range[2] = {0, 0};
      for (const bool norm : {false, true}) {
        const std::string which = norm ? "with BatchNorm" : "without";
        double smallest = 0, largest = 0;
        for (double power = -2; power < 1.1; power += 0.25) {
          const double scale = std::pow(10, power);
          norma::manual_seed(seed);
          const double loss = train(network(scale, norm), digits);
          e.point(which, scale, loss);
          if (loss >= kChance / 2) continue;
          if (smallest == 0) smallest = scale;
          largest = scale;
        }
        e.measure("smallest scale that trains, " + which, smallest);
        e.measure("largest scale that trains, " + which, largest);
        range[norm] = largest / smallest;
      }
      wider = wider && range[1] >= 10 * range[0];
    }
    e.draw(
        "Loss over the scale, 0.01 to 10, of both networks. Without BatchNorm a narrow valley "
        "from 0.56 to 1.8, on both sides of which the loss is that of a guess; with BatchNorm low "
        "and level up to 1, and rising from there to half of a guess at 10",
        {.xscale = "log",
         .xlabel = "scale of the first weights",
         .ylabel = "loss of the last 20 batches"});
    e.expect(
        "with BatchNorm, the largest scale that trains is, over the smallest, ten times what it "
        "is without, in every seed",
        wider);
  });
}
