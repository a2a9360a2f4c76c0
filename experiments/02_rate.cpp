// Learning rates ten to thirty times larger still train with BatchNorm.
#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "02_rate",
    .title = "BatchNorm bears larger learning rates",
    .claim = "With BatchNorm, learning rates ten to thirty times larger still train.",
    .varied =
        "The rate of SGD, from 0.02 to 10 by factors of two, for networks of three and of ten "
        "hidden layers of 100 ReLUs, with BatchNorm before each ReLU and without. The same first "
        "weights, kaiming_normal_; 200 batches of 50. A rate trains if the mean loss of the last "
        "20 batches is below half of ln 10, the loss of a guess; what is above ln 10, or nan, is "
        "drawn there.",
    .limits =
        "The factor is none of BatchNorm's own. With it, both depths train up to the same rate; "
        "what falls with the depth is the rate that the network without it bears, so that three "
        "hidden layers gain less than tenfold. And a rate that still trains need not pay: the "
        "lowest loss is reached well below the largest rate.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, sections 3.3 and 4.2.2: Inception, at "
        "5 and 30 times the rate.",
    .question =
        "The last Linear has no BatchNorm behind it. Give it one in `network`, "
        "`nn::BatchNorm1d(10)`: up to which rate do both depths train now?",
};
constexpr double kChance = 2.302585;  // ln 10: the loss of a guess at one of ten classes

nn::Sequential network(int depth, bool norm) {
  nn::Sequential net{nn::Flatten()};
  for (int layer = 0; layer < depth; ++layer) {
    net.push_back(nn::Linear(layer == 0 ? 784 : 100, 100));
    if (norm) net.push_back(nn::BatchNorm1d(100));
    net.push_back(nn::ReLU());
  }
  net.push_back(nn::Linear(100, 10));
  for (auto& [name, values] : net.named_parameters())
    if (values.dim() == 2) nn::init::kaiming_normal_(values);
  return net;
}

/// The mean loss of the last 20 of 200 steps; that of chance where it is above that, or none.
double train(nn::Sequential net, double rate, const data::Dataset& digits) {
  optim::SGD optimizer(net.parameters(), {.lr = rate});
  nn::CrossEntropyLoss criterion;
  double sum = 0;
  for (int step = 0; step < 200; ++step) {
    const Tensor batch = norma::randint(0, digits.size(), {50});
    optimizer.zero_grad();
    Tensor loss =
        criterion(net(digits.inputs.index_select(0, batch)), digits.targets.index_select(0, batch));
    loss.backward();
    optimizer.step();
    if (step >= 180) sum += loss.item<double>() / 20;
  }
  return sum < kChance ? sum : kChance;
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const data::Dataset digits = e.digits(5000, 1).train;
    bool held[2] = {true, true};
    for (const uint64_t seed : e.seeds()) {
      for (const int depth : {3, 10}) {
        const std::string layers = std::to_string(depth) + " hidden layers";
        double largest[2] = {0, 0};
        for (const bool norm : {false, true}) {
          const std::string which = layers + (norm ? ", with BatchNorm" : ", without");
          for (double rate = 0.02; rate < 15; rate *= 2) {
            norma::manual_seed(seed);
            const double loss = train(network(depth, norm), rate, digits);
            if (loss < kChance / 2) largest[norm] = rate;
            e.point(which, rate, loss);
          }
          e.measure("largest rate, " + which, largest[norm]);
        }
        const double times = largest[1] / largest[0];
        e.measure("times larger, " + layers, times);
        held[depth == 10] = held[depth == 10] && largest[0] > 0 && times >= 10;
      }
    }
    e.draw(
        "Loss over the rate. With BatchNorm, three and ten hidden layers train up to 2.56 and are "
        "at chance from 5.12; without, three layers train up to 0.32, and in some seeds 0.64, ten "
        "up to 0.08, where their loss is already above the others'",
        {.xscale = "log", .xlabel = "learning rate", .ylabel = "loss of the last 20 batches"});
    e.expect("with three hidden layers, rates ten times larger train, in every seed", held[0]);
    e.expect("with ten hidden layers, rates ten times larger train, in every seed", held[1]);
  });
}
