// Data sets of one's own, parts and unions, samplers, and transforms of targets.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "norma/tests/data/helpers.h"
#include "norma/tests/support/limited.h"
#include "norma/tests/support/tensors.h"

using norma::Generator;
using norma::Shape;
using norma::Tensor;
namespace data = norma::data;
using data::AnyDataset;
using data::DataLoader;
using data::Sample;

namespace {

// Sample i: [i, i + 0.5], the label i, and the weight 10 i.
struct Counted {
  int64_t n;
  int64_t size() const { return n; }
  Sample get(int64_t i) const {
    const double x = static_cast<double>(i);
    return {norma::tensor({x, x + 0.5}), norma::tensor(i), norma::tensor({10 * x})};
  }
};

data::Dataset tensors(int64_t n) {
  const Tensor i = norma::arange(n);
  return {i.to(norma::kFloat32).reshape({n, 1}), i};
}

std::vector<int64_t> labels_of(DataLoader& loader) {
  std::vector<int64_t> labels;
  for (auto& [x, y] : loader) {
    for (const double label : to_vector(y)) labels.push_back(static_cast<int64_t>(label));
  }
  return labels;
}

std::vector<int64_t> sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<int64_t> first_numbers(int64_t n) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < n; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("a loader takes anything with size() and get(i), of any number of tensors") {
  DataLoader loader(Counted{5}, {.batch_size = 2});
  CHECK(loader.size() == 3);
  int64_t at = 0;
  for (data::Batch& batch : loader) {
    const int64_t count = std::min<int64_t>(2, 5 - at);
    REQUIRE(batch.inputs.sizes() == Shape({count, 2}));
    REQUIRE(batch.targets.sizes() == Shape(count));
    REQUIRE(batch.targets.dtype() == norma::kInt64);
    REQUIRE(batch.more.size() == 1);
    REQUIRE(batch.more[0].sizes() == Shape({count, 1}));
    for (int64_t i = 0; i < count; ++i, ++at) {
      CHECK(batch.inputs[i][1].item<double>() == static_cast<double>(at) + 0.5);
      CHECK(batch.targets[i].item<int64_t>() == at);
      CHECK(batch.more[0][i].item<double>() == 10.0 * static_cast<double>(at));
    }
  }
  CHECK(at == 5);
  CHECK(
      has(error_of([&] { loader.dataset(); }), "[DataLoader::dataset] expected a loader made of"));

  struct Inputs {
    std::size_t size() const { return 3; }
    Tensor get(int64_t i) const { return norma::full({2}, i, {.dtype = norma::kUInt8}); }
  };
  DataLoader inputs(Inputs(), {.batch_size = 3});
  for (auto& [x, y] : inputs) {
    CHECK(norma::equal(x, norma::tensor({{0, 0}, {1, 1}, {2, 2}}).to(norma::kFloat32) / 255.0));
    CHECK_FALSE(y.defined());
  }
  struct Pairs {
    int64_t size() const { return 2; }
    std::pair<Tensor, Tensor> get(int64_t i) const {
      return {norma::ones({3, 2}).transpose(0, 1), norma::tensor(i)};
    }
  };
  DataLoader pairs(Pairs(), {.batch_size = 2});
  for (auto& [x, y] : pairs) {
    CHECK(x.sizes() == Shape({2, 2, 3}));
    CHECK(norma::equal(y, norma::arange(2)));
  }
}

TEST_CASE("samples that do not fit together are named") {
  struct Odd {
    std::function<Sample(int64_t)> make;
    int64_t size() const { return 4; }
    Sample get(int64_t i) const { return make(i); }
  };
  const auto message = [](const std::function<Sample(int64_t)>& make) {
    DataLoader loader(Odd{make}, {.batch_size = 4});
    return error_of([&] { loader.begin(); });
  };
  CHECK(message([](int64_t i) { return Sample{norma::ones(i == 2 ? 3 : 2)}; }) ==
        "[DataLoader] expected samples of one shape and dtype, got float32 [2] as tensor 0 of "
        "sample 0 and float32 [3] of sample 2");
  CHECK(has(message([](int64_t i) {
              return Sample{norma::ones(2), norma::tensor(i == 3 ? 1.5 : 1.0),
                            norma::ones(1).to(i == 1 ? norma::kInt64 : norma::kFloat32)};
            }),
            "got float32 [1] as tensor 2 of sample 0 and int64 [1] of sample 1"));
  CHECK(message([](int64_t i) { return Sample(i == 1 ? 2u : 1u, norma::ones(1)); }) ==
        "[DataLoader] expected samples of 1 tensors, got 2 for sample 1");
  CHECK(message([](int64_t) { return Sample(); }) ==
        "[DataLoader] expected samples of one or more tensors, got 0 for sample 0");
  CHECK(message([](int64_t) { return Sample{Tensor()}; }) ==
        "[DataLoader] expected defined tensors, got an undefined one as tensor 0 of sample 0");
  CHECK_THROWS_WITH(
      DataLoader(Odd{[](int64_t) -> Sample { throw std::runtime_error("fire"); }}).begin(), "fire");
  CHECK(error_of([] { DataLoader(Counted{0}); }) ==
        "[DataLoader] expected at least one sample, got none");
}

TEST_CASE("sources whose batches are none are named") {
  struct Broken final : data::SampleSource {
    explicit Broken(Sample all) : batch(std::move(all)) {}
    int64_t size() const override { return 4; }
    Sample get(int64_t) const override { return {}; }
    Sample get_batch(const int64_t*, int64_t) const override { return batch; }
    Sample batch;
  };
  const auto message = [](Sample batch, int64_t workers) {
    DataLoader loader(AnyDataset(std::make_shared<Broken>(std::move(batch))),
                      {.batch_size = 2, .num_workers = workers});
    return error_of([&] {
      for (auto& each : loader) static_cast<void>(each);
    });
  };
  for (const int64_t workers : {0, 2}) {
    CHECK(message({}, workers) == "[DataLoader] expected get_batch() to return tensors, got none");
    CHECK(message({norma::zeros({3, 2})}, workers) ==
          "[DataLoader] expected get_batch(), tensor 0 to return a batch of 2 samples, got [3, 2]");
    CHECK(has(message({norma::zeros(2), norma::tensor(1.0)}, workers), "tensor 1 to return"));
    CHECK(has(message({norma::zeros(2), Tensor()}, workers), "got an undefined tensor"));
    CHECK(message({norma::zeros(2)}, workers) == "no error");
  }
  CHECK(error_of([] { AnyDataset(std::shared_ptr<const data::SampleSource>()); }) ==
        "[AnyDataset] expected a data set, got a null pointer");
}

TEST_CASE("want of memory is an Error, what a data set throws stays") {
  struct Throwing {
    bool memory;
    int64_t size() const { return 3; }
    Tensor get(int64_t) const {
      if (memory) throw std::bad_alloc();
      throw std::length_error("too long");
    }
  };
  for (const int64_t workers : {0, 2}) {
    DataLoader no_memory(Throwing{true}, {.num_workers = workers});
    CHECK(has(error_of([&] { no_memory.begin(); }), "[allocate] expected more memory"));
    DataLoader own(Throwing{false}, {.num_workers = workers});
    CHECK_THROWS_AS(own.begin(), std::length_error);
  }
#if !defined(NORMA_SANITIZE) && !defined(NORMA_SANITIZE_THREADS)  // their shadow is address space
  // Enough for the order, not for the part as well.
  const std::string said = child_says(260 << 20, [] {
    return error_of([] { data::random_split(Counted{int64_t{24} << 20}, {1.0}); });
  });
  INFO(said);
  CHECK(said.starts_with("[allocate] expected memory for "));
#endif
}

TEST_CASE("the same batches, whatever number of threads prepares them") {
  // Samples that draw from the default generator, and take their time by turns.
  struct Noisy {
    int64_t size() const { return 103; }
    Sample get(int64_t i) const {
      if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
      return {norma::rand({3}) + static_cast<double>(i), norma::tensor(i)};
    }
  };
  data::DataLoaderOptions options{.batch_size = 4,
                                  .shuffle = true,
                                  .seed = 3,
                                  .transforms = {[](const Tensor& x, Generator& g) {
                                    return x +
                                           norma::rand(x.sizes(), {.dtype = norma::kFloat32}, g);
                                  }},
                                  .prefetch = false};
  const auto run = [&] {
    DataLoader loader(Noisy(), options);
    std::vector<std::vector<double>> all;
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (auto& [x, y] : loader) {
        all.push_back(to_vector(x));
        all.push_back(to_vector(y));
      }
    }
    return all;
  };
  norma::manual_seed(1);
  const auto state = norma::default_generator().state();
  const auto expected = run();
  CHECK(expected.size() == 2 * 2 * 26);
  options.prefetch = true;
  for (const int64_t workers : {0, 1, 2, 3, 8, 1000}) {
    INFO(workers << " workers");
    options.num_workers = workers;
    norma::rand({5});
    norma::default_generator().set_state(state);
    CHECK(run() == expected);
    CHECK(norma::default_generator().state() == state);
  }
}

