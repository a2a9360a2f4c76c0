// DistributedSampler: which samples come on which rank, in which order.
#include <algorithm>
#include <set>
#include <string>

#include "norma/tests/distributed/parts.h"

using namespace norma;
using data::DataLoader;
using data::DistributedSampler;

namespace {

data::Dataset counted(int64_t n) { return {arange(n).to(kFloat32), arange(n)}; }

/// The samples of a loop, batch by batch.
std::vector<std::vector<double>> batches_of(DataLoader& loader) {
  std::vector<std::vector<double>> batches;
  for (auto& [inputs, targets] : loader) batches.push_back(to_vector(targets));
  return batches;
}
std::vector<double> samples_of(DataLoader& loader) {
  std::vector<double> samples;
  for (const auto& batch : batches_of(loader))
    samples.insert(samples.end(), batch.begin(), batch.end());
  return samples;
}

/// What rank `rank` of `replicas` sees of n samples, in epoch 0.
std::vector<double> part(int64_t n, int64_t replicas, int64_t rank,
                         data::DistributedSamplerOptions options = {}) {
  options.num_replicas = replicas;
  options.rank = rank;
  DataLoader loader(counted(n), {.batch_size = 3, .sampler = DistributedSampler(n, options)});
  return samples_of(loader);
}

using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("Without a process group there is one rank, and the order is that of shuffle = true") {
  REQUIRE_FALSE(distributed::is_initialized());
  const DistributedSampler sampler(10, {.seed = 4});
  CHECK(sampler.num_samples() == 10);
  DataLoader own(counted(10), {.batch_size = 4, .sampler = sampler});
  DataLoader plain(counted(10), {.batch_size = 4, .shuffle = true, .seed = 4});
  for (int epoch = 0; epoch < 3; ++epoch) CHECK(batches_of(own) == batches_of(plain));
}

TEST_CASE("PyTorch's parts of samples in order, padded and cut") {
  // list(DistributedSampler(range(n), replicas, rank, shuffle=False, drop_last=…)), PyTorch 2.15.
  CHECK(part(7, 3, 0, {.shuffle = false}) == Numbers{0, 3, 6});
  CHECK(part(7, 3, 1, {.shuffle = false}) == Numbers{1, 4, 0});
  CHECK(part(7, 3, 2, {.shuffle = false}) == Numbers{2, 5, 1});
  CHECK(part(7, 3, 0, {.shuffle = false, .drop_last = true}) == Numbers{0, 3});
  CHECK(part(7, 3, 2, {.shuffle = false, .drop_last = true}) == Numbers{2, 5});
  CHECK(part(6, 3, 1, {.shuffle = false, .drop_last = true}) == Numbers{1, 4});
  CHECK(part(2, 5, 2, {.shuffle = false}) == Numbers{0});
  CHECK(part(2, 5, 3, {.shuffle = false}) == Numbers{1});
  CHECK(part(2, 5, 4, {.shuffle = false}) == Numbers{0});
  CHECK(part(3, 8, 7, {.shuffle = false}) == Numbers{1});
}

TEST_CASE("All ranks together see every sample; padding repeats the beginning") {
  const int64_t n = GENERATE(8, 13, 3);
  const bool drop_last = GENERATE(false, true);
  const int64_t replicas = ranks::size();
  if (drop_last && n < replicas) return;
  const DistributedSampler sampler(n, {.seed = 2, .drop_last = drop_last});
  CHECK(sampler.total_size() == sampler.num_samples() * replicas);
  CHECK(sampler.num_samples() == (drop_last ? n / replicas : (n + replicas - 1) / replicas));
  DataLoader loader(counted(n), {.batch_size = 2, .sampler = sampler});
  DataLoader whole(counted(n), {.batch_size = 2, .shuffle = true, .seed = 2});
  for (int epoch = 0; epoch < 2; ++epoch) {
    const Numbers order = samples_of(whole), own = samples_of(loader);
    const std::vector<Tensor> all = distributed::all_gather(tensor(own));
    REQUIRE(static_cast<int64_t>(own.size()) == sampler.num_samples());
    for (int64_t i = 0; i < sampler.total_size(); ++i) {
      const Numbers rank = to_vector(all[static_cast<std::size_t>(i % replicas)]);
      CHECK(rank[static_cast<std::size_t>(i / replicas)] ==
            order[static_cast<std::size_t>(i) % order.size()]);
    }
  }
}

TEST_CASE("The batches of all ranks are together those of one process") {
  const int64_t each = 2, n = 6 * each * ranks::size();
  DataLoader loader(counted(n),
                    {.batch_size = each, .sampler = DistributedSampler(n, {.seed = 9})});
  DataLoader whole(counted(n), {.batch_size = each * ranks::size(), .shuffle = true, .seed = 9});
  for (int epoch = 0; epoch < 2; ++epoch) {
    const auto own = batches_of(loader), joined = batches_of(whole);
    REQUIRE(own.size() == joined.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::multiset<double> all;
      for (const Tensor& part : distributed::all_gather(tensor(own[i]))) {
        for (const double sample : to_vector(part)) all.insert(sample);
      }
      CHECK(all == std::multiset<double>(joined[i].begin(), joined[i].end()));
    }
  }
}

TEST_CASE("The order is one of seed and epoch, which the loader or set_epoch tells") {
  const auto first_epochs = [](uint64_t seed, bool shuffle = true) {
    DataLoader loader(counted(40),
                      {.sampler = DistributedSampler(
                           40, {.num_replicas = 2, .rank = 1, .shuffle = shuffle, .seed = seed})});
    return std::vector<Numbers>{samples_of(loader), samples_of(loader), samples_of(loader)};
  };
  const auto some = first_epochs(1);
  CHECK(some == first_epochs(1));
  CHECK(some[0] != some[1]);
  CHECK(some[1] != some[2]);
  CHECK(some[0] != first_epochs(2)[0]);
  CHECK(some[1] != first_epochs(2)[0]);
  const auto straight = first_epochs(1, false);
  CHECK(straight[0] == straight[1]);

  DistributedSampler sampler(40, {.num_replicas = 2, .rank = 1, .seed = 1});
  DataLoader loader(counted(40), {.sampler = sampler});
  sampler.set_epoch(2);
  CHECK(samples_of(loader) == some[2]);  // set by hand, for one loop
  CHECK(samples_of(loader) == some[1]);  // the loader's second
  loader.set_epoch(0);
  CHECK(samples_of(loader) == some[0]);
  Generator unused;
  sampler.set_epoch(1);
  CHECK(to_vector(sampler.order(40, unused)) == some[1]);
}

TEST_CASE("In the middle of an epoch it goes on where it was") {
  const auto make = [] {
    return DataLoader(
        counted(24),
        {.batch_size = 3, .sampler = DistributedSampler(24, {.num_replicas = 2, .rank = 0})});
  };
  DataLoader one = make(), other = make();
  samples_of(one);
  const auto all = batches_of(one);
  one.set_epoch(1);
  for (auto& batch : one) {
    static_cast<void>(batch);
    if (one.position().batch == 2) break;
  }
  other.set_position(one.position());
  const auto rest = batches_of(other);
  CHECK(rest == std::vector<Numbers>(all.begin() + 2, all.end()));
}

TEST_CASE("What it refuses") {
  CHECK(error_of([] { DistributedSampler(0); }) ==
        "[DistributedSampler] expected at least one sample, got 0 for " +
            std::to_string(ranks::size()));
  CHECK(error_of([] {
          DistributedSampler(3, {.num_replicas = 4, .rank = 0, .drop_last = true});
        }) == "[DistributedSampler] expected at least one sample for each rank, got 3 for 4");
  CHECK(error_of([] { DistributedSampler(3, {.num_replicas = 2, .rank = 2}); }) ==
        "[DistributedSampler] expected a rank in the interval [0, 1], got 2");
  CHECK(error_of([] { DistributedSampler(3, {.num_replicas = 2, .rank = -2}); }) ==
        "[DistributedSampler] expected a rank in the interval [0, 1], got -2");
  CHECK(error_of([] { DistributedSampler(3, {.num_replicas = 0}); }) ==
        "[DistributedSampler] expected num_replicas from 1, or -1 for the group's, got 0");
  CHECK(error_of([] { DistributedSampler(3).set_epoch(-1); }) ==
        "[DistributedSampler] expected an epoch number from 0, got -1");
  DataLoader loader(counted(4), {.sampler = DistributedSampler(5, {.num_replicas = 1, .rank = 0})});
  CHECK(error_of([&] { loader.begin(); }) ==
        "[DistributedSampler] expected a data set of 5 samples, got one of 4");
}
