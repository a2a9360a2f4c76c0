// Weight decay on weights before BatchNorm, and on gamma and beta.
#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "15_decay",
    .title = "Weight decay on γ and β",
    .claim =
        "Weight decay cannot shrink what weights before BatchNorm give; it keeps their effective "
        "learning rate, rate / |w|², from falling. γ and β it does shrink, and a parameter group "
        "that spares them makes the network better.",
    .varied =
        "What is decayed, by 5e-4: nothing; all parameters; or the weights alone, by the groups "
        "of `optim::split_weight_decay`. Linear(784, 100)-BatchNorm-ReLU-Linear(100, "
        "100)-BatchNorm-ReLU-Linear(100, 10), 1200 steps of SGD over 2000 digits, batches of 50, "
        "rate 0.1, momentum 0.9; 1000 digits to test.",
    .limits =
        "Decay does not keep the effective rate from falling: in all three it falls to about a "
        "fifth in the first 200 steps. Then it stays there without decay, and with it rises to "
        "three times as much. The advice to spare γ and β did not make these networks better. A "
        "scale that the next BatchNorm takes away again is none: the first γ and β can be halved, "
        "and only eps changes the output (last row); what is after the last BatchNorm can make up "
        "for its γ. And the effective rate is a rate: what decay of the weights does to it, a "
        "larger rate does, too.",
    .source =
        "van Laarhoven, \"L2 Regularization versus Batch and Weight Normalization\", 2017; for "
        "the groups, He, Zhang, Zhang, Zhang, Xie and Li, \"Bag of Tricks for Image "
        "Classification with Convolutional Neural Networks\", 2019, section 3.1.",
    .question =
        "Take 2e-3 for `kDecay`: where γ and β are spared, what becomes of the effective rate, "
        "and of the test accuracy?",
};
constexpr double kRate = 0.1, kDecay = 5e-4;
constexpr int64_t kSteps = 1200;

nn::Sequential network() {
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 100, {.bias = false}), nn::BatchNorm1d(100),
                        nn::ReLU(), nn::Linear(100, 100, {.bias = false}), nn::BatchNorm1d(100),
                        nn::ReLU(), nn::Linear(100, 10));
}

std::vector<optim::SGDParamGroup> groups(const std::string& decayed, const nn::Module& net) {
  if (decayed == "weights") return optim::split_weight_decay(net, kDecay);
  return {{.params = net.parameters(), .weight_decay = decayed == "all" ? kDecay : 0}};
}

double effective_rate(nn::Sequential& net) {
  return kRate / net.at<nn::Linear>(1).weight.square().sum().item<double>();
}

double accuracy(nn::Sequential& net, const data::Dataset& test) {
  net.eval();
  return experiment::accuracy(net(test.inputs), test.targets);
}

/// The change of the output, as a share of it, when the first gamma and beta are halved.
double halve(nn::Sequential& net, const data::Dataset& test) {
  net.train();
  const Tensor before = net(test.inputs);
  net.at<nn::BatchNorm1d>(2).weight.mul_(0.5);
  net.at<nn::BatchNorm1d>(2).bias.mul_(0.5);
  return ((net(test.inputs) - before).norm() / before.norm()).item<double>();
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const auto [train, test] = e.digits(2000, 1000);
    for (const std::string decayed : {"nothing", "all", "weights"})
      for (const uint64_t seed : e.seeds()) {
        norma::manual_seed(seed);
        nn::Sequential net = network();
        optim::SGD optimizer(groups(decayed, net), {.lr = kRate, .momentum = 0.9});
        for (int64_t step = 0; step < kSteps; ++step) {
          if (step % 40 == 0) e.point(decayed, double(step), effective_rate(net));
          const data::Dataset batch = train.narrow(step * 50 % 2000, 50);
          optimizer.zero_grad();
          nn::CrossEntropyLoss()(net(batch.inputs), batch.targets).backward();
          optimizer.step();
        }
        norma::NoGradGuard no_grad;
        e.measure("effective rate at the end, " + decayed + " decayed", effective_rate(net));
        e.measure("mean size of the first γ, " + decayed + " decayed",
                  net.at<nn::BatchNorm1d>(2).weight.abs().mean().item<double>());
        e.measure("test accuracy, " + decayed + " decayed", accuracy(net, test));
        if (decayed == "weights")
          e.measure("change of the output if the first γ and β are halved, as a share",
                    halve(net, test));
      }
    e.draw(
        "The effective rate of the first layer over 1200 steps, on a logarithmic axis: it falls "
        "to a fifth at once; then it stays there where nothing is decayed, and rises evenly to "
        "three times as much, nearly alike, where all is decayed and where the weights alone are",
        {.yscale = "log", .xlabel = "step", .ylabel = "rate / |w|² of the first layer"});
    const auto below = [&](const std::string& what, const std::string& less,
                           const std::string& more) {
      return experiment::all_below(e.measured(what + ", " + less + " decayed"),
                                   e.measured(what + ", " + more + " decayed"));
    };
    e.expect("with decayed weights the effective rate ends higher than without, in every run",
             below("effective rate at the end", "nothing", "weights"));
    e.expect(
        "the mean size of the first γ is smaller where it is decayed than where it is spared, in "
        "every run",
        below("mean size of the first γ", "all", "weights"));
    e.expect("the test accuracy is higher where γ and β are spared, in every run",
             below("test accuracy", "all", "weights"));
  });
}