TEST_CASE("threads work side by side, and stay within their bound") {
  std::atomic<int> running{0}, most{0}, begun{0};
  struct Slow {
    std::atomic<int>&running, &most, &begun;
    int64_t size() const { return 40; }
    Sample get(int64_t i) const {
      ++begun;
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --running;
      return {norma::tensor(i)};
    }
  };
  DataLoader loader(Slow{running, most, begun}, {.num_workers = 3});
  int taken = 0;
  for (auto& batch : loader) {
    ++taken;
    REQUIRE(batch.inputs.item<int64_t>() == taken - 1);
    REQUIRE(begun <= taken + 4);
  }
  CHECK(taken == 40);
  CHECK(most > 1);
  CHECK(most <= 3);
  CHECK(error_of([&] { DataLoader(tensors(3), {.num_workers = -1}); }) ==
        "[DataLoader] expected num_workers from 0, got -1");
}

TEST_CASE("with several threads, an error comes at its batch, and a loop may be left") {
  struct Broken {
    int64_t size() const { return 30; }
    Sample get(int64_t i) const {
      if (i >= 9) norma::fail("mine", "no ", i);
      return {norma::tensor(i)};
    }
  };
  for (int round = 0; round < 20; ++round) {
    DataLoader loader(Broken(), {.batch_size = 2, .num_workers = 4});
    int taken = 0;
    CHECK(error_of([&] {
            for (auto& batch : loader) taken += batch.inputs.size(0) == 2;
          }) == "[mine] no 9");
    CHECK(taken == 4);
    DataLoader left(tensors(100), {.num_workers = 4});
    for (auto& [x, y] : left) {
      if (y.item<int64_t>() == round) break;
    }
  }
}

