// BatchNorm over the wrong axis of a sequence.
#include <algorithm>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "11_wrong_axis",
    .title = "The wrong axis of a sequence keeps unlike scales unlike",
    .claim =
        "BatchNorm1d takes axis 1 for the channels. Of sequences [N, L, C], with the features "
        "last, it therefore normalises each step over all features, without an error where L is C. "
        "Features of unlike scale stay unlike, and the network learns worse.",
    .varied =
        "The units of 16 instruments, read at 16 times: alike, or rising evenly from the first to "
        "the last, which is 10, 100 or 1000 times as large. One instrument swings twice as far as "
        "usual, and the network, Linear(16, 64)-ReLU-mean over time-Linear(64, 16), is to say "
        "which: with BatchNorm1d before it on the right axis, on the wrong one, and without. 300 "
        "steps of SGD with batches of 50, momentum 0.9 and the best of the rates 0.3, 0.1 and "
        "0.03; asked are 1000 new readings.",
    .limits =
        "The wrong axis costs what the right one would have given: one scale for all features. "
        "Where they have it already, nothing is lost; the other two even answer a little better "
        "then. And the wrong axis is hardly worse than no BatchNorm at all.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.2: every feature is "
        "normalised over the batch and all its places. PyTorch's page on BatchNorm1d: input (N, "
        "C) or (N, C, L), C the channels.",
    .question =
        "Let `norm` be an `nn::LayerNorm`, which takes mean and variance from each sample alone: "
        "why does the right axis then answer no better than by chance?",
};

/// 16 instruments, read at 16 times: [n, time, instrument]. The unit of the last is `largest` times
/// that of the first. One of them swings twice as far as usual; the target says which.
data::Dataset readings(int64_t n, double largest) {
  const Tensor which = norma::randint(0, 16, {n});
  const Tensor swing = 1 + norma::functional::one_hot(which, 16).to(norma::kFloat32);
  const Tensor units = norma::logspace(-0.5, 0.5, 16, largest);
  return {norma::randn({n, 16, 16}) * swing.unsqueeze(1) * units, which};
}

/// Looks at each time step of readings [N, L, C], and takes the mean over time.
struct Reader : nn::Module {
  std::string axis;
  nn::BatchNorm1d norm{16};
  nn::Linear first{16, 64}, last{64, 16};
  explicit Reader(std::string which) : axis(std::move(which)) {
    register_module("norm", norm);
    register_module("first", first);
    register_module("last", last);
  }
  Tensor forward(const Tensor& x) override {
    if (axis == "no BatchNorm") return read(x);
    return read(axis == "wrong axis" ? norm(x) : norm(x.transpose(1, 2)).transpose(1, 2));
  }
  Tensor read(const Tensor& x) { return last(first(x).relu().mean({1})); }
};

/// The share of right answers on new readings, with the best of three rates.
double trained(const std::string& axis, const data::Dataset& all, const data::Dataset& test) {
  double best = 0;
  for (const double lr : {0.3, 0.1, 0.03}) {
    const norma::RandomStateGuard same_weights;
    Reader net(axis);
    optim::SGD optimizer(net.parameters(), {.lr = lr, .momentum = 0.9});
    nn::CrossEntropyLoss criterion;
    for (int64_t step = 0; step < 300; ++step) {
      const data::Dataset batch = all.narrow(step * 50, 50);
      optimizer.zero_grad();
      criterion(net(batch.inputs), batch.targets).backward();
      optimizer.step();
    }
    net.eval();
    best = std::max(best, experiment::accuracy(net(test.inputs), test.targets));
  }
  return best;
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    for (const uint64_t seed : e.seeds()) {
      for (const double largest : {1, 10, 100, 1000}) {
        norma::manual_seed(seed);
        const data::Dataset all = readings(15000, largest), test = readings(1000, largest);
        for (const std::string axis : {"right axis", "wrong axis", "no BatchNorm"}) {
          const double right = trained(axis, all, test);
          e.point(axis, largest, right);
          if (largest == 1) e.measure("right answers, units alike, " + axis, right);
          if (largest == 100) e.measure("right answers, units 1 to 100, " + axis, right);
        }
      }
    }
    e.draw(
        "With the right axis a level line: the units do not matter. With the wrong axis, and "
        "without BatchNorm, two lines close together, a little above it where the units are "
        "alike, that fall to less than half of it where they differ by a factor of 1000.",
        {.xscale = "log",
         .xlabel = "largest unit, the smallest being 1",
         .ylabel = "share of right answers"});
    const auto& wrong = e.measured("right answers, units 1 to 100, wrong axis");
    const auto& right = e.measured("right answers, units 1 to 100, right axis");
    const auto& alike = e.measured("right answers, units alike, right axis");
    e.expect("with units from 1 to 100, the wrong axis gives fewer right answers, with every seed",
             experiment::all_below(wrong, right));
    e.expect("with the right axis these units cost at most one right answer in 50",
             experiment::mean(right) > experiment::mean(alike) - 0.02);
    std::string said;
    try {
      nn::BatchNorm1d{16}(norma::randn({50, 12, 16}));
    } catch (const norma::Error& error) {
      said = error.what();
    }
    e.expect("only another number of steps, here 12, is refused: `" + said + "`", !said.empty());
  });
}
