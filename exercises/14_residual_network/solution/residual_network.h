// A residual network that reads digits.
#pragma once
#include <norma/norma.h>

#include <cstdint>

namespace mine {

namespace nn = norma::nn;
using norma::Tensor;

/// Two convolutions learn what to add to the input, which takes a shortcut past them.
struct ResidualBlock : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;  // an empty one returns its input

  ResidualBlock(int64_t in_channels, int64_t out_channels, int64_t stride)
      : conv1(in_channels, out_channels, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out_channels, out_channels, 3, {.padding = 1, .bias = false}),
        bn1(out_channels),
        bn2(out_channels) {
    if (stride != 1 || in_channels != out_channels) {
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

  Tensor forward(const Tensor& x) override {
    const Tensor y = bn2(conv2(norma::relu(bn1(conv1(x)))));
    return norma::relu(y + shortcut(x));
  }
};

/// Takes pictures [N, 1, 28, 28] and gives logits [N, 10].
inline nn::Sequential make_network() {
  return nn::Sequential(nn::Conv2d(1, 8, 3, {.stride = 2, .padding = 1, .bias = false}),
                        nn::BatchNorm2d(8), nn::ReLU(),  // [N, 8, 14, 14]
                        ResidualBlock(8, 8, 1),          //
                        ResidualBlock(8, 16, 2),         // [N, 16, 7, 7]
                        ResidualBlock(16, 32, 2),        // [N, 32, 4, 4]
                        nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(32, 10));
}

/// Trains the network on these pictures.
inline void train(nn::Sequential& net, const norma::data::Dataset& pictures) {
  const int64_t epochs = 4;
  norma::data::DataLoader loader(pictures, {.batch_size = 32, .shuffle = true});
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.05, .momentum = 0.9});
  norma::optim::CosineAnnealingLR scheduler(optimizer, epochs * loader.size());
  nn::CrossEntropyLoss criterion;
  net.train();
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (auto& [x, labels] : loader) {
      optimizer.zero_grad();
      criterion(net(x), labels).backward();
      optimizer.step();
      scheduler.step();
    }
  }
}

}  // namespace mine
