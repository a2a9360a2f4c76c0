// Residual blocks with BatchNorm: the depth that still trains.
#include "common/experiment.h"

#include <algorithm>

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "18_depth",
    .title = "Residual blocks: the depth that still trains",
    .claim =
        "Residual networks train at depths at which they do not without BatchNorm: it keeps the "
        "branches of late blocks small beside the input that passes them by.",
    .varied =
        "The number of blocks, 1 to 30; each adds BatchNorm-ReLU-Conv2d-BatchNorm-ReLU-Conv2d of "
        "its input to its input, 8 channels of 7 by 7 pixels, He's first weights. With BatchNorm, "
        "without it, and without it but with the weights of each block's last convolution at zero, "
        "so that at first a block changes nothing. The branch and its input are those of the first "
        "batch, before training. 80 steps of SGD, batches of 32, rate 0.01, momentum 0.9.",
    .limits =
        "These depths do not need BatchNorm, but branches that begin small: with their last "
        "weights at zero networks without it train as deep and come close to it. He's weights "
        "make the failure: they keep the mean square of what goes through a branch, less what the "
        "zeros around 7 by 7 pixels take, so that each block makes it nearly twice as large, and "
        "30 blocks make it millions of times as large.",
    .source =
        "De and Smith, \"Batch Normalization Biases Residual Blocks Towards the Identity Function "
        "in Deep Networks\", 2020; the blocks are those of He, Zhang, Ren and Sun, \"Identity "
        "Mappings in Deep Residual Networks\", 2016.",
    .question =
        "Delete the line with `kaiming_normal_`, so that PyTorch's smaller first weights stay: "
        "how deep do networks without BatchNorm train now?",
};
const std::string kShare = "norm of the last branch of 30 over that of its input, at first, ";

enum class Branch { Norm, Plain, Zero };

/// x + conv(relu(norm(conv(relu(norm(x)))))).
struct Block : nn::Module {
  nn::Sequential branch;
  explicit Block(Branch kind) {
    for (const bool last : {false, true}) {
      nn::Conv2d conv(8, 8, 3, {.padding = 1});
      nn::init::kaiming_normal_(conv.weight, {.nonlinearity = "relu"});
      if (last && kind == Branch::Zero) nn::init::zeros_(conv.weight);
      if (kind == Branch::Norm) branch.push_back(nn::BatchNorm2d(8));
      branch.push_back(nn::ReLU());
      branch.push_back(conv);
    }
    register_module("branch", branch);
  }
  Tensor forward(const Tensor& x) override { return x + branch(x); }
};

nn::Sequential network(int64_t depth, Branch kind) {
  nn::Sequential net(nn::AdaptiveAvgPool2d(7), nn::Conv2d(1, 8, 3, {.padding = 1}));
  for (int64_t i = 0; i < depth; ++i) net.push_back(Block(kind));
  if (kind == Branch::Norm) net.push_back(nn::BatchNorm2d(8));
  net.push_back(nn::ReLU());
  net.push_back(nn::Flatten());
  net.push_back(nn::Linear(8 * 49, 10));
  return net;
}

/// The test accuracy after 80 steps.
double train(nn::Sequential net, const experiment::Split& digits) {
  optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  for (int64_t step = 0; step < 80; ++step) {
    const data::Dataset batch = digits.train.narrow(step * 32, 32);
    optimizer.zero_grad();
    Tensor loss = nn::CrossEntropyLoss()(net(batch.inputs), batch.targets);
    loss.backward();
    optimizer.step();
  }
  norma::NoGradGuard no_grad;
  net.eval();
  return experiment::accuracy(net(digits.test.inputs), digits.test.targets);
}

/// The norm of the last block's branch over that of its input, and how many times as large the mean
/// square becomes from the first block to the last.
std::pair<double, double> grown(nn::Sequential net, int64_t depth, const Tensor& inputs) {
  norma::NoGradGuard no_grad;
  Tensor x = net[1](net[0](inputs));
  const Tensor first = x;
  double share = 0;
  for (int64_t i = 0; i < depth; ++i) {
    const Tensor next = net[2 + i](x);
    share = ((next - x).norm() / x.norm()).item<double>();
    x = next;
  }
  return {share, (x.square().mean() / first.square().mean()).item<double>()};
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    experiment::Split digits = e.digits(80 * 32, 500);
    const Tensor mean = digits.train.inputs.mean(), std = digits.train.inputs.std();
    for (data::Dataset* part : {&digits.train, &digits.test})
      part->inputs = (part->inputs - mean) / std;
    const std::pair<std::string, Branch> kinds[] = {
        {"with BatchNorm", Branch::Norm},
        {"without", Branch::Plain},
        {"without, branches begin at zero", Branch::Zero}};
    for (const auto& [name, kind] : kinds)
      for (const uint64_t seed : e.seeds())
        for (const int64_t depth : {1, 3, 10, 30}) {
          norma::manual_seed(seed);
          const double right = train(network(depth, kind), digits);
          e.point(name, double(depth), right);
          if (depth < 30) continue;
          e.measure("test accuracy of 30 blocks, " + name, right);
          if (kind == Branch::Zero) continue;
          norma::manual_seed(seed);
          const auto [share, times] =
              grown(network(depth, kind), depth, digits.train.inputs.narrow(0, 0, 32));
          e.measure(kShare + name, share);
          if (kind == Branch::Plain)
            e.measure("mean square after 30 blocks over that before", times);
        }
    const auto all = [&](const std::string& name, auto&& holds) {
      const auto& values = e.measured(name);
      return std::all_of(values.begin(), values.end(), holds);
    };
    e.draw(
        "The test accuracy over the number of residual blocks, on a logarithmic axis: with "
        "BatchNorm level around 0.8 up to 30 blocks; without it nearly as high up to 3 blocks, "
        "very unlike from run to run at 10, and no better than guessing at 30; with branches that "
        "begin at zero level a little below BatchNorm",
        {.xscale = "log", .xlabel = "residual blocks", .ylabel = "test accuracy"});
    e.expect("with BatchNorm 30 blocks get more than half of the test data right in every run",
             all("test accuracy of 30 blocks, with BatchNorm",
                 [](double right) { return right > 0.5; }));
    e.expect(
        "without it they get less than a fifth right in every run, where guessing gets a tenth",
        all("test accuracy of 30 blocks, without", [](double right) { return right < 0.2; }));
    e.expect(
        "the last branch of 30 is at first below a quarter of its input with BatchNorm, where "
        "theory says 1/√30, and smaller than without, in every run",
        all(kShare + "with BatchNorm", [](double share) { return share < 0.25; }) &&
            experiment::all_below(e.measured(kShare + "with BatchNorm"),
                                  e.measured(kShare + "without")));
  });
}
