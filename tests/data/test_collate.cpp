// Batches of samples that do not fit together by themselves.
#include <stdexcept>

#include "norma/tests/data/helpers.h"

using norma::Generator;
using norma::Shape;
using norma::Tensor;
namespace data = norma::data;
using data::Batch;
using data::DataLoader;
using data::Sample;

namespace {

// Sample i: i % 5 + 1 times the number i, and the label i.
struct Texts {
  int64_t n;
  int64_t size() const { return n; }
  Sample get(int64_t i) const {
    return {norma::full({i % 5 + 1}, static_cast<double>(i)), norma::tensor(i)};
  }
};

Batch padded(const std::vector<Sample>& samples) {
  std::vector<Tensor> texts, labels, lengths;
  for (const Sample& sample : samples) {
    texts.push_back(sample[0]);
    labels.push_back(sample[1]);
    lengths.push_back(norma::tensor(sample[0].size(0)));
  }
  return {
      norma::nn::utils::rnn::pad_sequence(texts), norma::stack(labels), {norma::stack(lengths)}};
}

}  // namespace

TEST_CASE("collate_fn makes batches of samples of any lengths") {
  const auto all = [](int64_t workers) {
    DataLoader loader(Texts{11},
                      {.batch_size = 4,
                       .shuffle = true,
                       .seed = 2,
                       .transforms = {[](const Tensor& x, Generator&) { return x * 2.0; }},
                       .collate_fn = padded,
                       .num_workers = workers});
    std::vector<Batch> batches;
    for (const Batch& batch : loader) batches.push_back(batch);
    return batches;
  };
  const std::vector<Batch> batches = all(1);
  REQUIRE(batches.size() == 3);
  int64_t sum = 0;
  for (const Batch& batch : batches) {
    const int64_t count = batch.targets.size(0);
    const Tensor& lengths = batch.more.at(0);
    REQUIRE(batch.inputs.sizes() == Shape({lengths.max().item<int64_t>(), count}));  // time first
    for (int64_t k = 0; k < count; ++k) {
      const auto label = batch.targets[k].item<int64_t>();
      const auto length = lengths[k].item<int64_t>();
      CHECK(length == label % 5 + 1);
      const Tensor text = batch.inputs.select(1, k);
      CHECK(text.narrow(0, 0, length).eq(2.0 * static_cast<double>(label)).all().item<bool>());
      CHECK(text.narrow(0, length, text.size(0) - length).eq(0).all().item<bool>());
      sum += label;
    }
  }
  CHECK(sum == 55);
  const std::vector<Batch> again = all(3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(norma::equal(batches[k].inputs, again[k].inputs));
}

TEST_CASE("default_collate stacks, as a loader without collate_fn") {
  const data::Dataset set{norma::rand({6, 2, 3}), norma::arange(6)};
  DataLoader plain(set, {.batch_size = 4});
  DataLoader collated(set, {.batch_size = 4, .collate_fn = data::default_collate});
  auto other = collated.begin();
  for (const auto& [x, y] : plain) {
    CHECK(norma::equal(other->inputs, x));
    CHECK(norma::equal(other->targets, y));
    ++other;
  }
  const Tensor x = norma::ones({2}), leaf = norma::ones({2}).requires_grad_();
  const Batch one = data::default_collate({{x}, {leaf}});
  CHECK(norma::equal(one.inputs, norma::ones({2, 2})));
  CHECK_FALSE(one.inputs.requires_grad());
  CHECK_FALSE(one.targets.defined());
  const Batch three = data::default_collate({{x, x, x * 3.0}});
  CHECK(norma::equal(three.more.at(0), norma::full({1, 2}, 3.0)));
  // Bytes become numbers in 0..1, as without.
  DataLoader bytes(data::Dataset{norma::full({2, 1}, 255).to(norma::kUInt8), norma::arange(2)},
                   {.collate_fn = data::default_collate});
  CHECK(bytes.begin()->inputs.item<float>() == 1.0f);

  CHECK(error_of([] { data::default_collate({}); }) ==
        "[default_collate] expected at least one sample, got none");
  CHECK(error_of([&] {
          data::default_collate({{x}, {}});
        }) == "[default_collate] expected samples of 1 tensors, got 0 for sample 1");
  CHECK(error_of([&] {
          data::default_collate({{x}, {Tensor()}});
        }) ==
        "[default_collate] expected defined tensors, got an undefined one as tensor 0 of sample 1");
  CHECK(error_of([&] {
          data::default_collate({{x}, {norma::ones(3)}});
        }) ==
        "[default_collate] expected samples of one shape and dtype, got float32 [2] as tensor 0 of "
        "sample 0 and float32 [3] of sample 1");
}

TEST_CASE("what a collate_fn may not do") {
  const auto message = [](data::DataLoaderOptions options) {
    return error_of([&] { DataLoader(Texts{3}, options).begin(); });
  };
  CHECK(message({.collate_fn = [](const auto&) { return Batch(); }}) ==
        "[DataLoader] expected collate_fn to return a batch, got undefined inputs");
  CHECK(message({.transforms = {[](const Tensor&, Generator&) { return Tensor(); }},
                 .collate_fn = padded}) ==
        "[DataLoader] expected transform 0 to return a tensor, got an undefined one");
  DataLoader broken(Texts{3}, {.collate_fn = [](const auto&) -> Batch {
                      throw std::runtime_error("of its own");
                    }});
  CHECK_THROWS_AS(broken.begin(), std::runtime_error);
}
