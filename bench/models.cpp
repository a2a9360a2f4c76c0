#include "models.h"

#include "timing.h"

namespace bench {

namespace nn = norma::nn;
using norma::Shape;
using norma::Tensor;

namespace {

nn::Sequential mlp(int64_t in, int64_t hidden, int64_t out) {
  return nn::Sequential(nn::Linear(in, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, out));
}

nn::Sequential conv_block(int64_t in, int64_t out) {
  return nn::Sequential(nn::Conv2d(in, out, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(out),
                        nn::ReLU());
}

nn::Sequential cnn() {
  return nn::Sequential(conv_block(1, 32), nn::MaxPool2d(2), conv_block(32, 64), nn::MaxPool2d(2),
                        nn::Flatten(), nn::Dropout(0.25), nn::Linear(3136, 10));
}

/// Two 3×3 convolutions around a shortcut; where the shape changes, the shortcut is a 1×1 one.
struct BasicBlock : nn::Cloneable<BasicBlock> {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;

  BasicBlock(int64_t in, int64_t out, int64_t stride)
      : conv1(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        bn1(out),
        bn2(out) {
    if (stride != 1 || in != out) {
      shortcut.push_back(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}));
      shortcut.push_back(nn::BatchNorm2d(out));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("shortcut", shortcut);
  }

  BasicBlock fresh() const {
    return BasicBlock(conv1.in_channels(), conv1.out_channels(), conv1.options().stride.h);
  }

  Tensor forward(const Tensor& x) override {
    const Tensor y = bn2(conv2(relu(bn1(conv1(x)))));
    return relu(y + shortcut(x));
  }
};

nn::Sequential resnet20() {
  nn::Sequential net(conv_block(3, 16));
  int64_t in = 16;
  for (const int64_t out : {16, 32, 64}) {
    for (int64_t block = 0; block < 3; ++block) {
      net.push_back(BasicBlock(in, out, block == 0 && out != 16 ? 2 : 1));
      in = out;
    }
  }
  net.push_back(nn::AdaptiveAvgPool2d(1));
  net.push_back(nn::Flatten());
  net.push_back(nn::Linear(64, 10));
  return net;
}

Workload workload(const std::string& name, const nn::Sequential& model, Shape sizes, int64_t batch,
                  int64_t classes) {
  if (batch > 0) sizes[0] = batch;
  Workload result{name, std::make_shared<nn::Sequential>(model), norma::randn(sizes), {}};
  for (int64_t i = 0; i < kLabelSets; ++i) {
    result.labels.push_back(norma::randint(0, classes, {sizes[0]}));
  }
  return result;
}

}  // namespace

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> names = {"mlp_tiny", "mlp_small", "mlp_large", "cnn",
                                                 "resnet20"};
  return names;
}

Workload make_workload(const std::string& name, int64_t batch) {
  norma::manual_seed(0);
  if (name == "mlp_tiny") return workload(name, mlp(2, 16, 2), {32, 2}, batch, 2);
  if (name == "mlp_small") return workload(name, mlp(784, 128, 10), {64, 784}, batch, 10);
  if (name == "mlp_large") return workload(name, mlp(784, 1024, 10), {256, 784}, batch, 10);
  if (name == "cnn") return workload(name, cnn(), {64, 1, 28, 28}, batch, 10);
  if (name == "resnet20") return workload(name, resnet20(), {64, 3, 32, 32}, batch, 10);
  throw norma::Error("norma_bench",
                     "expected one of mlp_tiny, mlp_small, mlp_large, cnn, resnet20, got " + name);
}

}  // namespace bench
