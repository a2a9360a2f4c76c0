// What SyncBatchNorm changes where each device sees a few samples.
#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "19_sync",
    .title = "Statistics across devices: SyncBatchNorm",
    .claim =
        "When several devices share a batch, each normalises its own samples; where these are "
        "few, training suffers, and SyncBatchNorm, which takes the statistics of all of them, "
        "mends it.",
    .varied =
        "Into how many parts GhostBatchNorm divides the batch of 64, to normalise each by itself, "
        "as devices do, here in one process: parts of 1, 2, 4, 16 samples, and all 64, which is "
        "what SyncBatchNorm computes. Three times Conv2d-GhostBatchNorm-ReLU and a Linear, 100 "
        "steps of SGD, rate 0.05, momentum 0.9. Before the test every network gets running "
        "statistics of all training data, for those of so few steps lag behind (experiment 8). "
        "The picture's line of SyncBatchNorm is the whole batch's error, drawn at every size.",
    .limits =
        "Few means very few: parts of 16 are as good as the whole batch here, to less than what "
        "seeds change, and SyncBatchNorm would communicate for nothing. And 100 steps are a "
        "beginning: after four times as many, parts of 2 still have the higher loss in training, "
        "but no higher test error; nor have they on MNIST (`--data`). Without pixels, in "
        "BatchNorm1d, a part of 2 leaves of each value no more than its sign, and a part of 1 is "
        "refused.",
    .source =
        "Peng and others, \"MegDet: A Large Mini-Batch Object Detector\", 2018; Wu and He, "
        "\"Group Normalization\", 2018, figure 1, for the loss of accuracy; GhostBatchNorm: "
        "Hoffer, Hubara and Soudry, \"Train longer, generalize better\", 2017.",
    .question =
        "Take 400 for `kSteps`: which parts still have a higher test error than the whole batch?",
};
constexpr int64_t kBatch = 64, kSteps = 100;

/// Normalises every `size` samples by themselves; in evaluation, as BatchNorm does.
struct GhostBatchNorm : nn::Module {
  nn::BatchNorm2d norm;
  int64_t size;
  GhostBatchNorm(int64_t channels, int64_t samples) : norm(channels), size(samples) {
    register_module("norm", norm);
  }
  Tensor forward(const Tensor& input) override {
    if (!is_training()) return norm(input);
    std::vector<Tensor> parts;
    for (const Tensor& part : input.split(size)) parts.push_back(norm(part));
    return norma::cat(parts);
  }
};

nn::Sequential network(int64_t channels, int64_t size) {
  nn::Sequential net;
  for (const int64_t out : {8, 16, 32}) {
    net.push_back(nn::Conv2d(channels, out, 3, {.stride = 2, .padding = 1, .bias = false}));
    net.push_back(GhostBatchNorm(out, size));
    net.push_back(nn::ReLU());
    channels = out;
  }
  net.push_back(nn::AdaptiveAvgPool2d(2));
  net.push_back(nn::Flatten());
  net.push_back(nn::Linear(32 * 4, 10));
  return net;
}

/// The mean loss of the last 20 steps.
double train(nn::Sequential net, const data::Dataset& digits) {
  optim::SGD optimizer(net.parameters(), {.lr = 0.05, .momentum = 0.9});
  double last = 0;
  for (int64_t step = 0; step < kSteps; ++step) {
    const data::Dataset batch = digits.narrow(step * kBatch, kBatch);
    optimizer.zero_grad();
    Tensor loss = nn::CrossEntropyLoss()(net(batch.inputs), batch.targets);
    loss.backward();
    optimizer.step();
    if (step >= kSteps - 20) last += loss.item<double>() / 20;
  }
  return last;
}

/// On test data, with running statistics of all training data.
double accuracy(nn::Sequential net, const experiment::Split& digits) {
  norma::NoGradGuard no_grad;
  optim::update_bn(digits.train.inputs.split(kBatch), net);
  net.eval();
  return experiment::accuracy(net(digits.test.inputs), digits.test.targets);
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const experiment::Split digits = e.digits(kSteps * kBatch, 1000);
    for (const uint64_t seed : e.seeds()) {
      std::vector<double> errors;
      for (const int64_t size : {1, 2, 4, 16, 64}) {
        norma::manual_seed(seed);
        nn::Sequential net = network(digits.train.inputs.size(1), size);
        const double loss = train(net, digits.train), right = accuracy(net, digits);
        errors.push_back(1 - right);
        e.point("each part by itself", double(size), errors.back());
        const std::string parts =
            size < kBatch ? "parts of " + std::to_string(size) : "the whole batch";
        e.measure("test error, " + parts, errors.back());
        if (size == 2 || size == kBatch) e.measure("loss of the last 20 steps, " + parts, loss);
      }
      for (const double size : {1, 2, 4, 16, 64}) e.point("SyncBatchNorm", size, errors.back());
    }
    e.draw(
        "The test error over the samples of a part, on a logarithmic axis: normalised each by "
        "itself, it falls from about one tenth with 1 sample to half of that with 2, and comes "
        "down to the level line of SyncBatchNorm at 16",
        {.xscale = "log", .xlabel = "samples of a part", .ylabel = "test error"});
    for (const std::string what : {"test error", "loss of the last 20 steps"})
      e.expect("the " + what + " is higher with parts of 2 than with the whole batch in every run",
               experiment::all_below(e.measured(what + ", the whole batch"),
                                     e.measured(what + ", parts of 2")));
  });
}
