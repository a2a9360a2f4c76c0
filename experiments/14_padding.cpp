// Padding spoils the statistics; masking mends it.
#include "common/experiment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nn = norma::nn;
namespace optim = norma::optim;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "14_padding",
    .title = "Padding spoils the statistics; masking mends it",
    .claim =
        "Sequences of unlike length are padded with zeros to that of the longest, and BatchNorm "
        "counts these zeros: its mean and variance are not those of the data. Statistics of the "
        "real steps alone mend it.",
    .varied =
        "How much longer the longest sequence of a batch is than the shortest, 1 to 64 times. "
        "Waves of four periods around 2, with noise, of 8 steps and more, their lengths evenly "
        "spread on a logarithmic scale; Conv1d-BatchNorm-ReLU, the mean over the real steps in "
        "any case, and a Linear; 300 steps of SGD, batches of 32, rate 0.02, momentum 0.9. "
        "BatchNorm over all steps, or over the real ones alone. The test is in eval(), where "
        "padding does not change what a sequence gets. The mean and variance kept, the running "
        "ones, are compared with those of what BatchNorm gets at the real steps of the test.",
    .limits =
        "The statistics are wrong in every run; what that costs differs: the accuracy is worse on "
        "the average, but not in every run. Where all sequences of a batch are of one length "
        "there is nothing to mend, and both train alike (1 times), so batches of like length do "
        "without a mask. And how wrong the statistics are depends on the data: zeros behind "
        "values around 0 leave the mean as it is.",
    .source =
        "Laurent, Pereyra, Brakel, Zhang and Bengio, \"Batch Normalized Recurrent Neural "
        "Networks\", 2016, whose statistics are over the frames that are no padding.",
    .question =
        "Let the waves swing around 0 instead of 2, in `waves`: which of the two statistics is "
        "still wrong, and does it still cost accuracy?",
};

/// Sequences [N, 1, L], zeros behind each; which of their steps are real, [N, L]; their periods.
struct Waves {
  Tensor inputs, real, targets;
};

Waves waves(int64_t n, double ratio) {
  const Tensor lengths = (8 * (std::log(ratio) * norma::rand({n, 1})).exp()).round();
  const Tensor time = norma::arange(lengths.max().item<double>()),
               targets = norma::randint(0, 4, {n});
  const Tensor turns = time / (3.0 + targets.unsqueeze(1)) + norma::rand({n, 1});
  const Tensor values =
      2 + (2 * std::numbers::pi * turns).sin() + 0.5 * norma::randn(turns.sizes());
  const Tensor real = time < lengths;
  return {(values * real).unsqueeze(1), real, targets};
}

/// Those of all sequences, one below the other: of [N, C, L], [steps, C].
Tensor real_steps(const Tensor& x, const Waves& batch) {
  const Tensor where = batch.real.flatten().nonzero().squeeze(1);
  return x.transpose(1, 2).flatten(0, 1).index_select(0, where);
}

struct Net : nn::Module {
  nn::Conv1d conv = nn::Conv1d(1, 16, 7, {.padding = 3});
  nn::BatchNorm1d norm = nn::BatchNorm1d(16);
  nn::Linear last = nn::Linear(16, 4);
  bool masked;
  explicit Net(bool mask) : masked(mask) {
    register_module("conv", conv);
    register_module("norm", norm);
    register_module("last", last);
  }
  Tensor scores(const Waves& batch) {
    const Tensor x = conv(batch.inputs), sequence = batch.real.nonzero().select(1, 0);
    const Tensor steps = masked ? norm(real_steps(x, batch)) : real_steps(norm(x), batch);
    const Tensor sums = norma::zeros({batch.real.size(0), 16}).index_add(0, sequence, relu(steps));
    return last(sums / batch.real.sum({1}, true));
  }
};

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    for (const bool masked : {false, true})
      for (const uint64_t seed : e.seeds())
        for (const double ratio : {1.0, 4.0, 16.0, 64.0}) {
          norma::manual_seed(seed);
          const std::string name = masked ? "real steps alone" : "all steps";
          Net net(masked);
          optim::SGD optimizer(net.parameters(), {.lr = 0.02, .momentum = 0.9});
          for (int64_t step = 0; step < 300; ++step) {
            const Waves batch = waves(32, ratio);
            optimizer.zero_grad();
            nn::CrossEntropyLoss()(net.scores(batch), batch.targets).backward();
            optimizer.step();
          }
          norma::NoGradGuard no_grad;
          net.eval();
          const Waves test = waves(400, ratio);
          const double right = experiment::accuracy(net.scores(test), test.targets);
          e.point(name, ratio, right);
          if (ratio == 16) {
            const Tensor met = real_steps(net.conv(test.inputs), test);
            const Tensor off = (net.norm.running_mean - met.mean({0})) / met.std({0});
            const Tensor times = net.norm.running_var / met.var({0});
            e.measure("distance of the mean kept from the mean met, in σ, " + name,
                      off.abs().mean().item<double>());
            e.measure("variance kept / variance met, " + name,
                      times.log().mean().exp().item<double>());
          }
          if (ratio != 4)
            e.measure("test accuracy at " + std::to_string(int(ratio)) + " times, " + name, right);
        }
    e.draw(
        "The test accuracy over how much longer the longest sequence of a batch is than the "
        "shortest, on a logarithmic axis: where all are of one length the lines meet at 0.62; from "
        "there both rise, that of statistics over the real steps alone to 0.91 at 16 and 0.93 at "
        "64; that over all steps is more than a tenth below it at 4 and 16, with a wide range, "
        "and at 64 a few hundredths",
        {.xscale = "log", .xlabel = "longest length / shortest", .ylabel = "test accuracy"});
    const auto all = [&](const std::string& name, auto&& holds) {
      return std::all_of(e.measured(name).begin(), e.measured(name).end(), holds);
    };
    const std::string distance = "distance of the mean kept from the mean met, in σ, ";
    e.expect(
        "over all steps, the mean kept at 16 times is more than a tenth of a standard deviation "
        "from that of the real steps of the test, in every run",
        all(distance + "all steps", [](double d) { return d > 0.1; }));
    e.expect(
        "over the real steps alone it is within a tenth, and the variance within a fifth, in "
        "every run",
        all(distance + "real steps alone", [](double d) { return d < 0.1; }) &&
            all("variance kept / variance met, real steps alone",
                [](double v) { return std::abs(v - 1) < 0.2; }));
    e.expect("the test accuracy at 16 times is higher over the real steps alone in every run",
             experiment::all_below(e.measured("test accuracy at 16 times, all steps"),
                                   e.measured("test accuracy at 16 times, real steps alone")));
  });
}
