// A multilayer perceptron learns which of two spirals a point belongs to.
//
//   spirals_mlp --plot DIR        draws what it learnt, and how: DIR/boundary.png, DIR/loss.svg, …
//   spirals_mlp --data FILE       on points of your own: a CSV file with the columns x, y, label
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "common/checkpoint.h"
#include "common/datasets.h"
#include "common/evaluate.h"
#include "common/options.h"
#include "common/plots.h"
#include "common/progress.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

struct MLP : nn::Module {
  nn::Sequential net;

  MLP(int64_t in_dim, int64_t hidden_dim, int64_t out_dim)
      : net(nn::Linear(in_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, out_dim)) {
    register_module("net", net);
  }
  Tensor forward(const Tensor& x) override { return net(x); }
};

// Points of a file, in random order; every fifth is kept for the test.
example::Split read_points(const std::string& path) {
  const Tensor table = data::read_csv(path, {.missing = std::nullopt}).values;
  if (table.size(1) != 3) {
    norma::fail("--data", "expected the columns x, y, label in " + path + ", got " +
                              std::to_string(table.size(1)) + " columns");
  }
  const Tensor labels = table.select(1, 2);
  if (labels.ne(0).sum().item<int64_t>() != labels.eq(1).sum().item<int64_t>())
    norma::fail("--data", "expected labels 0 or 1 in " + path + ", got others");

  const Tensor order = norma::randperm(table.size(0));
  const data::Dataset all{table.narrow(1, 0, 2).index_select(0, order),
                          labels.to(norma::kInt64).index_select(0, order)};
  const int64_t tested = std::max<int64_t>(1, all.size() / 5);
  return {all.narrow(tested, all.size() - tested), all.narrow(0, tested)};
}

example::Split load(const example::Options& options) {
  if (!options.data.empty())
    return example::announce(options.data, read_points(options.data), options);
  const int64_t train = options.train_size > 0 ? options.train_size : 2000;
  const int64_t test = options.test_size > 0 ? options.test_size : 1000;
  return example::announce("two spirals",
                           {data::spirals(train, /*noise=*/0.03, /*seed=*/1),
                            data::spirals(test, /*noise=*/0.03, /*seed=*/2)},
                           options);
}

void train(const example::Options& options) {
  const example::Split split = load(options);
  data::DataLoader train_loader(split.train, {.batch_size = options.batch_size,
                                              .shuffle = true,
                                              .drop_last = true,
                                              .seed = static_cast<uint64_t>(options.seed)});
  data::DataLoader test_loader(split.test, {.batch_size = 250});

  MLP model(2, 64, 2);
  if (!options.load.empty()) norma::load(model, options.load);

  nn::CrossEntropyLoss criterion;
  optim::SGD optimizer(model.parameters(), {.lr = options.lr, .momentum = 0.9});
  const int64_t steps = std::max<int64_t>(1, options.epochs * train_loader.size());
  optim::CosineAnnealingLR scheduler(optimizer, steps);

  example::Plots plots(options);
  example::Progress progress(options.epochs, train_loader.size(), plots.history());
  // Ctrl-C saves all this; --resume goes on from there, with the same numbers.
  example::Checkpoint checkpoint(
      options, train_loader, progress,
      {.module = &model, .optimizer = &optimizer, .scheduler = &scheduler});
  for (int64_t epoch = train_loader.epoch(); epoch < options.epochs; ++epoch) {
    for (auto& [x, y] : train_loader) {
      optimizer.zero_grad();
      Tensor loss = criterion(model(x), y);
      loss.backward();
      optimizer.step();
      scheduler.step();
      progress.batch(loss.item<double>(), x.size(0));
      if (checkpoint.step()) return;  // interrupted, and saved
    }
    progress.epoch(example::test(model, test_loader));
  }

  if (!options.save.empty()) norma::save(model, options.save);
  plots.curves();
  plots.boundary("boundary.png", model, split.test);
  std::printf("test accuracy %.4f\n", example::test(model, test_loader).accuracy);
}

int main(int argc, char** argv) {
  example::Options options{
      .epochs = 30,
      .batch_size = 64,
      .lr = 0.1,
      .about = "Trains a multilayer perceptron with batch normalisation on two spirals.",
      .about_data = "CSV file with the columns x, y, label (0 or 1), instead of the spirals"};
  return example::run(argc, argv, options, [&] { train(options); });
}
