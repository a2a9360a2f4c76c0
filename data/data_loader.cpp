#include "norma/data/data_loader.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "norma/autograd/grad_mode.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/batch_queue.h"

namespace norma::data {

// What every epoch shares.
struct DataLoader::Source {
  explicit Source(AnyDataset any) : samples(std::move(any)), size(samples.size()) {}

  AnyDataset samples;
  int64_t size;
  DataLoaderOptions options = {};

  // How many samples an epoch visits.
  int64_t length() const {
    return options.sampler.order && options.sampler.length >= 0 ? options.sampler.length : size;
  }
  int64_t batches() const {
    const int64_t n = length(), b = options.batch_size;
    return n / b + (!options.drop_last && n % b != 0);
  }
  // How many batches may be begun before the loop takes them: more where they are small.
  int64_t ahead() const {
    const int64_t bytes = samples.source().sample_bytes();
    const int64_t count = std::min(options.batch_size, length());
    constexpr int64_t kBytes = int64_t{4} << 20;
    const int64_t fit =
        bytes == 0 ? 2 : kBytes / std::max<int64_t>(1, std::min(bytes, kBytes)) / count;
    return std::clamp<int64_t>(fit, 2, 16) + std::clamp<int64_t>(options.num_workers, 1, 256) - 1;
  }
};

namespace {

uint64_t join(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

// `count` -1: any tensor will do.
void check_rows(const Tensor& tensor, int64_t count, const char* which, std::size_t i) {
  const bool defined = tensor.defined();
  if (count == -1 && !defined) {
    fail("DataLoader", "expected ", which, " ", i, " to return a tensor, got an undefined one");
  }
  if (count == -1) return;
  if (defined && tensor.dim() >= 1 && tensor.size(0) == count) return;
  fail("DataLoader", "expected ", which, " ", i, " to return a batch of ", count, " samples, got ",
       defined ? tensor.sizes().str() : "an undefined tensor");
}

void check_batch(const Sample& tensors, int64_t count) {
  if (tensors.empty()) fail("DataLoader", "expected get_batch() to return tensors, got none");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check_rows(tensors[i], count, "get_batch(), tensor", i);
  }
}

// Numbers that can be counted up from.
void check_epoch(const char* op, int64_t epoch) {
  constexpr int64_t kMost = int64_t{1} << 62;
  if (epoch < 0) fail(op, "expected an epoch number from 0, got ", epoch);
  if (epoch > kMost) fail(op, "expected an epoch number of at most 2^62, got ", epoch);
}

template <class T>
void check_functions(const std::vector<T>& functions, const char* which) {
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (!functions[i]) {
      fail("DataLoader", "expected a function as ", which, " ", i, ", got an empty one");
    }
  }
}

}  // namespace

// One pass over the data. Batch k is a pure function of source, epoch and k.
class DataLoader::Epoch {
 public:
  Epoch(std::shared_ptr<const Source> source, std::shared_ptr<LoaderPosition> place)
      : source_(std::move(source)),
        place_(std::move(place)),
        batches_(source_->batches()),
        next_(place_->batch) {
    // Two seeds of their own, so that neither stream repeats the other or that of another epoch.
    const DataLoaderOptions& options = source_->options;
    const auto words = Generator::block(options.seed, static_cast<uint64_t>(place_->epoch));
    transform_seed_ = join(words[2], words[3]);
    if (options.sampler.replica > 0) {  // a block that no batch comes to
      const auto own = Generator::block(transform_seed_, ~uint64_t(options.sampler.replica));
      transform_seed_ = join(own[0], own[1]);
    }
    Generator generator(join(words[0], words[1]));
    if (options.sampler.order) {
      if (options.sampler.on_epoch) options.sampler.on_epoch(place_->epoch);
      order_ = checked_order(options.sampler.order(source_->size, generator));
    } else if (options.shuffle) {
      order_ = randperm(source_->size, generator);
    }
    // One batch alone would only be waited for.
    const int64_t threads = options.prefetch && batches_ - next_ > 1 ? options.num_workers : 0;
    queue_ = std::make_unique<detail::BatchQueue>([this](int64_t index) { return prepare(index); },
                                                  next_, batches_, source_->ahead(), threads);
    advance();
  }

  bool at_end() const { return at_end_; }
  Batch& current() { return current_; }

