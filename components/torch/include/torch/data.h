// torch::data: data sets with `get(i)`, transforms, samplers and loaders.
#pragma once
#include "torch/arg.h"
#include "torch/types.h"

namespace torch::data {

namespace example {
struct NoTarget {};
}  // namespace example

/// A sample, or a batch of them: `batch.data`, `batch.target`.
template <class Data = Tensor, class Target = Tensor>
struct Example {
  using DataType = Data;
  using TargetType = Target;
  Example() = default;
  Example(Data d, Target t) : data(std::move(d)), target(std::move(t)) {}
  Data data;
  Target target;
};
template <class Data>
struct Example<Data, example::NoTarget> {
  using DataType = Data;
  using TargetType = example::NoTarget;
  Example() = default;
  Example(Data d) : data(std::move(d)) {}
  operator const Data&() const { return data; }
  Data data;
};
using TensorExample = Example<Tensor, example::NoTarget>;

namespace transforms {

/// From a batch, mostly a vector of samples, to another.
template <class Input, class Output>
struct BatchTransform {
  using OutputBatchType = Output;
  virtual ~BatchTransform() = default;
  virtual Output apply_batch(Input input) = 0;
};
/// From sample to sample.
template <class Input, class Output>
struct Transform : BatchTransform<std::vector<Input>, std::vector<Output>> {
  virtual Output apply(Input input) = 0;
  std::vector<Output> apply_batch(std::vector<Input> inputs) override {
    std::vector<Output> outputs;
    for (Input& input : inputs) outputs.push_back(apply(std::move(input)));
    return outputs;
  }
};
/// Of the data of a sample.
template <class Target = Tensor>
struct TensorTransform : Transform<Example<Tensor, Target>, Example<Tensor, Target>> {
  virtual Tensor operator()(Tensor input) = 0;
  Example<Tensor, Target> apply(Example<Tensor, Target> sample) override {
    sample.data = (*this)(std::move(sample.data));
    return sample;
  }
};
template <class Input, class Output = Input>
struct BatchLambda : BatchTransform<Input, Output> {
  explicit BatchLambda(std::function<Output(Input)> f) : function(std::move(f)) {}
  Output apply_batch(Input input) override { return function(std::move(input)); }
  std::function<Output(Input)> function;
};
template <class T, class Batch = std::vector<T>>
using Collation = BatchTransform<Batch, T>;
template <class T, class Batch = std::vector<T>>
using Collate = BatchLambda<Batch, T>;
template <class Input, class Output = Input>
struct Lambda : Transform<Input, Output> {
  explicit Lambda(std::function<Output(Input)> f) : function(std::move(f)) {}
  Output apply(Input input) override { return function(std::move(input)); }
  std::function<Output(Input)> function;
};
template <class Target = Tensor>
struct TensorLambda : TensorTransform<Target> {
  explicit TensorLambda(std::function<Tensor(Tensor)> f) : function(std::move(f)) {}
  Tensor operator()(Tensor input) override { return function(std::move(input)); }
  std::function<Tensor(Tensor)> function;
};
/// (x - mean) / std of samples [C, …], one number for all channels or one for each.
template <class Target = Tensor>
struct Normalize : TensorTransform<Target> {
  struct Numbers : std::vector<double> {
    using std::vector<double>::vector;
    Numbers(double number) : std::vector<double>{number} {}
  };
  Normalize(const Numbers& mean, const Numbers& std) : normalize(mean, std) {}
  Tensor operator()(Tensor input) override { return normalize(input.unsqueeze(0)).squeeze(0); }
  norma::data::Normalize normalize;
};
/// Samples as one batch: data and targets stacked along a new first dimension.
template <class Sample = Example<>>
struct Stack : BatchTransform<std::vector<Sample>, Sample> {
  Sample apply_batch(std::vector<Sample> samples) override {
    std::vector<Tensor> data, targets;
    for (const Sample& sample : samples) data.push_back(sample.data);
    if constexpr (requires(Sample sample) { sample.target; }) {
      for (const Sample& sample : samples) targets.push_back(sample.target);
      return {norma::stack(data), norma::stack(targets)};
    } else {
      return {norma::stack(data)};
    }
  }
};

}  // namespace transforms

namespace datasets {

template <class Set, class Transform>
class MapDataset;

/// What has `get_batch(indices)` and `size()`.
template <class Self, class Batch, class Request = ArrayRef<std::size_t>>
class BatchDataset {
 public:
  using BatchType = Batch;
  using BatchRequestType = Request;
  virtual ~BatchDataset() = default;
  virtual Batch get_batch(Request request) = 0;
  virtual std::optional<std::size_t> size() const = 0;
  template <class Transform>
  MapDataset<Self, Transform> map(Transform transform) const {
    return {static_cast<const Self&>(*this), std::move(transform)};
  }
};
/// What has `get(index)` and `size()`.
template <class Self, class Single = Example<>>
class Dataset : public BatchDataset<Self, std::vector<Single>> {
 public:
  using ExampleType = Single;
  virtual Single get(std::size_t index) = 0;
  std::vector<Single> get_batch(ArrayRef<std::size_t> indices) override {
    std::vector<Single> batch;
    for (const std::size_t index : indices) batch.push_back(get(index));
    return batch;
  }
};
/// A set with a transform behind it.
template <class Set, class Transform>
class MapDataset
    : public BatchDataset<MapDataset<Set, Transform>, typename Transform::OutputBatchType,
                          typename Set::BatchRequestType> {
 public:
  MapDataset(Set set, Transform transform)
      : set_(std::move(set)), transform_(std::move(transform)) {}
  typename Transform::OutputBatchType get_batch(typename Set::BatchRequestType indices) override {
    return transform_.apply_batch(set_.get_batch(std::move(indices)));
  }
  std::optional<std::size_t> size() const override { return set_.size(); }
  const Set& dataset() const { return set_; }

 private:
  Set set_;
  Transform transform_;
};
/// The rows of a tensor.
struct TensorDataset : Dataset<TensorDataset, TensorExample> {
  explicit TensorDataset(Tensor rows) : tensor(std::move(rows)) {}
  explicit TensorDataset(const std::vector<Tensor>& rows) : tensor(norma::stack(rows)) {}
  TensorExample get(std::size_t i) override { return tensor[static_cast<int64_t>(i)]; }
  std::optional<std::size_t> size() const override { return tensor.size(0); }
  Tensor tensor;
};
/// A set that others hold as well.
template <class Set>
class SharedBatchDataset : public BatchDataset<SharedBatchDataset<Set>, typename Set::BatchType,
                                               typename Set::BatchRequestType> {
 public:
  SharedBatchDataset(std::shared_ptr<Set> set) : set_(std::move(set)) {}
  typename Set::BatchType get_batch(typename Set::BatchRequestType request) override {
    return set_->get_batch(std::move(request));
  }
  std::optional<std::size_t> size() const override { return set_->size(); }
  Set& operator*() const { return *set_; }
  Set* operator->() const { return set_.get(); }

 private:
  std::shared_ptr<Set> set_;
};
template <class Set, class... Args>
SharedBatchDataset<Set> make_shared_dataset(Args&&... args) {
  return std::make_shared<Set>(std::forward<Args>(args)...);
}
/// The files of MNIST in a folder: images [1, 28, 28] in 0..1.
class MNIST : public Dataset<MNIST> {
 public:
  enum class Mode { kTrain, kTest };
  explicit MNIST(const std::string& root, Mode mode = Mode::kTrain)
      : train_(mode == Mode::kTrain), set_(norma::data::mnist(root, train_)) {
    set_.inputs = norma::data::convert_image_dtype(set_.inputs);
  }
  Example<> get(std::size_t index) override {
    const auto i = static_cast<int64_t>(index);
    return {set_.inputs[i], set_.targets[i]};
  }
  std::optional<std::size_t> size() const override { return set_.size(); }
  bool is_train() const { return train_; }
  const Tensor& images() const { return set_.inputs; }
  const Tensor& targets() const { return set_.targets; }

