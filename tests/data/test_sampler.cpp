// What a loader tells its sampler, and what it takes from it besides the order.
#include <vector>

#include "norma/tests/data/helpers.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using data::DataLoader;

namespace {

data::Dataset counted(int64_t n) { return {arange(n).to(kFloat32), zeros({n})}; }

}  // namespace

TEST_CASE("a sampler is told the epoch, before it is asked for the order") {
  std::vector<int64_t> told;
  data::Sampler sampler;
  sampler.on_epoch = [&](int64_t epoch) { told.push_back(epoch); };
  sampler.order = [&](int64_t n, Generator&) { return arange(n).roll(told.back()); };
  DataLoader loader(counted(4), {.batch_size = 4, .sampler = sampler});
  CHECK(to_vector((*loader.begin()).inputs) == std::vector<double>{0, 1, 2, 3});
  CHECK(to_vector((*loader.begin()).inputs) == std::vector<double>{3, 0, 1, 2});
  loader.set_position({.epoch = 3});
  CHECK(to_vector((*loader.begin()).inputs) == std::vector<double>{1, 2, 3, 0});
  CHECK(told == std::vector<int64_t>{0, 1, 3});
}

TEST_CASE("loaders of one seed for several ranks: the same order, other random transforms") {
  const auto drawn = [](int64_t replica, bool own_sampler = true) {
    data::DataLoaderOptions options{.batch_size = 2, .seed = 5};
    options.shuffle = !own_sampler;
    if (own_sampler) options.sampler = data::RandomSampler();
    options.sampler.replica = replica;
    options.transforms = {[](const Tensor& x, Generator& generator) {
      return stack({x, rand(x.sizes(), {}, generator), rand(x.sizes())}, 1);
    }};
    DataLoader loader(counted(6), options);
    std::vector<Tensor> batches;
    for (auto& [inputs, targets] : loader) batches.push_back(inputs);
    return cat(batches);
  };
  const Tensor first = drawn(0), second = drawn(1), third = drawn(2);
  CHECK(to_vector(first) == to_vector(drawn(0, false)));
  for (const Tensor& other : {second, third}) {
    CHECK(to_vector(first.select(1, 0)) == to_vector(other.select(1, 0)));
    for (const int64_t column : {1, 2}) {
      CHECK((first.select(1, column) - other.select(1, column)).abs().min().item<double>() > 0);
    }
  }
  CHECK((second - third).select(1, 1).abs().min().item<double>() > 0);
}
