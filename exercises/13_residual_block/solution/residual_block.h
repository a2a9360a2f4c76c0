// The block that residual networks are made of.
#pragma once
#include <norma/norma.h>

namespace mine {

namespace nn = norma::nn;
using norma::Tensor;

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))
struct ResidualBlock : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;  // an empty one returns its input

  /// x [N, in, H, W] becomes [N, out, H / stride, W / stride].
  ResidualBlock(int64_t in, int64_t out, int64_t stride)
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

  Tensor forward(const Tensor& x) override {
    const Tensor y = bn2(conv2(norma::relu(bn1(conv1(x)))));
    return norma::relu(y + shortcut(x));
  }
};

}  // namespace mine
