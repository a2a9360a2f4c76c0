// A multilayer perceptron learns which of two spirals a point belongs to, and draws what it learnt.
//
//   spirals_mlp                   writes spirals.png
//   spirals_mlp --data FILE       on points of your own: a CSV file with the columns x, y, label
#include <norma/norma.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "common/checkpoint.h"
#include "common/datasets.h"
#include "common/evaluate.h"
#include "common/options.h"
#include "common/png.h"
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

// Colours every pixel by the model's answer there, orange for 0 and blue for 1, the paler the less
// certain; then dots for the points it was tested on.
void draw(nn::Module& model, const data::Dataset& test, const std::string& path) {
  constexpr int kSide = 480;
  const double reach = 1.1 * test.inputs.abs().max().item<double>();
  const Tensor line = norma::linspace(-reach, reach, kSide);
  // One row of coordinates [x, y] per pixel, from the upper left corner.
  const Tensor x = line.reshape({1, kSide}).expand({kSide, kSide}).reshape(-1);
  const Tensor y = line.reshape({kSide, 1}).expand({kSide, kSide}).reshape(-1) * -1.0;

  model.eval();
  const norma::NoGradGuard no_grad;
  const Tensor blue_share = model(norma::stack({x, y}, 1)).softmax(1).select(1, 1).contiguous();
  const float* share = blue_share.data_ptr<float>();

  constexpr double kOrange[3] = {244, 162, 97}, kPale[3] = {255, 252, 246},
                   kBlue[3] = {88, 139, 201};
  std::vector<uint8_t> pixels(3 * kSide * kSide);
  const auto paint = [&](int column, int row, int channel, double value) {
    pixels[static_cast<std::size_t>(3 * (row * kSide + column) + channel)] =
        static_cast<uint8_t>(std::lround(value));
  };
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      const double certain = 2 * static_cast<double>(share[row * kSide + column]) - 1;  // -1 to 1
      for (int c = 0; c < 3; ++c) {
        const double full = certain < 0 ? kOrange[c] : kBlue[c];
        paint(column, row, c, kPale[c] + std::abs(certain) * (full - kPale[c]));
      }
    }
  }

  constexpr double kDarkOrange[3] = {176, 80, 16}, kDarkBlue[3] = {24, 66, 128};
  const int64_t dots = std::min<int64_t>(test.size(), 600);
  for (int64_t i = 0; i < dots; ++i) {
    const auto at = [&](double coordinate) {
      return static_cast<int>(std::lround((coordinate / reach + 1) / 2 * (kSide - 1)));
    };
    const int column = at(test.inputs[i][0].item<double>());
    const int row = at(-test.inputs[i][1].item<double>());
    const double* colour = test.targets[i].item<int64_t>() == 0 ? kDarkOrange : kDarkBlue;
    for (int dy = -2; dy <= 2; ++dy) {
      for (int dx = -2; dx <= 2; ++dx) {
        if (dx * dx + dy * dy > 5) continue;
        for (int c = 0; c < 3; ++c) paint(column + dx, row + dy, c, colour[c]);
      }
    }
  }
  example::write_png(path, kSide, kSide, pixels);
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

  example::Progress progress(options.epochs, train_loader.size());
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
    progress.epoch(example::accuracy(model, test_loader));
  }

  if (!options.save.empty()) norma::save(model, options.save);
  draw(model, split.test, options.picture);
  std::printf("picture %s\n", options.picture.c_str());
  std::printf("test accuracy %.4f\n", example::accuracy(model, test_loader));
}

int main(int argc, char** argv) {
  example::Options options{
      .epochs = 30,
      .batch_size = 64,
      .lr = 0.1,
      .picture = "spirals.png",
      .about = "Trains a multilayer perceptron with batch normalisation on two spirals.",
      .about_data = "CSV file with the columns x, y, label (0 or 1), instead of the spirals"};
  return example::run(argc, argv, options, [&] { train(options); });
}
