#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "norma/tests/data/helpers.h"

using norma::Generator;
using norma::Shape;
using norma::Tensor;
namespace data = norma::data;
using data::DataLoader;

namespace {

// Sample i is [i, i + 0.5] with label i.
data::Dataset counted(int64_t n) {
  const Tensor i = norma::arange(n);
  const Tensor x = i.to(norma::kFloat32).reshape({n, 1});
  return {norma::cat({x, x + 0.5}, 1), i};
}

// The labels of all batches of one epoch, in order; checks that inputs and targets stay together.
std::vector<int64_t> epoch_of(DataLoader& loader) {
  std::vector<int64_t> order;
  for (auto [x, y] : loader) {
    REQUIRE(x.size(0) == y.size(0));
    for (int64_t i = 0; i < y.size(0); ++i) {
      order.push_back(y[i].item<int64_t>());
      REQUIRE(x[i][1].item<float>() == static_cast<float>(order.back()) + 0.5f);
    }
  }
  return order;
}

std::vector<int64_t> identity(int64_t n) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < n; ++i) order.push_back(i);
  return order;
}

std::vector<int64_t> sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// All inputs of `epochs` epochs.
std::vector<Tensor> batches_of(DataLoader loader, int epochs) {
  std::vector<Tensor> all;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (auto [x, y] : loader) all.push_back(x);
  }
  return all;
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!norma::equal(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("batches cover the data in order, the last one smaller or left out") {
  for (const bool prefetch : {true, false}) {
    DataLoader loader(counted(10), {.batch_size = 4, .prefetch = prefetch});
    CHECK(loader.size() == 3);
    CHECK(epoch_of(loader) == identity(10));
    std::vector<int64_t> sizes;
    for (const auto& [x, y] : loader) sizes.push_back(x.size(0));
    CHECK(sizes == std::vector<int64_t>{4, 4, 2});

    DataLoader whole(counted(10), {.batch_size = 4, .drop_last = true, .prefetch = prefetch});
    CHECK(whole.size() == 2);
    CHECK(epoch_of(whole) == identity(8));
    DataLoader one(counted(10), {.batch_size = 100, .prefetch = prefetch});
    CHECK(one.size() == 1);
    CHECK(epoch_of(one) == identity(10));
    DataLoader none(counted(10), {.batch_size = 11, .drop_last = true, .prefetch = prefetch});
    CHECK(none.size() == 0);
    CHECK(epoch_of(none).empty());
  }
  DataLoader plain(counted(3));
  CHECK(plain.size() == 3);  // batches of one, as PyTorch's
  for (data::Batch& batch : plain) CHECK(batch.inputs.sizes() == Shape({1, 2}));
}

TEST_CASE("shuffling gives every sample once, in an order of its own in each epoch") {
  DataLoader loader(counted(100), {.batch_size = 7, .shuffle = true, .seed = 3});
  const auto first = epoch_of(loader), second = epoch_of(loader);
  CHECK(sorted(first) == identity(100));
  CHECK(sorted(second) == identity(100));
  CHECK(first != identity(100));
  CHECK(first != second);
  DataLoader other_seed(counted(100), {.batch_size = 7, .shuffle = true, .seed = 4});
  CHECK(epoch_of(other_seed) != first);

  // drop_last leaves out others in every epoch.
  DataLoader dropping(counted(100), {.batch_size = 70, .shuffle = true, .drop_last = true});
  const auto a = sorted(epoch_of(dropping)), b = sorted(epoch_of(dropping));
  CHECK(a.size() == 70);
  CHECK(a != b);
}

TEST_CASE("the order is the same everywhere, whatever else draws random numbers") {
  const data::DataLoaderOptions options{.batch_size = 7, .shuffle = true, .seed = 3};
  DataLoader loader(counted(8), options);
  norma::manual_seed(1);
  const auto first = epoch_of(loader);
  // By golden_order.py. Another order would break the resuming of trainings.
  CHECK(first == std::vector<int64_t>{3, 2, 4, 6, 5, 1, 7, 0});
  norma::manual_seed(2);
  norma::rand({100});
  const auto state = norma::default_generator().state();
  DataLoader again(counted(8), options);
  CHECK(epoch_of(again) == first);
  CHECK(norma::default_generator().state() == state);
}

TEST_CASE("prefetching changes no batch, random transforms included") {
  const data::Dataset images{norma::randn({50, 1, 6, 6}), norma::arange(50)};
  data::DataLoaderOptions options{
      .batch_size = 8,
      .shuffle = true,
      .seed = 5,
      .transforms = {data::RandomCrop(6, {.padding = 2}), data::RandomHorizontalFlip(),
                     [](const Tensor& x, Generator& g) {
                       return x + norma::rand(x.sizes(), {.dtype = norma::kFloat32}, g);
                     }}};
  const auto ahead = batches_of(DataLoader(images, options), 3);
  options.prefetch = false;
  const auto inline_ = batches_of(DataLoader(images, options), 3);
  CHECK(ahead.size() == 21);
  CHECK(same(ahead, inline_));
  options.seed = 6;
  options.shuffle = false;
  const auto seed6 = batches_of(DataLoader(images, options), 1);
  options.seed = 7;
  CHECK_FALSE(same(seed6, batches_of(DataLoader(images, options), 1)));
}

TEST_CASE("a training goes on where it stopped: epoch() and set_epoch()") {
  const data::DataLoaderOptions options{
      .batch_size = 4, .shuffle = true, .seed = 9, .transforms = {data::RandomHorizontalFlip()}};
  const data::Dataset images{norma::randn({30, 1, 4, 4}), norma::arange(30)};
  DataLoader loader(images, options);
  std::vector<std::vector<Tensor>> epochs(4);
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    CHECK(loader.epoch() == epoch);
    for (auto [x, y] : loader) epochs[static_cast<std::size_t>(epoch)].push_back(x);
  }
  DataLoader resumed(images, options);
  resumed.set_epoch(2);
  std::vector<Tensor> third, fourth;
  for (auto [x, y] : resumed) third.push_back(x);
  CHECK(resumed.epoch() == 3);
  for (auto [x, y] : resumed) fourth.push_back(x);
  CHECK(same(third, epochs[2]));
  CHECK(same(fourth, epochs[3]));
  CHECK_FALSE(same(third, fourth));
  CHECK(error_of([&] { resumed.set_epoch(-1); }) ==
        "[DataLoader] expected an epoch number from 0, got -1");
  CHECK(error_of([&] { loader.set_epoch(INT64_MAX); }) ==
        "[DataLoader] expected an epoch number of at most 2^62, got 9223372036854775807");
  loader.set_epoch(int64_t{1} << 62);
  loader.begin();
  CHECK(loader.epoch() == (int64_t{1} << 62) + 1);
  CHECK(resumed.epoch() == 4);
}

