// Gamma and beta can give the identity back, and learn to.
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "06_identity",
    .title = "Gamma and beta give the identity back",
    .claim =
        "BatchNorm takes nothing from what a network can say: with gamma = σ and beta = μ it is "
        "the identity, and where the identity is best, training leads there.",
    .varied =
        "The size of the batch, 4 to 256, for one BatchNorm1d of 16 channels that is to give its "
        "inputs back: 1000 steps of SGD at rate 0.02 on the squared difference. The inputs are "
        "drawn anew for every step, normal, with σ from 0.1 to 10 and μ of about as much. The "
        "distance from the identity is the root of the mean square of (y - x) / σ on 10000 fresh "
        "samples in eval().",
    .limits =
        "Training leads to the spread of a batch, not to σ: four samples lie, in the mean, closer "
        "together than all, and gamma comes to about 0.8 σ and stays there. And in train() the "
        "layer is the identity for no gamma and beta, as every batch has a mean and variance of "
        "its own; in eval(), with σ and μ set by hand, it is so as nearly as its running "
        "statistics are those of all.",
    .source = "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.",
    .question =
        "Take batches of 2 instead of 4: to how many σ does gamma come now, and what is half the "
        "distance of two normal numbers in the mean?",
};
constexpr int64_t kChannels = 16;

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    bool by_hand = true, learned = true;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      const Tensor sigma = ((norma::rand({kChannels}) * 2 - 1) * std::log(10.0)).exp();
      const Tensor mu = norma::randn({kChannels}) * sigma;
      const auto inputs = [&](int64_t n) { return norma::randn({n, kChannels}) * sigma + mu; };
      const Tensor fresh = inputs(10000);
      const auto distance = [&](nn::BatchNorm1d layer) {
        norma::NoGradGuard guard;
        layer.eval();
        const Tensor off = (layer(fresh) - fresh) / sigma;
        layer.train();
        return off.pow(2).mean().sqrt().item<double>();
      };
      for (const int64_t batch : {4, 16, 64, 256}) {
        const std::string which = "batches of " + std::to_string(batch);
        nn::BatchNorm1d layer(kChannels);
        optim::SGD optimizer(layer.parameters(), {.lr = 0.02});
        for (int step = 1; step <= 1000; ++step) {
          const Tensor x = inputs(batch);
          optimizer.zero_grad();
          (layer(x) - x).pow(2).sum(norma::Shape{1}).mean().backward();
          optimizer.step();
          if (step % 50 == 0) e.point(which, step, distance(layer));
        }
        e.measure("gamma over σ, " + which, (layer.weight / sigma).mean().item<double>());
        if (batch < 256) continue;
        learned = learned && distance(layer) < 1.0 / 16;
        norma::NoGradGuard guard;
        layer.weight.fill_(1);
        layer.bias.fill_(0);
        e.measure("distance without gamma and beta", distance(layer));
        layer.weight.copy_(sigma);
        layer.bias.copy_(mu);
        e.measure("distance with σ and μ set by hand", distance(layer));
        by_hand = by_hand && distance(layer) < 1.0 / 16;
      }
    }
    e.draw(
        "The distance from the identity over the steps. All sizes fall fast and are level from "
        "step 150 on: at 0.2 σ for batches of 4, 0.055 for 16, 0.02 for 64 and 0.01 for 256",
        {.yscale = "log", .xlabel = "step", .ylabel = "distance from the identity, in σ"});
    e.expect(
        "set by hand, the distance is below σ/16, by which the mean of a batch of 256 misses μ",
        by_hand);
    e.expect("learned from batches of 256, it is below σ/16, too", learned);
  });
}
