// ResNet-20 for pictures of 32 by 32 pixels, written as modules of one's own.
// He et al., "Deep residual learning for image recognition", arXiv:1512.03385, section 4.2; with
// projections where a block changes the size.
//
//   cifar_resnet --data DIR       on CIFAR-10 (binary version)
//   cifar_resnet                  on digits that Norma draws, in colour
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

// Two convolutions learn what to add to their input, which takes a shortcut past them.
struct BasicBlock : nn::Cloneable<BasicBlock> {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;  // an empty one returns its input

  BasicBlock(int64_t in_channels, int64_t out_channels, int64_t stride)
      : conv1(in_channels, out_channels, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out_channels, out_channels, 3, {.padding = 1, .bias = false}),
        bn1(out_channels),
        bn2(out_channels) {
    if (stride != 1 || in_channels != out_channels) {
      // The sum needs equal shapes: a 1x1 convolution brings the input to that of the output.
      shortcut.push_back(
          nn::Conv2d(in_channels, out_channels, 1, {.stride = stride, .bias = false}));
      shortcut.push_back(nn::BatchNorm2d(out_channels));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("shortcut", shortcut);
  }

  // What clone() and fuse_conv_bn start from.
  BasicBlock fresh() const {
    return BasicBlock(conv1.in_channels(), conv1.out_channels(), conv1.options().stride.h);
  }

  Tensor forward(const Tensor& x) override {
    Tensor y = norma::relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return norma::relu(y + shortcut(x));
  }
};

struct ResNet20 : nn::Cloneable<ResNet20> {
  nn::Sequential stem, blocks, head;

  explicit ResNet20(int64_t classes)
      : stem(nn::Conv2d(3, 16, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(16), nn::ReLU()),
        head(nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(64, classes)) {
    // Three stages of three blocks. Each new stage halves the picture and doubles the channels.
    int64_t in_channels = 16;
    for (int64_t channels : {16, 32, 64}) {
      for (int block = 0; block < 3; ++block) {
        const bool halve = block == 0 && channels != 16;
        blocks.push_back(BasicBlock(in_channels, channels, halve ? 2 : 1));
        in_channels = channels;
      }
    }
    register_module("stem", stem);
    register_module("blocks", blocks);
    register_module("head", head);
  }

  ResNet20 fresh() const { return ResNet20(head.at<nn::Linear>(2).out_features()); }

  Tensor forward(const Tensor& x) override { return head(blocks(stem(x))); }
};

void train(const example::Options& options) {
  const example::Split pictures = example::colour_pictures(options);
  const data::Normalize normalize({0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616});
  // Every epoch sees each picture a little shifted, and half of the time mirrored: the network
  // cannot learn pixels by heart. The test pictures stay as they are.
  data::DataLoader train_loader(pictures.train,
                                {.batch_size = options.batch_size,
                                 .shuffle = true,
                                 .drop_last = true,
                                 .seed = static_cast<uint64_t>(options.seed),
                                 .transforms = {data::RandomCrop(32, {.padding = 4}),
                                                data::RandomHorizontalFlip(), normalize}});
  data::DataLoader test_loader(pictures.test, {.batch_size = 250, .transforms = {normalize}});

  ResNet20 model(10);
  if (!options.load.empty()) norma::load(model, options.load);

  nn::CrossEntropyLoss criterion;
  // Weights are pulled towards 0; biases, and BatchNorm's gamma and beta, are spared.
  optim::SGD optimizer(optim::split_weight_decay(model, 5e-4), {.lr = options.lr, .momentum = 0.9});
  const int64_t steps = std::max<int64_t>(1, options.epochs * train_loader.size());
  optim::CosineAnnealingLR scheduler(optimizer, steps);

  example::Plots plots(options);
  example::Progress progress(options.epochs, train_loader.size(), plots.history());
  // Ctrl-C saves all this; --resume goes on from there, with the same numbers.
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
  plots.classifier(answers, pictures.test, pictures.class_names);
  plots.filters("filters.png", model->stem.at<nn::Conv2d>(0).weight);
  std::printf("test accuracy %.4f\n", example::scores(answers, pictures.test.targets).accuracy);
}

int main(int argc, char** argv) {
  example::Options options{
      .epochs = 8,
      .batch_size = 64,
      .lr = 0.1,
      .about = "Trains a ResNet-20 to tell ten kinds of small pictures apart.",
      .about_data = "Folder with CIFAR-10's binary files; without it, drawn digits in colour"};
  return example::run(argc, argv, options, [&] { train(options); });
}