TEST_CASE("bytes become 0..1 before the transforms; other dtypes stay") {
  const Tensor bytes = norma::tensor(std::vector<uint8_t>{0, 51, 255, 1}).reshape({4, 1});
  DataLoader loader({bytes, norma::arange(4)}, {.batch_size = 4});
  for (auto [x, y] : loader) {
    CHECK(norma::equal(x, data::convert_image_dtype(bytes)));
    CHECK(x.dtype() == norma::kFloat32);
  }
  DataLoader normalised({bytes, norma::arange(4)},
                        {.batch_size = 4, .transforms = {data::Normalize({0.5}, {0.5})}});
  for (auto [x, y] : normalised) CHECK(x[2].item<float>() == 1.0f);

  for (const norma::DType dtype : {norma::kFloat64, norma::kInt64, norma::kBool}) {
    const Tensor values = norma::tensor({{0, 1}, {1, 1}, {1, 0}}).to(dtype);
    const Tensor targets = norma::tensor({{0.5, 1.5}, {2.5, 3.5}, {4.5, 5.5}});
    DataLoader typed({values, targets}, {.batch_size = 3});
    for (auto [x, y] : typed) {
      CHECK(norma::equal(x, values));
      CHECK(x.dtype() == dtype);
      CHECK(norma::equal(y, targets));
    }
  }
}

TEST_CASE("any layout will do; batches are memory of their own, outside every graph") {
  const Tensor columns = norma::arange(12).to(norma::kFloat32).reshape({2, 6}).requires_grad_();
  const Tensor inputs = columns.transpose(0, 1);
  DataLoader loader({inputs, norma::arange(12).slice(0, 0, 12, 2)}, {.batch_size = 6});
  for (auto [x, y] : loader) {
    CHECK(norma::equal(x, inputs.detach()));
    CHECK(norma::equal(y, norma::tensor({0, 2, 4, 6, 8, 10})));
    CHECK_FALSE(x.requires_grad());
    x.zero_();
  }
  for (auto [x, y] : loader) CHECK(norma::equal(x, inputs.detach()));

  const data::Dataset whole = counted(10);
  const data::Dataset part = whole.narrow(6, 3);
  CHECK(part.size() == 3);
  CHECK(part.inputs.raw_data() != whole.inputs.raw_data());
  DataLoader over_part(part, {.batch_size = 2});
  CHECK(epoch_of(over_part) == std::vector<int64_t>{6, 7, 8});
  CHECK(over_part.dataset().size() == 3);
  CHECK(over_part.options().batch_size == 2);
}