TEST_CASE("subsets, unions and random parts") {
  const AnyDataset whole = tensors(10);
  CHECK(whole.size() == 10);
  CHECK(whole.get(3)[1].item<int64_t>() == 3);
  CHECK(error_of([&] { whole.get(10); }) ==
        "[AnyDataset::get] expected a sample from 0 to 9, got 10");
  const data::Subset part(whole, {7, 2, 2});
  DataLoader of_part(part, {.batch_size = 2});
  CHECK(labels_of(of_part) == std::vector<int64_t>{7, 2, 2});
  CHECK(error_of([&] {
          data::Subset(whole, {0, 10});
        }) == "[Subset] expected indices from 0 to 9, got 10");

  const data::ConcatDataset both({part, data::Dataset(tensors(2)), Counted{0}});
  CHECK(both.size() == 5);
  DataLoader of_both(both, {.batch_size = 4});
  CHECK(labels_of(of_both) == std::vector<int64_t>{7, 2, 2, 0, 1});
  DataLoader of_subset(data::Subset(both, {4, 0}));
  CHECK(labels_of(of_subset) == std::vector<int64_t>{1, 7});
  CHECK(error_of([] {
          AnyDataset(data::Dataset{norma::ones({2, 1}), norma::ones(3)});
        }) ==
        "[Dataset] expected one target per input along the first dimension, got inputs [2, 1] and "
        "targets [3]");

  Generator generator(5);
  const auto parts = data::random_split(Counted{101}, {0.5, 0.3, 0.2}, generator);
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].size() == 51);  // 50, 30 and 20, and the one that is left
  CHECK(parts[1].size() == 30);
  CHECK(parts[2].size() == 20);
  std::vector<int64_t> all;
  for (const AnyDataset& p : parts) {
    DataLoader loader(p);
    const auto labels = labels_of(loader);
    all.insert(all.end(), labels.begin(), labels.end());
  }
  CHECK(all != first_numbers(101));
  CHECK(sorted(all) == first_numbers(101));
  CHECK(data::random_split(whole, {7, 3}).at(1).size() == 3);
  CHECK(data::random_split(whole, {10, 0}).at(1).size() == 0);
  for (const std::vector<double>& wrong :
       {std::vector<double>{7, 4}, {0.5, 0.4}, {7, 2}, {}, {1e300, 1e300}}) {
    CHECK(
        has(error_of([&] { data::random_split(whole, wrong); }),
            "[random_split] expected fractions that add up to 1, or lengths that add up to the 10 "
            "samples, got "));
  }
  CHECK(has(error_of([&] { data::random_split(whole, {11, -1}); }), "from 0, got -1"));
  CHECK(has(error_of([&] { data::random_split(whole, {NAN}); }), "from 0, got nan"));
  const auto one = data::random_split(Counted{1}, {0.5, 0.5});
  CHECK(one.at(0).size() == 1);
  CHECK(one.at(1).size() == 0);
  CHECK(data::random_split(Counted{1}, {0, 1}).at(1).size() == 1);
  const Counted most{std::numeric_limits<int64_t>::max()};
  CHECK(has(error_of([&] {
              data::ConcatDataset({whole, most});
            }),
            "[ConcatDataset] expected data sets of together fewer than 2^63 samples, got one of "));
  CHECK(has(error_of([&] {
              data::ConcatDataset({whole, Counted{-3}});
            }),
            "[ConcatDataset] expected a size() of 0 or more, got -3"));
  CHECK(data::ConcatDataset({most, Counted{0}}).size() == most.n);
  DataLoader endless(most, {.batch_size = most.n});
  CHECK(has(error_of([&] { endless.begin(); }), "[allocate] expected more memory"));
}

