// A training that is stopped in the middle of an epoch and goes on, on any number of ranks.
#pragma once
#include <string>
#include <vector>

#include "norma/tests/distributed/parts.h"

constexpr int64_t kSamples = 36, kWhole = 12;  // the batch of all ranks together

/// Everything that has a state. `world`: how many ranks share the batches; 1: this one alone.
struct Training {
  static norma::data::Dataset pictures() {
    norma::Generator generator(3);
    return {norma::randn({kSamples, 1, 4, 4}, {.dtype = norma::kFloat64}, generator),
            norma::randint(0, 3, {kSamples}, {.dtype = norma::kInt64}, generator)};
  }
  static norma::nn::Sequential network(double p) {
    norma::manual_seed(11);
    norma::nn::Sequential net(norma::nn::Conv2d(1, 4, 3), norma::nn::BatchNorm2d(4),
                              norma::nn::ReLU(), norma::nn::Flatten(), norma::nn::Dropout(p),
                              norma::nn::Linear(16, 3));
    net.to(norma::kFloat64);
    return net;
  }
  static norma::data::DataLoaderOptions options(int64_t world, double noise) {
    norma::data::DataLoaderOptions options{.batch_size = kWhole / world, .seed = 5};
    options.sampler = norma::data::DistributedSampler(
        kSamples, {.num_replicas = world, .rank = world > 1 ? ranks::rank() : 0, .seed = 5});
    if (noise > 0) {
      options.transforms = {[noise](const norma::Tensor& x, norma::Generator& generator) {
        return x + norma::rand(x.sizes(), {.dtype = norma::kFloat64}, generator) * noise;
      }};
    }
    return options;
  }

  int64_t world;
  norma::nn::Sequential model;
  norma::optim::SGD optimizer;
  norma::optim::ExponentialLR schedule;
  norma::data::DataLoader loader;

  /// `p` of Dropout, and how much the pictures are changed by chance.
  explicit Training(int64_t share_of, double p = 0, double noise = 0)
      : world(share_of),
        model(network(p)),
        optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}),
        schedule(optimizer, 0.9),
        loader(pictures(), options(share_of, noise)) {
    if (world > 1) norma::nn::SyncBatchNorm::convert_sync_batchnorm(model);
  }

  /// In one message.
  void add_up_gradients() {
    std::vector<norma::Tensor> flat;
    for (const norma::Tensor& p : model.parameters()) flat.push_back(p.grad().reshape({-1}));
    const norma::Tensor all = norma::cat(flat);
    norma::distributed::all_reduce(all);
    int64_t first = 0;
    for (const norma::Tensor& p : model.parameters()) {
      p.grad().copy_(all.narrow(0, first, p.numel()).reshape(p.sizes()));
      first += p.numel();
    }
  }

  /// Trains to the end of the second epoch, or until the place behind batch `batch` of `epoch`.
  void run(int64_t epoch = -1, int64_t batch = 0) {
    using namespace norma;
    while (loader.epoch() < 2) {
      for (auto& [x, y] : loader) {
        optimizer.zero_grad();
        (functional::cross_entropy(model(x), y) / static_cast<double>(world)).backward();
        if (world > 1) add_up_gradients();
        optimizer.step();
        const LoaderPosition place = loader.position();
        if (place.epoch == epoch && place.batch == batch) return;
      }
      schedule.step();
      if (batch == 0 && loader.epoch() == epoch) return;
    }
  }

  norma::CheckpointParts parts() const {
    return {.module = &model,
            .optimizer = &optimizer,
            .scheduler = &schedule,
            .loader = loader.position(),
            .metadata = {{"note", "own"}}};
  }
  norma::CheckpointTargets targets() {
    return {.module = &model, .optimizer = &optimizer, .scheduler = &schedule};
  }

  /// "" where it stands where `other` does, but for rounding.
  std::string unlike(const Training& other, double tolerance) const {
    const norma::NamedTensors mine = model.state_dict(), theirs = other.model.state_dict();
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const std::string error =
          tolerance == 0 ? differing_bits(mine[i].second, theirs[i].second)
                         : mismatch(mine[i].second, theirs[i].second, tolerance, tolerance);
      if (!error.empty()) return mine[i].first + ": " + error;
    }
    return "";
  }
};
