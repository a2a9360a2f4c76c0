// A small convolutional network that reads digits, is saved, and loaded again.
//
//   digits_cnn                                       on digits that Norma draws
//   digits_cnn --data DIR                            on MNIST
//   digits_cnn --save digits.safetensors             saves what was learnt
//   digits_cnn --load digits.safetensors --epochs 0  only tests what was saved
//   digits_cnn --plot DIR                            draws curves, mistakes, filters
//   digits_cnn --resume                              goes on with a run that Ctrl-C ended
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

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

// Convolution, BatchNorm, ReLU. The convolution needs no bias: BatchNorm subtracts the mean of each
// channel, and any bias with it.
struct ConvBlock : nn::Module {
  nn::Sequential block;

  ConvBlock(int64_t in_channels, int64_t out_channels)
      : block(
            nn::Conv2d(in_channels, out_channels, /*kernel_size=*/3, {.padding = 1, .bias = false}),
            nn::BatchNorm2d(out_channels), nn::ReLU()) {
    register_module("block", block);
  }
  Tensor forward(const Tensor& x) override { return block(x); }
};

nn::Sequential make_model() {
  return nn::Sequential(ConvBlock(1, 32),       // [N, 32, 28, 28]
                        nn::MaxPool2d(2),       // [N, 32, 14, 14]
                        ConvBlock(32, 64),      // [N, 64, 14, 14]
                        nn::MaxPool2d(2),       // [N, 64, 7, 7]
                        nn::Flatten(),          // [N, 3136]
                        nn::Dropout(0.25),      // behind the last BatchNorm
                        nn::Linear(3136, 10));  // [N, 10]: one number per digit
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<std::size_t>(a.numel() * norma::item_size(a.dtype()))) == 0;
}

void train(const example::Options& options) {
  const example::Split digits = example::digits(options);
  const data::Normalize normalize({0.1307}, {0.3081});
  data::DataLoader train_loader(digits.train, {.batch_size = options.batch_size,
                                               .shuffle = true,
                                               .drop_last = true,
                                               .seed = static_cast<uint64_t>(options.seed),
                                               .transforms = {normalize}});
  data::DataLoader test_loader(digits.test, {.batch_size = 250, .transforms = {normalize}});

  nn::Sequential model = make_model();
  if (!options.load.empty()) norma::load(model, options.load);

  nn::CrossEntropyLoss criterion;
  optim::SGD optimizer(model.parameters(), {.lr = options.lr, .momentum = 0.9});
  const int64_t steps = std::max<int64_t>(1, options.epochs * train_loader.size());
  // The rate climbs during the first tenth of the steps, while the new weights find their scale,
  // and falls along half a cosine wave to 0. Two schedules on one optimiser multiply.
  optim::LinearLR warm_up(optimizer, {.start_factor = 0.01, .total_iters = steps / 10 + 1});
  optim::CosineAnnealingLR cosine(optimizer, steps);

  example::Plots plots(options);
  example::Progress progress(options.epochs, train_loader.size(), plots.history());
  // Ctrl-C saves all this; --resume goes on from there, with the same numbers.
  example::Checkpoint checkpoint(
      options, train_loader, progress,
      {.module = &model, .optimizer = &optimizer, .scheduler = {&warm_up, &cosine}});
  for (int64_t epoch = train_loader.epoch(); epoch < options.epochs; ++epoch) {
    for (auto& [images, labels] : train_loader) {
      optimizer.zero_grad();
      Tensor loss = criterion(model(images), labels);
      loss.backward();
      optimizer.step();
      warm_up.step();
      cosine.step();
      progress.batch(loss.item<double>(), images.size(0));
      if (checkpoint.step()) return;  // interrupted, and saved
    }
    progress.epoch(example::test(model, test_loader));  // in eval(), then back to train()
  }

  const Tensor answers = example::answers(model, test_loader);
  if (!options.save.empty() && options.epochs > 0) {
    // The file holds the running statistics, too: without them the answers would differ.
    norma::save(model, options.save);
    nn::Sequential restored = make_model();
    norma::load(restored, options.save);
    if (!same_bits(answers, example::answers(restored, test_loader)))
      norma::fail("digits_cnn",
                  "expected the answers of before from " + options.save + ", got others");
    std::printf("saved %s; loaded into a fresh model, it gives the same answers bit for bit\n",
                options.save.c_str());
  }
  plots.classifier(answers, digits.test);
  plots.filters("filters.png", model.at<ConvBlock>(0).block.at<nn::Conv2d>(0).weight);
  std::printf("test accuracy %.4f\n", example::scores(answers, digits.test.targets).accuracy);
}

int main(int argc, char** argv) {
  example::Options options{
      .epochs = 1,
      .batch_size = 64,
      .lr = 0.02,
      .about = "Trains a convolutional network with batch normalisation to read digits.",
      .about_data = "Folder with MNIST's files; without it, digits that Norma draws"};
  return example::run(argc, argv, options, [&] { train(options); });
}