  void advance() {
    current_ = {};
    if (at_end_) return;
    at_end_ = true;  // also when the next batch fails
    if (next_ == batches_) {
      place_->batch = 0;
      ++place_->epoch;
      return;
    }
    current_ = queue_->take();
    place_->batch = ++next_;
    at_end_ = false;
  }

 private:
  Tensor checked_order(const Tensor& order) const {
    const int64_t length = source_->length();
    if (!order.defined() || order.dtype() != kInt64 || order.sizes() != Shape(length)) {
      fail("DataLoader", "expected the sampler to return int64 [", length, "], got ",
           order.defined() ? text(order.dtype(), " ", order.sizes()) : "an undefined tensor");
    }
    Tensor flat = order.contiguous();
    const auto* rows = flat.data_ptr<int64_t>();
    for (int64_t i = 0; i < length; ++i) {
      if (rows[i] < 0 || rows[i] >= source_->size) {
        fail("DataLoader", "expected the sampler to return numbers of samples, from 0 to ",
             source_->size - 1, ", got ", rows[i]);
      }
    }
    return flat;
  }

  Batch prepare(int64_t index) const {
    const NoGradGuard no_grad;
    const DataLoaderOptions& options = source_->options;
    const int64_t first = index * options.batch_size;
    const int64_t count = std::min(options.batch_size, source_->length() - first);
    std::vector<int64_t> in_order;
    const int64_t* rows = order_.defined() ? order_.data_ptr<int64_t>() + first : nullptr;
    if (!rows) {
      if (static_cast<uint64_t>(count) > in_order.max_size()) out_of_memory(0);
      in_order.resize(static_cast<std::size_t>(count));
      std::iota(in_order.begin(), in_order.end(), first);
      rows = in_order.data();
    }

    // Blocks of the stream that no other batch uses; the upper half is for what draws by default.
    const uint64_t block = static_cast<uint64_t>(index) << 32;
    const RandomStateGuard guard;
    default_generator().set_state({transform_seed_, block | uint64_t{1} << 31});
    Generator generator(transform_seed_);
    generator.set_state({transform_seed_, block});

    Batch batch = collated(rows, count);
    if (batch.inputs.dtype() == kUInt8) batch.inputs = convert_image_dtype(batch.inputs);
    transform(batch, generator, options.collate_fn ? -1 : count);
    return batch;
  }

  Batch collated(const int64_t* rows, int64_t count) const {
    const SampleSource& samples = source_->samples.source();
    const Collate& collate = source_->options.collate_fn;
    if (!collate) {
      Sample tensors = samples.get_batch(rows, count);
      check_batch(tensors, count);
      return detail::as_batch(std::move(tensors));
    }
    std::vector<Sample> chosen;
    for (int64_t i = 0; i < count; ++i) chosen.push_back(samples.get(rows[i]));
    Batch batch = collate(chosen);
    if (!batch.inputs.defined()) {
      fail("DataLoader", "expected collate_fn to return a batch, got undefined inputs");
    }
    return batch;
  }

  void transform(Batch& batch, Generator& generator, int64_t count) const {
    const DataLoaderOptions& options = source_->options;
    for (std::size_t i = 0; i < options.transforms.size(); ++i) {
      batch.inputs = options.transforms[i](batch.inputs, generator);
      check_rows(batch.inputs, count, "transform", i);
    }
    for (std::size_t i = 0; i < options.target_transforms.size(); ++i) {
      batch.targets = options.target_transforms[i](batch.targets, generator);
      check_rows(batch.targets, count, "target transform", i);
    }
    for (std::size_t i = 0; i < options.batch_transforms.size(); ++i) {
      const bool labelled = batch.targets.defined();
      options.batch_transforms[i](batch, generator);
      check_rows(batch.inputs, count, "batch transform", i);
      if (labelled) check_rows(batch.targets, count, "batch transform", i);
      for (const Tensor& other : batch.more) check_rows(other, count, "batch transform", i);
    }
  }

  const std::shared_ptr<const Source> source_;
  const std::shared_ptr<LoaderPosition> place_;  // written by the loop alone
  const int64_t batches_;
  uint64_t transform_seed_ = 0;
  Tensor order_;  // undefined: as they stand

  // For the loop alone.
  Batch current_;
  int64_t next_;  // the batch that advance() brings
  bool at_end_ = false;

  std::unique_ptr<detail::BatchQueue> queue_;  // last, so that its threads end first
};

