// A multilayer perceptron that reads digits: the smallest complete training program here.
//
//   mnist_mlp                     on digits that Norma draws
//   mnist_mlp --data DIR          on MNIST
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>

#include "common/checkpoint.h"
#include "common/datasets.h"
#include "common/evaluate.h"
#include "common/options.h"
#include "common/plots.h"
#include "common/progress.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

// Linear, BatchNorm, ReLU; once more; and a last Linear that gives one number per digit.
struct MLP : nn::Module {
  nn::Sequential net;

  MLP(int64_t in_dim, int64_t hidden_dim, int64_t out_dim)
      : net(nn::Linear(in_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, out_dim)) {
    register_module("net", net);  // now parameters(), train(), save() … know it
  }
  // Images [N, 1, 28, 28] become rows of 784 numbers.
  Tensor forward(const Tensor& x) override { return net(x.flatten(1)); }
};

void train(const example::Options& options) {
  const example::Split digits = example::digits(options);
  // The loader turns bytes into numbers in 0..1; this one moves them to mean 0, deviation 1.
  const data::Normalize normalize({0.1307}, {0.3081});
  data::DataLoader train_loader(digits.train, {.batch_size = options.batch_size,
                                               .shuffle = true,
                                               .drop_last = true,
                                               .seed = static_cast<uint64_t>(options.seed),
                                               .transforms = {normalize}});
  data::DataLoader test_loader(digits.test, {.batch_size = 250, .transforms = {normalize}});

  MLP model(784, 128, 10);
  if (!options.load.empty()) norma::load(model, options.load);
  nn::CrossEntropyLoss criterion;
  optim::SGD optimizer(model.parameters(), {.lr = options.lr, .momentum = 0.9});
  // One step of the schedule per batch: the rate follows half a cosine wave from lr down to 0.
  const int64_t steps = std::max<int64_t>(1, options.epochs * train_loader.size());
  optim::CosineAnnealingLR scheduler(optimizer, steps);

  example::Plots plots(options);
  example::Progress progress(options.epochs, train_loader.size(), plots.history());
  example::Checkpoint checkpoint(
      options, train_loader, progress,
      {.module = &model, .optimizer = &optimizer, .scheduler = &scheduler});
  for (int64_t epoch = train_loader.epoch(); epoch < options.epochs; ++epoch) {
    for (auto& [images, labels] : train_loader) {
      optimizer.zero_grad();
      Tensor loss = criterion(model(images), labels);
      loss.backward();
      optimizer.step();
      scheduler.step();
      progress.batch(loss.item<double>(), images.size(0));
      if (checkpoint.step()) return;  // interrupted, and saved
    }
    progress.epoch(example::test(model, test_loader));
  }

  if (!options.save.empty()) norma::save(model, options.save);
  const Tensor answers = example::answers(model, test_loader);
  plots.classifier(answers, digits.test);
  std::printf("test accuracy %.4f\n", example::scores(answers, digits.test.targets).accuracy);
}

int main(int argc, char** argv) {
  example::Options options{
      .epochs = 2,
      .batch_size = 64,
      .lr = 0.05,
      .about = "Trains a multilayer perceptron with batch normalisation to read digits.",
      .about_data = "Folder with MNIST's files; without it, digits that Norma draws"};
  return example::run(argc, argv, options, [&] { train(options); });
}