 private:
  bool train_;
  norma::data::Dataset set_;
};

}  // namespace datasets
using datasets::BatchDataset;
using datasets::Dataset;

namespace samplers {

/// Which samples come next; none at the end of an epoch.
template <class Request = std::vector<std::size_t>>
struct Sampler {
  using BatchRequestType = Request;
  virtual ~Sampler() = default;
  virtual void reset(std::optional<std::size_t> new_size) = 0;
  virtual std::optional<Request> next(std::size_t batch_size) = 0;
};
class SequentialSampler : public Sampler<> {
 public:
  explicit SequentialSampler(std::size_t size) : order_(size) { SequentialSampler::reset(); }
  void reset(std::optional<std::size_t> new_size = {}) override {
    order_.resize(new_size.value_or(order_.size()));
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    at_ = 0;
  }
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override {
    if (at_ == order_.size()) return {};
    const auto from = order_.data() + at_;
    at_ = std::min(at_ + batch_size, order_.size());
    return std::vector(from, order_.data() + at_);
  }

 protected:
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
};
/// In an order that Norma's generator draws for each epoch.
class RandomSampler : public SequentialSampler {
 public:
  using SequentialSampler::SequentialSampler;
  void reset(std::optional<std::size_t> new_size = {}) override {
    SequentialSampler::reset(new_size);
    const Tensor order = norma::randperm(static_cast<int64_t>(order_.size()));
    std::copy_n(order.data_ptr<int64_t>(), order_.size(), order_.begin());
  }
};

}  // namespace samplers

/// Batches are made by the thread that asks for them, whatever `workers` says.
struct DataLoaderOptions {
  DataLoaderOptions(std::size_t size = 1) : batch_size_(size) {}
  TORCH_ARG(std::size_t, batch_size);
  TORCH_ARG(std::size_t, workers) = 0;
  TORCH_ARG(std::optional<std::size_t>, max_jobs);
  TORCH_ARG(std::optional<std::chrono::milliseconds>, timeout);
  TORCH_ARG(bool, enforce_ordering) = true;
  TORCH_ARG(bool, drop_last) = false;
};

template <class Set, class Sampler>
class StatelessDataLoader {
 public:
  using Batch = typename Set::BatchType;
  StatelessDataLoader(Set set, Sampler sampler, const DataLoaderOptions& options)
      : set_(std::move(set)), sampler_(std::move(sampler)), options_(options) {}

