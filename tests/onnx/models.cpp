// Whole models: the README's, and those of the benchmark.
#include "../../bench/models.h"

#include "cases.h"

namespace cases {

namespace nn = norma::nn;

namespace {

/// The README's.
struct ConvBlock : nn::Module {
  nn::Sequential block;

  ConvBlock(int64_t in_channels, int64_t out_channels)
      : block(nn::Conv2d(in_channels, out_channels, 3, {.padding = 1, .bias = false}),
              nn::BatchNorm2d(out_channels), nn::ReLU()) {
    register_module("block", block);
  }
  Tensor forward(const Tensor& x) override { return block(x); }
};

nn::Sequential readme_cnn() {
  return nn::Sequential(ConvBlock(1, 32), nn::MaxPool2d(2), ConvBlock(32, 64), nn::MaxPool2d(2),
                        nn::Flatten(), nn::Dropout(0.25), nn::Linear(3136, 10));
}

}  // namespace

Cases models() {
  Cases all;
  all.push_back(layer("readme_cnn", readme_cnn(), {1, 28, 28}));
  for (const std::string& name : bench::workload_names()) {
    const auto workload = std::make_shared<bench::Workload>(bench::make_workload(name, 3));
    all.push_back({name,
                   [workload](int64_t n) {
                     Shape sizes = workload->inputs.sizes();
                     sizes[0] = n;
                     return List{norma::randn(sizes)};
                   },
                   [workload](const List& in) { return List{(*workload->model)(in[0])}; },
                   workload->model});
  }
  return all;
}

}  // namespace cases
