// train() and eval() disagree while the running statistics are poor.
#include <algorithm>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "08_running_statistics",
    .title = "train() and eval() disagree while the running statistics are poor",
    .claim =
        "The running statistics begin at mean 0 and variance 1, whatever the layer's are. Until "
        "enough batches have replaced that, eval() answers otherwise than train(): the longer, the "
        "smaller the momentum.",
    .varied =
        "The momentum of both BatchNorm layers of Linear(784, 100)-BatchNorm-ReLU-Linear(100, "
        "100)-BatchNorm-ReLU-Linear(100, 10): 0.01, 0.1, 0.5 and none, which averages all batches "
        "so far. The training is the same in all four, for train() does not read what is varied: "
        "400 steps of SGD, batches of 50, rate 0.1. Compared are the answers to 1000 test digits, "
        "in train() as one batch.",
    .limits =
        "The larger momentum is not always the better one: it forgets the start sooner, and with "
        "it all but the last few batches, which is noise where batches are small. No momentum "
        "forgets the start at once, but never the batches that older weights have seen: in the "
        "picture its line begins lowest and comes down last. And only answers are compared; the "
        "outputs always differ a little, for train() takes the statistics of this batch.",
    .source =
        "Ioffe and Szegedy, \"Batch Normalization\", 2015, section 3.1 and algorithm 2; Wu and "
        "Johnson, \"Rethinking 'Batch' in BatchNorm\", 2021, section 3.",
    .question =
        "Take batches of 4 instead of 50 (`narrow(step * 4, 4)`): which momentum is best after 400 "
        "steps, and why is 0.5 no longer?",
};

const std::string kDiffer = "share of answers that differ after 10 steps, momentum ";
const std::string kTrain = "right answers after 10 steps, momentum 0.01, in train()";
const std::string kEval = "the same in eval()";

nn::Sequential network(std::optional<double> momentum) {
  const nn::BatchNormOptions options = {.momentum = momentum};
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 100), nn::BatchNorm1d(100, options),
                        nn::ReLU(), nn::Linear(100, 100), nn::BatchNorm1d(100, options), nn::ReLU(),
                        nn::Linear(100, 10));
}

/// The answers to all test digits. A copy gives them, for train() moves the running statistics.
Tensor answers(const nn::Sequential& net, const data::Dataset& digits, bool training) {
  const norma::NoGradGuard guard;
  nn::Sequential copy = net.clone();
  copy.train(training);
  return copy(digits.inputs).argmax(1);
}

double share(const Tensor& mask) { return mask.to(norma::kFloat64).mean().item<double>(); }

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const auto [digits, test] = e.digits(20000, 1000);
    const std::pair<std::string, std::optional<double>> momenta[] = {
        {"0.01", 0.01}, {"0.1", 0.1}, {"0.5", 0.5}, {"none", std::nullopt}};
    double last = 0;
    for (const uint64_t seed : e.seeds()) {
      for (const auto& [name, momentum] : momenta) {
        norma::manual_seed(seed);
        nn::Sequential net = network(momentum);
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        nn::CrossEntropyLoss criterion;
        int64_t step = 0;
        for (const int64_t stop : {1, 2, 4, 10, 20, 40, 100, 200, 400}) {
          for (; step < stop; ++step) {
            const data::Dataset batch = digits.narrow(step * 50, 50);
            optimizer.zero_grad();
            criterion(net(batch.inputs), batch.targets).backward();
            optimizer.step();
          }
          const Tensor in_train = answers(net, test, true), in_eval = answers(net, test, false);
          const double other = share(in_train != in_eval);
          e.point("momentum " + name, double(step), other);
          if (step == 400) last = std::max(last, other);
          if (step == 10) e.measure(kDiffer + name, other);
          if (step == 10 && name == "0.01") {
            e.measure(kTrain, share(in_train == test.targets));
            e.measure(kEval, share(in_eval == test.targets));
          }
        }
      }
    }
    e.draw(
        "Four lines that fall to nearly 0 within 400 steps. After 10 steps the one of momentum "
        "0.01 is still the highest, that of 0.1 second, that of 0.5 the lowest; that of none "
        "begins lowest and crosses the others on the way.",
        {.xscale = "log", .xlabel = "step", .ylabel = "share of answers that differ"});
    const auto after = [&](const char* name) { return e.measured(kDiffer + name); };
    e.expect("after 10 steps, with momentum 0.01, eval() has fewer right answers than train()",
             experiment::all_below(e.measured(kEval), e.measured(kTrain)));
    e.expect("after 10 steps, 0.01 has more answers that differ than 0.1, and 0.1 more than 0.5",
             experiment::all_below(after("0.1"), after("0.01")) &&
                 experiment::all_below(after("0.5"), after("0.1")));
    e.expect("after 400 steps, at most one answer in 20 differs, whatever the momentum",
             last <= 0.05);
  });
}