TEST_CASE("transforms run in order, recording nothing, on another thread when prefetching") {
  const auto self = std::this_thread::get_id();
  for (const bool prefetch : {true, false}) {
    std::atomic<int> here{0}, elsewhere{0}, recording{0};
    DataLoader loader(counted(6),
                      {.batch_size = 2,
                       .transforms = {[&](const Tensor& x, Generator&) {
                                        ++(std::this_thread::get_id() == self ? here : elsewhere);
                                        recording += norma::grad_enabled();
                                        return x + 1.0;
                                      },
                                      [](const Tensor& x, Generator&) { return x * 10.0; }},
                       .prefetch = prefetch});
    int64_t next = 0;
    for (auto [x, y] : loader) {
      for (int64_t i = 0; i < 2; ++i, ++next) {
        CHECK(x[i][0].item<float>() == static_cast<float>(next + 1) * 10);
      }
    }
    CHECK(here == (prefetch ? 0 : 3));
    CHECK(elsewhere == (prefetch ? 3 : 0));
    CHECK(recording == 0);
  }
}

TEST_CASE("the next batch is prepared while the loop works, and only a few ahead") {
  // Small batches, and some of 2.4 MB.
  const data::Dataset large{norma::zeros({12, 600'000}, {.dtype = norma::kUInt8}),
                            norma::arange(12)};
  for (const data::Dataset& dataset : {counted(60), large}) {
    const int total = static_cast<int>(dataset.size());
    const int most_ahead = total == 12 ? 3 : 17;
    std::mutex mutex;
    std::condition_variable changed;
    int prepared = 0;
    DataLoader loader(dataset, {.transforms = {[&](const Tensor& x, Generator&) {
                                  const std::lock_guard lock(mutex);
                                  ++prepared;
                                  changed.notify_all();
                                  return x;
                                }}});
    int taken = 0;
    for (auto [x, y] : loader) {
      ++taken;
      std::unique_lock lock(mutex);
      const int wanted = std::min(taken + 1, total);
      const bool ahead =
          changed.wait_for(lock, std::chrono::seconds(60), [&] { return prepared >= wanted; });
      REQUIRE(ahead);
      REQUIRE(prepared <= taken + most_ahead);
    }
    CHECK(taken == total);
    CHECK(prepared == total);
  }
}

TEST_CASE("an error in a worker reaches the loop at its batch, and the loader stays usable") {
  for (const bool prefetch : {true, false}) {
    std::atomic<bool> broken{true};
    DataLoader loader(counted(10), {.batch_size = 2,
                                    .transforms = {[&](const Tensor& x, Generator&) {
                                      if (broken && x[0][0].item<float>() == 4.0f)
                                        norma::fail("mine", "no");
                                      return x;
                                    }},
                                    .prefetch = prefetch});
    int taken = 0;
    const auto run = [&] {
      for (auto [x, y] : loader) ++taken;
    };
    CHECK(error_of(run) == "[mine] no");
    CHECK(taken == 2);
    broken = false;
    CHECK(epoch_of(loader) == identity(10));

    DataLoader foreign(counted(10), {.transforms = {[](const Tensor& x, Generator&) -> Tensor {
                                       if (x.numel() > 0) throw std::runtime_error("disk on fire");
                                       return x;
                                     }},
                                     .prefetch = prefetch});
    CHECK_THROWS_WITH(foreign.begin(), "disk on fire");
    CHECK(foreign.epoch() == 0);  // an epoch that did not begin is not counted
  }
}

TEST_CASE("an iterator is at its end after an error") {
  DataLoader loader(counted(4), {.transforms = {[](const Tensor& x, Generator&) {
                                   if (x[0][0].item<float>() == 1.0f) norma::fail("mine", "no");
                                   return x;
                                 }}});
  auto it = loader.begin();
  CHECK(it != loader.end());
  CHECK(error_of([&] { ++it; }) == "[mine] no");
  CHECK(it == loader.end());
  ++it;
  CHECK(it == loader.end());
}

TEST_CASE("a transform must keep the samples") {
  const auto message = [](data::Transform transform, bool prefetch) {
    DataLoader loader(counted(6), {.batch_size = 3,
                                   .transforms = {data::Normalize({0}, {1}), std::move(transform)},
                                   .prefetch = prefetch});
    return error_of([&] { loader.begin(); });
  };
  for (const bool prefetch : {true, false}) {
    CHECK(message([](const Tensor& x, Generator&) { return x[0]; }, prefetch) ==
          "[DataLoader] expected transform 1 to return a batch of 3 samples, got [2]");
    CHECK(message([](const Tensor& x, Generator&) { return x.sum(); }, prefetch) ==
          "[DataLoader] expected transform 1 to return a batch of 3 samples, got []");
    CHECK(message([](const Tensor&, Generator&) { return Tensor(); }, prefetch) ==
          "[DataLoader] expected transform 1 to return a batch of 3 samples, got an undefined "
          "tensor");
  }
}

TEST_CASE("a loop may be left at any time, and nothing stays behind") {
  norma::empty_cache();
  const int64_t before = norma::live_storage_bytes();
  for (int left_at = 0; left_at < 6; ++left_at) {
    DataLoader loader(counted(20), {.batch_size = 2, .shuffle = true});
    int taken = 0;
    for (auto [x, y] : loader) {
      if (taken++ == left_at) break;
    }
    CHECK(sorted(epoch_of(loader)) == identity(20));
  }
  {
    // The loader goes first.
    std::optional<DataLoader> loader(std::in_place, counted(20),
                                     data::DataLoaderOptions{.batch_size = 2});
    auto it = loader->begin();
    loader.reset();
    int64_t seen = 0;
    for (; it != std::default_sentinel; ++it) seen += it->targets.size(0);
    CHECK(seen == 20);
  }
  {
    int64_t seen = 0;
    for (auto [x, y] : DataLoader(counted(20), {.batch_size = 3})) seen += y.numel();
    CHECK(seen == 20);
  }
  {
    // Two loops at once are two epochs.
    DataLoader loader(counted(20), {.batch_size = 5, .shuffle = true});
    int64_t seen = 0;
    for (auto [x, y] : loader) {
      for (auto [u, v] : loader) seen += v.numel();
    }
    CHECK(seen == 4 * 20);
    CHECK(loader.epoch() == 5);
  }
  {
    // Left by an exception of the loop's own.
    DataLoader loader(counted(20));
    try {
      for (auto [x, y] : loader) throw 1;
    } catch (int) {
    }
  }
  CHECK(norma::live_storage_bytes() == before);
}

TEST_CASE("DataLoader refuses what it cannot cut into batches") {
  const auto message = [](const data::Dataset& dataset,
                          const data::DataLoaderOptions& options = {}) {
    return error_of([&] { DataLoader(dataset, options); });
  };
  CHECK(message({norma::zeros({0, 3}), norma::zeros(0)}) ==
        "[DataLoader] expected at least one sample, got inputs [0, 3]");
  CHECK(message({norma::zeros({4, 3}), norma::zeros(5)}) ==
        "[DataLoader] expected one target per input along the first dimension, got inputs [4, 3] "
        "and targets [5]");
  CHECK(has(message({norma::zeros({}), norma::zeros({})}), "got inputs [] and targets []"));
  CHECK(message({norma::zeros({4, 3}), Tensor()}) ==
        "[DataLoader] expected inputs and targets, got an undefined tensor");
  for (const int64_t size : {0, -1}) {
    CHECK(message(counted(4), {.batch_size = size}) ==
          "[DataLoader] expected a batch_size of 1 or more, got " + std::to_string(size));
  }
  const auto all = [](int64_t samples, Generator&) { return norma::arange(samples); };
  for (const int64_t length : {int64_t{0}, int64_t{-2}, INT64_MIN}) {
    CHECK(message(counted(4), {.sampler = {.order = all, .length = length}}) ==
          "[DataLoader] expected a sampler with a length from 1, or -1 for that of the data set, "
          "got " +
              std::to_string(length));
  }
  CHECK(message(counted(4), {.sampler = {.order = all}}) == "no error");
  CHECK(message(counted(4), {.transforms = {data::Transform()}}) ==
        "[DataLoader] expected a function as transform 0, got an empty one");
}