DataLoader::DataLoader(Dataset dataset, DataLoaderOptions options) try
    : DataLoader(std::make_shared<Source>(detail::tensor_set("DataLoader", dataset)),
                 std::move(options)) {
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

DataLoader::DataLoader(AnyDataset dataset, DataLoaderOptions options) try
    : DataLoader(std::make_shared<Source>(std::move(dataset)), std::move(options)) {
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

DataLoader::DataLoader(std::shared_ptr<Source> source, DataLoaderOptions options) {
  const char* op = "DataLoader";
  if (source->size < 1) {
    const Dataset* tensors = source->samples.source().tensors();
    fail(op, "expected at least one sample, got ",
         tensors ? text("inputs ", tensors->inputs.sizes()) : "none");
  }
  if (options.batch_size < 1) {
    fail(op, "expected a batch_size of 1 or more, got ", options.batch_size);
  }
  if (options.num_workers > 1 && !detail::BatchQueue::has_threads()) {
    fail(op, "expected num_workers 0 or 1 in a build without threads (NORMA_THREADS=OFF), got ",
         options.num_workers);
  }
  if (options.num_workers < 0) {
    fail(op, "expected num_workers from 0, got ", options.num_workers);
  }
  if (options.sampler.order && options.sampler.length < 1 && options.sampler.length != -1) {
    fail(op, "expected a sampler with a length from 1, or -1 for that of the data set, got ",
         options.sampler.length);
  }
  if (options.sampler.order && options.shuffle) {
    fail(op, "expected .shuffle or .sampler, got both; data::RandomSampler() shuffles");
  }
  check_functions(options.transforms, "transform");
  check_functions(options.target_transforms, "target transform");
  check_functions(options.batch_transforms, "batch transform");
  source->options = std::move(options);
  source_ = std::move(source);
}

DataLoader::Iterator DataLoader::begin() {
  return with_memory(0, [&] {
    auto place =
        std::make_shared<LoaderPosition>(LoaderPosition{.epoch = epoch_, .batch = first_batch_});
    Iterator first(std::make_shared<Epoch>(source_, place));
    place_ = std::move(place);
    first_batch_ = 0;
    ++epoch_;
    return first;
  });
}

int64_t DataLoader::size() const { return source_->batches(); }

const Dataset& DataLoader::dataset() const {
  if (const Dataset* tensors = source_->samples.source().tensors()) return *tensors;
  fail("DataLoader::dataset",
       "expected a loader made of tensors, got one of a data set of another ",
       "kind; keep a handle on it, an AnyDataset");
}

const DataLoaderOptions& DataLoader::options() const { return source_->options; }

void DataLoader::set_epoch(int64_t epoch) {
  check_epoch("DataLoader", epoch);
  epoch_ = epoch;
  first_batch_ = 0;
  place_ = nullptr;
}

LoaderPosition DataLoader::position() const {
  LoaderPosition position =
      place_ ? *place_ : LoaderPosition{.epoch = epoch_, .batch = first_batch_};
  position.seed = source_->options.seed;
  position.samples = source_->size;
  position.batch_size = source_->options.batch_size;
  return position;
}

void DataLoader::set_position(const LoaderPosition& to) {
  const char* op = "DataLoader::set_position";
  if (to.epoch < 0 || to.batch < 0) {
    fail(op, "expected an epoch and a batch from 0, got ", to.epoch, " and ", to.batch);
  }
  check_epoch(op, to.epoch);
  if (to.batch > 0) {
    const LoaderPosition own = position();
    const auto check = [&](const char* what, const auto& mine, const auto& theirs) {
      if (mine != theirs) {
        fail(op, "expected the place in an epoch of a loader with ", what, " ", mine,
             ", got one with ", theirs,
             "; make the loader as it was, or go to the beginning of epoch ", to.epoch,
             " with set_epoch()");
      }
    };
    check("the seed", own.seed, to.seed);
    if (to.samples != 0) check("a number of samples of", own.samples, to.samples);
    if (to.batch_size != 0) check("a batch_size of", own.batch_size, to.batch_size);
    if (to.batch > size()) {
      fail(op, "expected a batch from 0 to ", size(), ", got ", to.batch,
           "; is drop_last the same?");
    }
  }
  epoch_ = to.epoch;
  first_batch_ = to.batch;
  place_ = nullptr;
}

Batch& DataLoader::Iterator::operator*() const { return epoch_->current(); }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  with_memory(0, [&] { epoch_->advance(); });
  return *this;
}

bool DataLoader::Iterator::operator==(std::default_sentinel_t) const { return epoch_->at_end(); }

}  // namespace norma::data
