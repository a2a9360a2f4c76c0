// Trainings on several ranks, with all that goes with them, against one process on the batches of
// all ranks joined.
#include <string>

#include "norma/tests/distributed/parts.h"

using namespace norma;
namespace dist = norma::distributed;

namespace {

/// A network with BatchNorm over images and over features.
nn::Sequential network() {
  return {nn::Conv2d(2, 6, 3, {.padding = 1, .bias = false}),
          nn::BatchNorm2d(6),
          nn::ReLU(),
          nn::Conv2d(6, 4, 3),
          nn::BatchNorm2d(4, {.momentum = std::nullopt}),
          nn::ReLU(),
          nn::Flatten(),
          nn::Linear(64, 8),
          nn::BatchNorm1d(8),
          nn::ReLU(),
          nn::Linear(8, 3)};
}

struct Run {
  NamedTensors state;
  std::vector<double> losses;
};

/// Batches of unlike size, of which this rank computes `parts(size)` samples; 0 for none.
template <class Net, class Parts>
Run train(Net& net, DType dtype, const Parts& parts, int64_t world) {
  optim::SGD optimizer(net.parameters(),
                       {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
  Generator generator(7);
  std::vector<double> losses;
  for (const int64_t size : {12, 7, 16, 5, 12, 9}) {
    const Tensor x = randn({size, 2, 6, 6}, {.dtype = kFloat64}, generator).to(dtype);
    const Tensor y = randint(0, 3, {size}, {.dtype = kInt64}, generator);
    const auto [own_x, own_y] = parts(x, y);
    optimizer.zero_grad();
    // The mean over all samples, as averaging over the ranks makes it.
    const Tensor loss =
        functional::cross_entropy(net(own_x), own_y, {.reduction = Reduction::Sum}) *
        (static_cast<double>(world) / static_cast<double>(size));
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<double>() / static_cast<double>(world));
  }
  return {nn::clone(net.state_dict()), losses};
}

Run on_all_ranks(DType dtype) {
  manual_seed(3);
  nn::Sequential model = network();
  model.to(dtype);
  nn::SyncBatchNorm::convert_sync_batchnorm(model);
  dist::DistributedDataParallel net(model, {.bucket_cap_mb = 0.001});
  return train(
      net, dtype,
      [](const Tensor& x, const Tensor& y) {
        const std::vector<int64_t> parts = uneven_parts(x.size(0));
        return std::pair(part_of(x, parts), part_of(y, parts));
      },
      ranks::size());
}

Run on_one(DType dtype) {
  manual_seed(3);
  nn::Sequential model = network();
  model.to(dtype);
  return train(
      model, dtype, [](const Tensor& x, const Tensor& y) { return std::pair(x, y); }, 1);
}

}  // namespace

TEST_CASE("SyncBatchNorm, momentum, weight decay, batches unlike and empty: the joined run") {
  ranks::size();
  const auto [dtype, tolerance] = GENERATE(std::pair(kFloat64, 1e-12), std::pair(kFloat32, 2e-4));
  const Run got = on_all_ranks(dtype), want = on_one(dtype);
  REQUIRE(got.state.size() == want.state.size());
  for (std::size_t i = 0; i < got.state.size(); ++i) {
    const auto& [name, tensor] = got.state[i];
    INFO(name << " on rank " << ranks::rank());
    CHECK(name == "module." + want.state[i].first);
    CHECK(mismatch(tensor, want.state[i].second, tolerance, tolerance) == "");
    CHECK(ranks::differing_ranks(tensor) == "");
  }
  for (std::size_t i = 0; i < got.losses.size(); ++i) {
    CHECK(std::abs(summed(tensor(got.losses[i], {.dtype = kFloat64})).item<double>() -
                   want.losses[i]) < tolerance);
  }
}

TEST_CASE("From run to run it is the same to the bit") {
  const Run first = on_all_ranks(kFloat32), second = on_all_ranks(kFloat32);
  for (std::size_t i = 0; i < first.state.size(); ++i) {
    INFO(first.state[i].first);
    CHECK(differing_bits(first.state[i].second, second.state[i].second) == "");
  }
  CHECK(first.losses == second.losses);
}

namespace {

/// Two branches before a SyncBatchNorm, of which each rank uses one.
struct Branches : nn::Module {
  nn::Linear left, right;
  nn::SyncBatchNorm bn;
  nn::Linear last;
  bool goes_left = true;
  Branches() : left(3, 4), right(3, 4), bn(4), last(4, 1) {
    register_module("last", last);
    register_module("bn", bn);
    register_module("right", right);
    register_module("left", left);
  }
  Tensor forward(const Tensor& x) override {
    return last(bn(goes_left ? left(x) : right(x)).relu());
  }
};

}  // namespace

TEST_CASE("Buckets that are ready at other times on other ranks do not meet the layers' sums") {
  manual_seed(5);
  Branches model;
  model.goes_left = ranks::rank() % 2 == 0;
  // Registered first, the unused branch's bucket goes at once on one rank, last on the other.
  dist::DistributedDataParallel net(model, {.find_unused_parameters = true, .bucket_cap_mb = 1e-6});
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  for (int i = 0; i < 3; ++i) {
    optimizer.zero_grad();
    net(randn({4, 3})).square().mean().backward();
    optimizer.step();
  }
  for (const auto& [name, tensor] : net.state_dict()) {
    INFO(name);
    CHECK(ranks::differing_ranks(tensor) == "");
    CHECK(std::isfinite(tensor.to(kFloat64).sum().item<double>()));
  }
}
