// Data sets, transforms, samplers and loaders in the forms that libtorch has.
#include <torch/torch.h>

namespace data = torch::data;
namespace datasets = torch::data::datasets;
namespace samplers = torch::data::samplers;
namespace transforms = torch::data::transforms;

/// Squares, whose samples are no tensors.
struct Squares : datasets::Dataset<Squares, int> {
  explicit Squares(std::size_t size) : size_(size) {}
  int get(std::size_t index) override { return static_cast<int>(index * index); }
  torch::optional<std::size_t> size() const override { return size_; }

 private:
  std::size_t size_;
};

/// Rows with a label, batch by batch.
struct Rows : datasets::BatchDataset<Rows, std::vector<data::Example<>>> {
  std::vector<data::Example<>> get_batch(torch::ArrayRef<std::size_t> indices) override {
    std::vector<data::Example<>> batch;
    for (const std::size_t i : indices) {
      batch.emplace_back(torch::full({2}, static_cast<int64_t>(i)),
                         torch::tensor(static_cast<int64_t>(i % 2)));
    }
    return batch;
  }
  torch::optional<std::size_t> size() const override { return 10; }
};

/// A sentence beside its picture; batches hold the sentences padded.
struct Caption {
  torch::Tensor words;
};
using Captioned = data::Example<torch::Tensor, Caption>;
struct Captions : datasets::Dataset<Captions, Captioned> {
  Captioned get(std::size_t index) override {
    const auto length = static_cast<int64_t>(index % 3) + 1;
    return {torch::rand({3, 4, 4}), Caption{torch::ones(length, torch::kLong)}};
  }
  torch::optional<std::size_t> size() const override { return 6; }
};
struct Padded : transforms::Collation<Captioned, std::vector<Captioned>> {
  Captioned apply_batch(std::vector<Captioned> samples) override {
    std::vector<torch::Tensor> images, words;
    for (const auto& sample : samples) {
      images.push_back(sample.data);
      words.push_back(sample.target.words);
    }
    return {torch::stack(images), {torch::nn::utils::rnn::pad_sequence(words, true)}};
  }
};

int main() {
  torch::manual_seed(0);
  auto sums = Squares(10)
                  .map(transforms::Lambda<int>([](int x) { return x + 1; }))
                  .map(transforms::Collate<int>([](std::vector<int> batch) {
                    return std::accumulate(batch.begin(), batch.end(), 0);
                  }));
  TORCH_CHECK(sums.get_batch({1, 2}) == 7);
  int total = 0;
  auto summing = data::make_data_loader(std::move(sums), /*batch_size=*/4);
  for (const int sum : *summing) total += sum;
  TORCH_CHECK(total == 285 + 10);

  auto rows = Rows().map(transforms::Stack<>());
  const auto first = rows.get_batch(7);
  TORCH_CHECK(first.data.size(0) == 1 && first.target.item<int64_t>() == 1);
  auto loader = data::make_data_loader<samplers::SequentialSampler>(
      rows, data::DataLoaderOptions().batch_size(4).workers(2).drop_last(true));
  std::size_t batches = 0;
  for (auto& batch : *loader) {
    TORCH_CHECK(batch.data.sizes() == torch::IntArrayRef({4, 2}) && batch.target.size(0) == 4);
    ++batches;
  }
  TORCH_CHECK(batches == 2 && loader->begin()->data[0][0].item<int>() == 0);

  auto shared = datasets::make_shared_dataset<datasets::TensorDataset>(torch::eye(4));
  TORCH_CHECK(shared->get(2).data[2].item<float>() == 1 && *shared.size() == 4);
  const auto list = std::vector<torch::Tensor>{torch::zeros(2), torch::ones(2)};
  auto stacked = datasets::TensorDataset(list).map(transforms::Stack<data::TensorExample>());
  TORCH_CHECK(stacked.get_batch({0, 1}).data.sizes() == torch::IntArrayRef({2, 2}));

  auto captions =
      Captions()
          .map(transforms::Normalize<Captioned::TargetType>({0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}))
          .map(Padded());
  auto pairs = data::make_data_loader<samplers::SequentialSampler>(std::move(captions), 3);
  for (const auto& batch : *pairs) {
    TORCH_CHECK(batch.data.size(0) == 3 && batch.data.min().item<float>() < 0);
    TORCH_CHECK(batch.target.words.sizes() == torch::IntArrayRef({3, 3}));
  }

  samplers::RandomSampler order(5);
  std::vector<bool> seen(5, false);
  while (const auto next = order.next(2)) {
    for (const std::size_t i : *next) seen[i] = true;
  }
  TORCH_CHECK(std::count(seen.begin(), seen.end(), true) == 5);
}