TEST_CASE("samplers say which samples come, and in which order") {
  const auto order = [](const data::Sampler& sampler, int64_t n, uint64_t seed = 0) {
    DataLoader loader(tensors(n), {.batch_size = 3, .seed = seed, .sampler = sampler});
    return labels_of(loader);
  };
  CHECK(order(data::SequentialSampler(), 7) == first_numbers(7));
  CHECK(order(data::RandomSampler(), 50) != first_numbers(50));
  CHECK(sorted(order(data::RandomSampler(), 50)) == first_numbers(50));
  const auto twice = order(data::RandomSampler({.num_samples = 25}), 10);
  REQUIRE(twice.size() == 25);
  CHECK(sorted({twice.begin(), twice.begin() + 10}) == first_numbers(10));
  CHECK(sorted({twice.begin() + 10, twice.begin() + 20}) == first_numbers(10));
  const auto drawn = order(data::RandomSampler({.replacement = true, .num_samples = 1000}), 10);
  CHECK(std::set<int64_t>(drawn.begin(), drawn.end()).size() == 10);
  CHECK(sorted(order(data::SubsetRandomSampler({8, 3, 5}), 10)) == std::vector<int64_t>{3, 5, 8});

  // Frequencies within five standard deviations.
  const std::vector<double> weights{1, 0, 2, 4, 0, 3};
  const int64_t n = 20'000;
  std::map<int64_t, double> counts;
  for (const int64_t i : order(data::WeightedRandomSampler(norma::tensor(weights), n), 6))
    ++counts[i];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double p = weights[i] / 10, expected = static_cast<double>(n) * p;
    CHECK(std::abs(counts[static_cast<int64_t>(i)] - expected) <=
          5 * std::sqrt(expected * (1 - p)));
  }
  std::map<int64_t, int> firsts;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const auto one = order(data::WeightedRandomSampler(norma::tensor(weights), 4, false), 6, seed);
    REQUIRE(sorted(one) == std::vector<int64_t>{0, 2, 3, 5});
    ++firsts[one[0]];
  }
  CHECK(std::abs(firsts[3] - 200) < 5 * std::sqrt(500 * 0.4 * 0.6));
  CHECK(std::abs(firsts[0] - 50) < 5 * std::sqrt(500 * 0.1 * 0.9));

  DataLoader loader(tensors(10), {.batch_size = 4, .sampler = data::RandomSampler()});
  const auto first = labels_of(loader), second = labels_of(loader);
  CHECK(first != second);
  loader.set_epoch(0);
  CHECK(labels_of(loader) == first);
  DataLoader long_one(tensors(3),
                      {.batch_size = 4, .sampler = data::RandomSampler({.num_samples = 9})});
  CHECK(long_one.size() == 3);
}

