// A loop over a loader that is broken off and taken up again.
#include <vector>

#include "norma/tests/data/helpers.h"

using norma::Generator;
using norma::LoaderPosition;
using norma::Tensor;
namespace data = norma::data;
using data::DataLoader;

namespace {

const data::Dataset& images() {
  static const data::Dataset set{norma::randn({30, 1, 4, 4}), norma::arange(30)};
  return set;
}

data::DataLoaderOptions options(int64_t workers) {
  return {.batch_size = 4,
          .shuffle = true,
          .seed = 9,
          .transforms = {data::RandomHorizontalFlip(),
                         [](const Tensor& x, Generator& g) {
                           return x + norma::rand(x.sizes(), {.dtype = norma::kFloat32}, g);
                         }},
          .num_workers = workers};
}

// The batches of the next loop, and the places behind each.
std::vector<Tensor> rest_of(DataLoader& loader, std::vector<LoaderPosition>* places = nullptr) {
  std::vector<Tensor> batches;
  for (auto& [x, y] : loader) {
    batches.push_back(x);
    if (places) places->push_back(loader.position());
  }
  return batches;
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b, std::size_t from_b = 0) {
  if (a.size() != b.size() - from_b) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!norma::equal(a[i], b[from_b + i])) return false;
  }
  return true;
}

LoaderPosition place(int64_t epoch, int64_t batch) {
  return {.epoch = epoch, .batch = batch, .seed = 9, .samples = 30, .batch_size = 4};
}

}  // namespace

TEST_CASE("from any place on, the batches are those of a loop without a break") {
  for (const int64_t workers : {0, 1, 3}) {
    DataLoader loader(images(), options(workers));
    CHECK(loader.position() == place(0, 0));
    std::vector<LoaderPosition> places;
    rest_of(loader);
    CHECK(loader.position() == place(1, 0));
    const std::vector<Tensor> second = rest_of(loader, &places), third = rest_of(loader);
    CHECK(loader.position() == place(3, 0));
    REQUIRE(second.size() == 8);
    for (std::size_t n = 0; n < places.size(); ++n) {
      CHECK(places[n] == place(1, static_cast<int64_t>(n) + 1));
      DataLoader resumed(images(), options(workers == 0 ? 2 : 0));
      resumed.set_position(places[n]);
      CHECK(resumed.position() == places[n]);
      CHECK(resumed.epoch() == 1);
      CHECK(same(rest_of(resumed), second, n + 1));
      CHECK(resumed.position() == place(2, 0));
      CHECK(same(rest_of(resumed), third));
    }
  }
}

TEST_CASE("a loop that is left stays where it is; the next one is another epoch") {
  DataLoader loader(images(), options(1));
  for (auto& batch : loader) {
    if (batch.targets.defined() && loader.position().batch == 3) break;
  }
  CHECK(loader.position() == place(0, 3));
  const LoaderPosition left = loader.position();
  const std::vector<Tensor> second = rest_of(loader);
  CHECK(second.size() == 8);
  loader.set_position(left);
  CHECK(loader.position() == left);
  CHECK(rest_of(loader).size() == 5);
  CHECK(same(rest_of(loader), second));
  loader.set_position(place(0, 3));
  loader.set_epoch(1);
  CHECK(loader.position() == place(1, 0));
  CHECK(same(rest_of(loader), second));
}

TEST_CASE("a training whose loops are left early is taken up at the epoch that comes next") {
  DataLoader loader(images(), options(1));
  for (auto& batch : loader) {
    if (batch.targets.defined() && loader.position().batch == 3) break;
  }
  loader.set_epoch(loader.epoch());
  const LoaderPosition saved = loader.position();
  CHECK(saved == place(1, 0));
  DataLoader resumed(images(), options(0));
  resumed.set_position(saved);
  CHECK(same(rest_of(resumed), rest_of(loader)));
}

TEST_CASE("behind the last batch there is nothing but the end of the epoch") {
  DataLoader loader(images(), options(1));
  loader.set_position(place(4, 8));
  auto it = loader.begin();
  CHECK(it == loader.end());
  ++it;
  CHECK(loader.position() == place(5, 0));
  CHECK(rest_of(loader).size() == 8);
}

TEST_CASE("two loops at once, copies, and errors") {
  DataLoader loader(images(), options(1));
  for (auto& batch : loader) {
    CHECK(batch.inputs.defined());
    const std::vector<Tensor> inner = rest_of(loader);
    CHECK(inner.size() == 8);
    CHECK(loader.position() == place(2, 0));  // of the loop that began last
    DataLoader copy = loader;
    CHECK(copy.position() == place(2, 0));
    copy.set_epoch(7);
    CHECK(loader.position() == place(2, 0));
    break;
  }
  DataLoader broken({norma::arange(6), norma::arange(6)},
                    {.transforms = {[](const Tensor& x, Generator&) {
                       if (x.item<int64_t>() == 2) norma::fail("mine", "no");
                       return x;
                     }}});
  CHECK(error_of([&] { rest_of(broken); }) == "[mine] no");
  CHECK(broken.position().epoch == 0);
  CHECK(broken.position().batch == 2);
}

TEST_CASE("the middle of another loader's epoch is refused, and changes nothing") {
  DataLoader loader(images(), options(1));
  loader.set_epoch(3);
  const auto message = [&](LoaderPosition to) {
    const std::string text = error_of([&] { loader.set_position(to); });
    CHECK(loader.position() == place(3, 0));
    return text;
  };
  LoaderPosition other = place(2, 1);
  other.seed = 8;
  CHECK(
      message(other) ==
      "[DataLoader::set_position] expected the place in an epoch of a loader with the seed 9, got "
      "one with 8; make the loader as it was, or go to the beginning of epoch 2 with set_epoch()");
  other = place(2, 1);
  other.samples = 31;
  CHECK(has(message(other), "with a number of samples of 30, got one with 31"));
  other = place(2, 1);
  other.batch_size = 5;
  CHECK(has(message(other), "with a batch_size of 4, got one with 5"));
  CHECK(has(message(place(2, 9)), "expected a batch from 0 to 8, got 9"));
  CHECK(has(message(place(-1, 0)), "from 0, got -1 and 0"));
  CHECK(has(message(place(0, -1)), "from 0, got 0 and -1"));
  CHECK(message(place(INT64_MAX, 0)) ==
        "[DataLoader::set_position] expected an epoch number of at most 2^62, got "
        "9223372036854775807");
  // At the beginning of an epoch nothing else counts, and what is unknown is not compared.
  loader.set_position({.epoch = 2, .seed = 1, .samples = 5, .batch_size = 7});
  CHECK(loader.position() == place(2, 0));
  loader.set_position({.epoch = 2, .batch = 4, .seed = 9});
  CHECK(rest_of(loader).size() == 4);
}
