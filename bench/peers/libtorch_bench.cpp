// The workloads of norma_bench in libtorch: the same models, options, timing and output.
//
//   libtorch_bench [--threads N] [--blocks N] [--seconds S] [workload ...]
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "../timing.h"

namespace {

namespace nn = torch::nn;
using torch::Tensor;

const std::vector<std::string> kNames = {"mlp_tiny", "mlp_small", "mlp_large", "cnn", "resnet20"};

nn::Sequential mlp(int64_t in, int64_t hidden, int64_t out) {
  return nn::Sequential(nn::Linear(in, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, out));
}

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

nn::Sequential cnn() {
  return nn::Sequential(conv(1, 32, 3), nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2),
                        conv(32, 64, 3), nn::BatchNorm2d(64), nn::ReLU(), nn::MaxPool2d(2),
                        nn::Flatten(), nn::Dropout(0.25), nn::Linear(3136, 10));
}

struct BasicBlockImpl : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;

  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(conv(in, out, 3, stride)), conv2(conv(out, out, 3)), bn1(out), bn2(out) {
    if (stride != 1 || in != out) {
      shortcut->push_back(conv(in, out, 1, stride));
      shortcut->push_back(nn::BatchNorm2d(out));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("shortcut", shortcut);
  }

  Tensor forward(const Tensor& x) {
    const Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + (shortcut->is_empty() ? x : shortcut->forward(x)));
  }
};
TORCH_MODULE(BasicBlock);

nn::Sequential resnet20() {
  nn::Sequential net(conv(3, 16, 3), nn::BatchNorm2d(16), nn::ReLU());
  int64_t in = 16;
  for (const int64_t out : {16, 32, 64}) {
    for (int64_t block = 0; block < 3; ++block) {
      net->push_back(BasicBlock(in, out, block == 0 && out != 16 ? 2 : 1));
      in = out;
    }
  }
  net->push_back(nn::AdaptiveAvgPool2d(1));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(64, 10));
  return net;
}

void run(const std::string& name, nn::Sequential model, at::IntArrayRef shape, int64_t classes,
         const bench::Timing& timing) {
  const Tensor inputs = torch::randn(shape);
  const std::vector<Tensor> labels =
      torch::randint(0, classes, {bench::kLabelSets, shape[0]}, torch::kInt64).unbind();
  std::size_t step = 0;
  const std::vector<Tensor> parameters = model->parameters();
  nn::CrossEntropyLoss loss;
  torch::optim::SGD optimizer(parameters,
                              torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(1e-4));
  const auto train = [&] {
    // What zero_grad(set_to_none=True) does in Python; the one here writes zeros.
    for (const Tensor& parameter : parameters) parameter.mutable_grad().reset();
    loss(model->forward(inputs), labels[step++ % labels.size()]).backward();
    optimizer.step();
  };
  const auto infer = [&] {
    const c10::InferenceMode inference;
    model->forward(inputs);
  };
  model->train();
  std::printf("%s.train %.5f\n", name.c_str(), bench::milliseconds(timing, train));
  model->eval();
  std::printf("%s.infer %.5f\n", name.c_str(), bench::milliseconds(timing, infer));
  const Tensor sample = inputs.narrow(0, 0, 1);
  bench::print_one_sample(name, timing, [&] {
    const c10::InferenceMode inference;
    model->forward(sample);
  });
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps and inference of small models in libtorch");
  int threads = 0;
  bench::Timing timing;
  std::vector<std::string> names;
  app.add_option("--threads", threads, "at::set_num_threads")->check(CLI::Range(1, 1024));
  app.add_option("--blocks", timing.blocks, "Timed blocks; the median counts")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", timing.seconds, "Length of a block")->check(CLI::PositiveNumber);
  app.add_option("workload", names, "Workloads (default: all)")->check(CLI::IsMember(kNames));
  CLI11_PARSE(app, argc, argv);
  if (threads > 0) at::set_num_threads(threads);
  for (const std::string& name : names.empty() ? kNames : names) {
    torch::manual_seed(0);
    if (name == "mlp_tiny") run(name, mlp(2, 16, 2), {32, 2}, 2, timing);
    if (name == "mlp_small") run(name, mlp(784, 128, 10), {64, 784}, 10, timing);
    if (name == "mlp_large") run(name, mlp(784, 1024, 10), {256, 784}, 10, timing);
    if (name == "cnn") run(name, cnn(), {64, 1, 28, 28}, 10, timing);
    if (name == "resnet20") run(name, resnet20(), {64, 3, 32, 32}, 10, timing);
  }
  return 0;
}
