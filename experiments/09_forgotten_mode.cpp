// Forgotten eval(), and forgotten train().
#include <algorithm>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using experiment::accuracy;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "09_forgotten_mode",
    .title = "Forgotten eval(), forgotten train()",
    .claim =
        "Without eval(), the answer for one sample depends on its neighbours in the batch. Without "
        "train(), fine-tuning normalises the new data by the statistics of the old, and learns "
        "worse.",
    .varied =
        "A network with two BatchNorm layers, trained in 400 steps of SGD (batches of 50, rate "
        "0.1), is asked 1024 test digits in batches of 2 to 1024: in eval(), in train() as they "
        "come, and in train() sorted, so that the neighbours are the same digit. Then 200 steps of "
        "fine-tuning on negatives (1 - x) and on digits in half the light (x / 2), in either mode, "
        "each with the best of the rates 0.1, 0.01 and 0.001.",
    .limits =
        "Neighbours of many kinds hardly matter: as they come, 64 at once lose about a point in a "
        "hundred, so that tests do not show what was forgotten. And tuning in eval() is no fault "
        "where the new data resemble the old: in half the light it costs little, and many keep the "
        "statistics on purpose (`freeze_stats`).",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.1; Wu and Johnson, "
        "\"Rethinking 'Batch' in BatchNorm\", 2021.",
    .question =
        "Let `evaluates` answer in pairs once, `outputs(evaluates, sorted.inputs, 2)`, before its "
        "eval(): why does it answer worse from then on, though no weight has changed?",
};

/// SGD in the mode that the network is in.
void train(nn::Sequential net, const data::Dataset& digits, int64_t steps, double lr) {
  optim::SGD optimizer(net.parameters(), {.lr = lr});
  nn::CrossEntropyLoss criterion;
  for (int64_t step = 0; step < steps; ++step) {
    const data::Dataset batch = digits.narrow(step * 50, 50);
    optimizer.zero_grad();
    criterion(net(batch.inputs), batch.targets).backward();
    optimizer.step();
  }
}

/// Of every sample, asked in batches of n.
Tensor outputs(nn::Sequential net, const Tensor& inputs, int64_t n) {
  const norma::NoGradGuard guard;
  std::vector<Tensor> parts;
  for (const Tensor& batch : inputs.split(n)) parts.push_back(net(batch));
  return norma::cat(parts);
}

/// The share of right answers after fine-tuning, with the best of three rates.
double tuned(const nn::Sequential& net, bool training, const experiment::Split& digits) {
  double best = 0;
  for (const double lr : {0.1, 0.01, 0.001}) {
    nn::Sequential copy = net.clone();
    copy.train(training);
    train(copy, digits.train, 200, lr);
    copy.eval();
    best = std::max(best, accuracy(outputs(copy, digits.test.inputs, 1024), digits.test.targets));
  }
  return best;
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const auto [digits, test] = e.digits(20000, 1024);
    const experiment::Split negatives{{1 - digits.inputs, digits.targets},
                                      {1 - test.inputs, test.targets}};
    const experiment::Split dim{{digits.inputs / 2, digits.targets},
                                {test.inputs / 2, test.targets}};
    const Tensor order = test.targets.argsort();
    const data::Dataset sorted{test.inputs[order], test.targets[order]};
    bool alone = true;
    for (const uint64_t seed : e.seeds()) {
      norma::manual_seed(seed);
      nn::Sequential net(nn::Flatten(), nn::Linear(784, 100), nn::BatchNorm1d(100), nn::ReLU(),
                         nn::Linear(100, 100), nn::BatchNorm1d(100), nn::ReLU(),
                         nn::Linear(100, 10));
      train(net, digits, 400, 0.1);
      nn::Sequential trains = net.clone(), evaluates = net.clone();
      evaluates.eval();
      const Tensor at_once = outputs(evaluates, sorted.inputs, 1024);
      for (const int64_t n : {2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}) {
        const Tensor out = outputs(evaluates, sorted.inputs, n);
        const Tensor among_all = outputs(trains, test.inputs, n);
        const Tensor among_alike = outputs(trains, sorted.inputs, n);
        alone = alone && out.equal(at_once);
        const double right = accuracy(out, sorted.targets);
        const double mixed = accuracy(among_all, test.targets);
        const double alike = accuracy(among_alike, sorted.targets);
        e.point("eval()", double(n), right);
        e.point("train(), neighbours as they come", double(n), mixed);
        e.point("train(), neighbours of the same digit", double(n), alike);
        if (n == 32) e.measure("right in eval()", right);
        if (n == 32) e.measure("right in train(), sorted, 32 at once", alike);
        if (n == 64) e.measure("right in train(), as they come, 64 at once", mixed);
      }
      e.measure("right for negatives, tuned in train()", tuned(net, true, negatives));
      e.measure("right for negatives, tuned in eval()", tuned(net, false, negatives));
      e.measure("right in half the light, tuned in train()", tuned(net, true, dim));
      e.measure("right in half the light, tuned in eval()", tuned(net, false, dim));
    }
    e.draw(
        "In eval() a level line near the top. In train() with neighbours as they come, a line that "
        "begins far lower and has come within about a point in a hundred of it by 64; with "
        "neighbours of the same digit, one that is low up to 64 and comes up only where a batch "
        "holds many digits.",
        {.xscale = "log", .xlabel = "digits asked at once", .ylabel = "share of right answers"});
    e.expect("in eval() the outputs agree to the last bit, however many are asked at once", alone);
    e.expect("in train(), among 32 of the same digit, at least one answer in ten is lost",
             experiment::mean(e.measured("right in train(), sorted, 32 at once")) <
                 experiment::mean(e.measured("right in eval()")) - 0.1);
    e.expect("for negatives, tuning in eval() leaves fewer right answers, with every seed",
             experiment::all_below(e.measured("right for negatives, tuned in eval()"),
                                   e.measured("right for negatives, tuned in train()")));
  });
}
