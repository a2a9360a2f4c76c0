// Whole trainings: families/training.py.
#include <algorithm>

#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;
namespace optim = norma::optim;

nn::Sequential conv_block(int64_t in_channels, int64_t out_channels) {
  return nn::Sequential(nn::Conv2d(in_channels, out_channels, 3, {.padding = 1, .bias = false}),
                        nn::BatchNorm2d(out_channels), nn::ReLU());
}

nn::Sequential mlp(int64_t width) {
  return nn::Sequential(nn::Linear(8, width), nn::BatchNorm1d(width), nn::ReLU(),
                        nn::Linear(width, width), nn::BatchNorm1d(width), nn::ReLU(),
                        nn::Linear(width, 4));
}

nn::Sequential cnn(int64_t width) {
  return nn::Sequential(conv_block(1, width), nn::MaxPool2d(2), conv_block(width, 2 * width),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Linear(8 * width, 4));
}

struct BasicBlock : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;

  BasicBlock(int64_t in_channels, int64_t out_channels, int64_t stride)
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

nn::Sequential resnet20(int64_t width) {
  nn::Sequential blocks;
  int64_t in_channels = width;
  for (int64_t channels : {width, 2 * width, 4 * width}) {
    for (int k = 0; k < 3; ++k) {
      blocks.push_back(BasicBlock(in_channels, channels, k == 0 && channels != width ? 2 : 1));
      in_channels = channels;
    }
  }
  return nn::Sequential(nn::Sequential(nn::Conv2d(3, width, 3, {.padding = 1, .bias = false}),
                                       nn::BatchNorm2d(width), nn::ReLU()),
                        blocks, nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(4 * width, 4));
}

Tensor sketch(const Tensor& gradient) {
  Tensors sums;
  for (std::size_t k = 0; k < 4; ++k) sums.push_back((gradient * cotangent(gradient, k)).sum());
  return norma::stack(sums);
}

// The values of every parameter and buffer, in the twin's dtype.
void copy_state(const nn::Module& from, nn::Module& to) {
  const norma::NamedTensors source = from.state_dict(), target = to.state_dict();
  for (std::size_t i = 0; i < source.size(); ++i) target[i].second.detach().copy_(source[i].second);
}

// float32 does every step from where float64 has come to: left to itself, it would part with it for
// good as soon as rounding decides the sign of one ReLU's input.
template <nn::Sequential (*make)(int64_t)>
Tensors train(const Tensors& x, const Json& options) {
  const auto width = options.at("width").get<int64_t>();
  nn::Sequential model = make(width), twin = make(width);
  model.to(norma::kFloat64);
  twin.to(x[0].dtype());
  norma::NamedTensors start = model.state_dict();
  const auto keys = options.at("keys").get<std::vector<std::string>>();
  for (auto& [name, tensor] : start) {
    const auto key = std::find(keys.begin(), keys.end(), name);
    if (key == keys.end()) continue;
    tensor = x.at(2 + static_cast<std::size_t>(key - keys.begin())).to(norma::kFloat64);
  }
  model.load_state_dict(start);
  optim::SGD optimizer(model.parameters(),
                       {.lr = options.at("lr").get<double>(),
                        .momentum = options.at("momentum").get<double>(),
                        .weight_decay = options.at("weight_decay").get<double>()});
  const Tensor data = x[0].to(norma::kFloat64);
  const Tensors parameters = twin.parameters();
  const bool whole = options.at("whole_gradients").get<bool>();
  const auto steps = options.at("steps").get<int64_t>();
  Tensors losses;
  std::vector<Tensors> gradients(parameters.size());
  for (int64_t step = 0; step < steps; ++step) {
    copy_state(model, twin);
    for (nn::Sequential* network : {&model, &twin}) {
      const Tensor& images = network == &model ? data : x[0];
      network->zero_grad();
      const Tensor loss =
          norma::functional::cross_entropy((*network)(images[step % 4]), x[1][step % 4]);
      loss.backward();
      if (network == &twin) losses.push_back(loss.detach());
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor gradient = parameters[i].grad();
      gradients[i].push_back(whole ? gradient.clone() : sketch(gradient));
    }
    optimizer.step();
  }
  twin.eval();
  Tensors outputs{norma::stack(losses)};
  for (const Tensors& history : gradients) outputs.push_back(norma::stack(history));
  for (const auto& [name, tensor] : twin.state_dict()) outputs.push_back(tensor.detach());
  outputs.push_back(twin(x[0][0]).detach());
  return outputs;
}

const Family family("training",
                    {{"mlp", train<mlp>}, {"cnn", train<cnn>}, {"resnet20", train<resnet20>}});

}  // namespace
}  // namespace parity
