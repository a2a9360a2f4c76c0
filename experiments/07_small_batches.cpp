// Small batches give noisy statistics.
#include <cmath>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "07_small_batches",
    .title = "Small batches give noisy statistics",
    .claim =
        "The fewer samples, the more the mean and variance of a batch differ from those of all, "
        "and the worse a network with BatchNorm becomes. GroupNorm, which looks at each sample "
        "alone, does not mind.",
    .varied =
        "How many samples share a mean and a variance, 2 to 256; every step takes the gradient of "
        "256 all the same, in parts, as devices do that share a batch: 8 epochs of 4096 images, "
        "SGD at rate 0.1 with momentum 0.9, 1000 test images in eval(). Two hidden layers of 64 "
        "ReLUs, with BatchNorm or with GroupNorm of 8 groups before each; beside them two "
        "convolutions of stride 2 and 8 and 16 channels, with BatchNorm. GroupNorm and the "
        "convolutions are measured at the ends alone, 2 and 256.",
    .limits =
        "How much a network loses depends on how many values share the statistics, not on the "
        "samples alone: behind the convolutions a channel has 196 or 49 in each image, and with "
        "two images it loses about half a point. From 8 samples on, BatchNorm is here the better "
        "of the two. That GroupNorm is level was certain: with the gradient of 256 all the same, "
        "the size of the parts changes its rounding only.",
    .source =
        "Wu and He, \"Group Normalization\", 2018, abstract and figure 1: with 2 images per "
        "device, a ResNet-50 has an error 10.6 points lower than with BatchNorm.",
    .question =
        "Are the running statistics at fault? Take `net.eval()` out of `train`, so that the test "
        "images are normalised by their own mean and variance, those of 1000: is BatchNorm saved?",
};
constexpr int64_t kBatch = 256;

nn::Sequential with_batch_norm() {
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 64), nn::BatchNorm1d(64), nn::ReLU(),
                        nn::Linear(64, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 10));
}

nn::Sequential with_group_norm() {
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 64), nn::GroupNorm(8, 64), nn::ReLU(),
                        nn::Linear(64, 64), nn::GroupNorm(8, 64), nn::ReLU(), nn::Linear(64, 10));
}

nn::Sequential convolutions() {
  return nn::Sequential(nn::Conv2d(1, 8, 3, {.stride = 2, .padding = 1}), nn::BatchNorm2d(8),
                        nn::ReLU(), nn::Conv2d(8, 16, 3, {.stride = 2, .padding = 1}),
                        nn::BatchNorm2d(16), nn::ReLU(), nn::Flatten(), nn::Linear(784, 10));
}

double train(nn::Sequential net, int64_t part, const experiment::Split& digits, uint64_t seed) {
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  nn::CrossEntropyLoss criterion;
  data::DataLoader loader(digits.train,
                          {.batch_size = kBatch, .shuffle = true, .seed = seed, .prefetch = false});
  for (int epoch = 0; epoch < 8; ++epoch) {
    for (auto& [x, y] : loader) {
      optimizer.zero_grad();
      for (int64_t start = 0; start < kBatch; start += part) {
        const Tensor loss = criterion(net(x.narrow(0, start, part)), y.narrow(0, start, part));
        (loss * (double(part) / kBatch)).backward();
      }
      optimizer.step();
    }
  }
  norma::NoGradGuard guard;
  net.eval();
  return 100 * experiment::accuracy(net(digits.test.inputs), digits.test.targets);
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const experiment::Split digits = e.digits(4096, 1000);
    bool root = true, worse = true, level = true;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      double spread[2];
      const Tensor all = nn::Linear(784, 64)(digits.train.inputs.flatten(1)).detach();
      for (const int64_t part : {int64_t{2}, kBatch}) {
        const Tensor parts = all.reshape({-1, part, 64});
        const std::string samples = " of " + std::to_string(part) + " samples, in σ";
        spread[part == 2] = (parts.mean({1}).std({0}) / all.std({0})).mean().item<double>();
        const Tensor variances = parts.var({1}).std({0}) / all.var({0});
        e.measure("spread of the mean" + samples, spread[part == 2]);
        e.measure("spread of the variance" + samples + "²", variances.mean().item<double>());
      }
      root = root && spread[1] > 8 * spread[0] && spread[1] < 16 * spread[0];

      double batch[2], group[2];
      for (int64_t part = 2; part <= kBatch; part *= 2) {
        const auto accuracy = [&](nn::Sequential (*network)(), const std::string& which) {
          norma::manual_seed(seed);
          const double percent = train(network(), part, digits, seed);
          e.point(which, double(part), percent);
          if (part == 2 || part == kBatch)
            e.measure(which + ", " + std::to_string(part) + " samples: test accuracy, %", percent);
          return percent;
        };
        batch[part == 2] = accuracy(with_batch_norm, "BatchNorm");
        if (part != 2 && part != kBatch) continue;
        group[part == 2] = accuracy(with_group_norm, "GroupNorm");
        accuracy(convolutions, "BatchNorm behind convolutions");
      }
      worse = worse && batch[1] < batch[0];
      level = level && group[1] > batch[1] && std::abs(group[1] - group[0]) < 0.5;
    }
    e.draw(
        "Test accuracy over the samples that share their statistics. With BatchNorm 38 % at 2, 90 "
        "at 4, 96 from 8; at 2 as at 256, and measured nowhere else, 94 with GroupNorm and 97 with "
        "BatchNorm behind convolutions",
        {.xscale = "log", .xlabel = "samples that share statistics", .ylabel = "test accuracy, %"});
    e.expect("the mean of 2 samples spreads 8 to 16 times as much as that of 256, in every seed",
             root);
    e.expect("BatchNorm is less accurate with 2 samples than with 256, in every seed", worse);
    e.expect("GroupNorm is more accurate with 2, and as with 256 to half a point, in every seed",
             level);
  });
}