  /// Goes through an epoch once.
  struct Iterator {
    Batch& operator*() const { return *batch; }
    Batch* operator->() const { return batch.get(); }
    Iterator& operator++() {
      batch = loader->next();
      return *this;
    }
    bool operator==(const Iterator& other) const { return batch == other.batch; }
    StatelessDataLoader* loader;
    std::shared_ptr<Batch> batch;
  };
  Iterator begin() {
    sampler_.reset(set_.size());
    return {this, next()};
  }
  Iterator end() { return {this, nullptr}; }
  const DataLoaderOptions& options() const { return options_; }

 private:
  std::shared_ptr<Batch> next() {
    auto indices = sampler_.next(options_.batch_size());
    if (!indices || (options_.drop_last() && indices->size() < options_.batch_size())) return {};
    return std::make_shared<Batch>(set_.get_batch(std::move(*indices)));
  }
  Set set_;
  Sampler sampler_;
  DataLoaderOptions options_;
};

template <class Set, class Sampler>
requires requires { typename Sampler::BatchRequestType; }
auto make_data_loader(Set set, Sampler sampler, const DataLoaderOptions& options = {}) {
  using Loader = StatelessDataLoader<Set, Sampler>;
  return std::make_unique<Loader>(std::move(set), std::move(sampler), options);
}
template <class Sampler = samplers::RandomSampler, class Set>
auto make_data_loader(Set set, const DataLoaderOptions& options = {}) {
  const std::size_t size = set.size().value();
  return make_data_loader(std::move(set), Sampler(size), options);
}

}  // namespace torch::data