TEST_CASE("samplers refuse what they cannot do") {
  const auto message = [](const data::Sampler& sampler) {
    DataLoader loader(tensors(4), {.sampler = sampler});
    return error_of([&] { loader.begin(); });
  };
  using Options = data::RandomSamplerOptions;
  using Weighted = data::WeightedRandomSampler;
  CHECK(has(error_of([] { data::RandomSampler(Options{.num_samples = 0}); }), "from 1, or -1"));
  CHECK(has(error_of([] { data::SubsetRandomSampler({}); }), "at least one index"));
  CHECK(has(error_of([] { Weighted(Tensor(), 1); }), "[WeightedRandomSampler] "));
  CHECK(has(error_of([] { Weighted(norma::ones({2, 2}), 1); }), "a weight per sample, [N]"));
  CHECK(has(error_of([] { Weighted(norma::tensor({1.0, -1.0}), 1); }), "from 0 with a finite sum"));
  CHECK(has(error_of([] { Weighted(norma::tensor({1.0, NAN}), 1); }), "from 0 with a finite sum"));
  CHECK(has(error_of([] { Weighted(norma::zeros(3), 1); }), "expected a weight above 0, got none"));
  CHECK(has(error_of([] {
              Weighted(norma::tensor({1.0, 0.0}), 2, false);
            }),
            "expected num_samples from 1 to 1 (weights above 0), got 2"));
  CHECK(has(message(Weighted(norma::ones(3), 1)), "a weight for each of 4 samples, got 3"));
  CHECK(has(message(data::SubsetRandomSampler({4})), "numbers of samples, from 0 to 3, got 4"));
  CHECK(has(message({.order = [](int64_t, Generator&) { return norma::arange(3); }}),
            "expected the sampler to return int64 [4], got int64 [3]"));
  CHECK(has(message({.order = [](int64_t, Generator&) { return Tensor(); }}), "undefined"));
  CHECK(has(
      error_of([] { DataLoader(tensors(4), {.shuffle = true, .sampler = data::RandomSampler()}); }),
      "expected .shuffle or .sampler, got both"));
}

TEST_CASE("transforms of targets, and of inputs and targets alike") {
  const Tensor images = norma::rand({6, 1, 4, 4});
  DataLoader loader({images, images.clone()},
                    {.batch_size = 2,
                     .transforms = {[](const Tensor& x, Generator&) { return x + 1.0; }},
                     .target_transforms = {[](const Tensor& y, Generator&) { return y * 2.0; }},
                     .batch_transforms = {[](data::Batch& batch, Generator& g) {
                       // The same images are mirrored in both.
                       Generator copy = g;
                       batch.inputs = data::RandomHorizontalFlip()(batch.inputs, g);
                       batch.targets = data::RandomHorizontalFlip()(batch.targets, copy);
                     }}});
  bool mirrored = false;
  int64_t at = 0;
  for (auto& [x, y] : loader) {
    CHECK(mismatch((x - 1.0) * 2.0, y, 1e-5, 1e-5) == "");
    for (int64_t i = 0; i < 2; ++i, ++at) mirrored |= !norma::equal(y[i], images[at] * 2.0);
  }
  CHECK(mirrored);
  const auto message = [&](data::DataLoaderOptions options) {
    options.batch_size = 2;
    return error_of([&] { DataLoader(tensors(4), options).begin(); });
  };
  CHECK(message({.target_transforms = {[](const Tensor& y, Generator&) { return y.sum(); }}}) ==
        "[DataLoader] expected target transform 0 to return a batch of 2 samples, got []");
  CHECK(message({.batch_transforms = {[](data::Batch& b, Generator&) { b.targets = Tensor(); }}}) ==
        "[DataLoader] expected batch transform 0 to return a batch of 2 samples, got an undefined "
        "tensor");
  CHECK(has(message({.batch_transforms = {data::BatchTransform()}}),
            "expected a function as batch transform 0, got an empty one"));
  CHECK(has(message({.target_transforms = {data::Transform()}}),
            "expected a function as target transform 0, got an empty one"));
}
