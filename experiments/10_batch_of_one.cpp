// A batch of one, of two and of three.
#include "common/experiment.h"

namespace nn = norma::nn;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "10_batch_of_one",
    .title = "A batch of one is refused, a batch of two says little",
    .claim =
        "One value per channel is its own mean: nothing is left of it, and it is refused. Of two "
        "values, normalisation leaves +1 and -1, whatever they were, so that the layer before has "
        "no gradient. Only from three on there is something to learn.",
    .varied =
        "The batch size, 2 to 256, in Linear(784, 64)-BatchNorm-ReLU-Linear(64, 10) as it is at "
        "first, in float64, on digits of mean 0 and variance 1: 100 batches of each size. The "
        "gradient is that of the first layer, its norm for each of the 64 channels.",
    .limits =
        "With two, the gradient of the median channel is all but gone, that of the mean is not: a "
        "channel whose two values are nearly equal, closer than the root of eps, is torn from one "
        "side to the other, and has a gradient large enough to make up for all others. So the "
        "layer before is not left alone, but moved seldom and hard. And three is only the least "
        "that works: the median of 4 to 16 is larger still.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, algorithm 1, whose formulas these are.",
    .question =
        "Give `norm` the options `{.eps = 1e-9}`, a ten-thousandth: what becomes of the median "
        "gradient of two, and what of the mean? Why?",
};

/// What a layer says to such a batch in training, nothing if it takes it.
std::string refusal(nn::Module& layer, const Tensor& batch) {
  try {
    layer(batch);
  } catch (const norma::Error& error) {
    return error.what();
  }
  return "";
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    data::Dataset digits = e.digits(25600, 1).train;
    const Tensor pixels = digits.inputs.flatten(1).to(norma::kFloat64);
    digits.inputs = (pixels - pixels.mean()) / pixels.std();
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      nn::Linear first(784, 64), last(64, 10);
      nn::BatchNorm1d norm(64);
      nn::Sequential net(first, norm, last);
      net.to(norma::kFloat64);
      nn::CrossEntropyLoss criterion;
      for (const int64_t n : {2, 3, 4, 6, 8, 16, 32, 64, 128, 256}) {
        std::vector<Tensor> norms, sizes;
        for (int64_t i = 0; i < 100; ++i) {
          const data::Dataset batch = digits.narrow(i * n, n);
          net.zero_grad();
          const Tensor normalised = norm(first(batch.inputs));
          criterion(last(normalised.relu()), batch.targets).backward();
          norms.push_back(first.weight.grad().norm(2.0, {1}));
          sizes.push_back(normalised.detach().abs().flatten());
        }
        const Tensor gradients = norma::cat(norms), size = norma::cat(sizes);
        const double median = gradients.median().item<double>();
        const double mean = gradients.mean().item<double>();
        e.point("median channel", double(n), median);
        e.point("mean of all channels", double(n), mean);
        if (n > 3) continue;
        const std::string of = n == 2 ? ", batches of 2" : ", batches of 3";
        const Tensor ones = ((size - 1).abs() < 0.01).to(norma::kFloat64);
        e.measure("share of outputs within 1 % of 1 or -1" + of, ones.mean().item<double>());
        e.measure("median gradient" + of, median);
        e.measure("mean gradient" + of, mean);
      }
    }
    e.draw(
        "The gradient of the median channel is some thousand times smaller for batches of 2 than "
        "for 3, where it is nearly as large as for all others. The mean of all channels has no "
        "such gap: its line is level from 2 to 4, and from 8 on close to that of the median.",
        {.xscale = "log", .yscale = "log", .xlabel = "batch size", .ylabel = "gradient"});
    nn::BatchNorm1d values(64);
    nn::BatchNorm2d images(64);
    const std::string said = refusal(values, norma::randn({1, 64}));
    e.expect("one value per channel is refused: `" + said + "`", !said.empty());
    e.expect("one image of 2 by 2 pixels is not, for it has four values per channel",
             refusal(images, norma::randn({1, 64, 2, 2})).empty());
    e.expect(
        "of batches of 2, at least nine outputs in ten are within 1 % of 1 or -1",
        experiment::mean(e.measured("share of outputs within 1 % of 1 or -1, batches of 2")) > 0.9);
    e.expect("their median gradient is below a hundredth of that of batches of 3",
             experiment::mean(e.measured("median gradient, batches of 2")) <
                 experiment::mean(e.measured("median gradient, batches of 3")) / 100);
  });
}
