#include "norma/data/data_loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "norma/autograd/grad_mode.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma::data {

// What every epoch shares.
struct DataLoader::Source {
  Dataset dataset;  // contiguous
  DataLoaderOptions options;

  int64_t batches() const {
    const int64_t n = dataset.size(), b = options.batch_size;
    return n / b + (!options.drop_last && n % b != 0);
  }
};

namespace {

// How many finished batches may wait for the loop: more where they are small, so that the worker is
// woken less often.
std::size_t queue_length(const Dataset& data, int64_t batch_size) {
  const int64_t per_sample = 4 * (data.inputs.numel() / data.size()) + 1;
  const int64_t samples = std::min(batch_size, data.size());
  return static_cast<std::size_t>(
      std::clamp<int64_t>((int64_t{4} << 20) / (per_sample * samples), 2, 16));
}

// Rows order[0], …, order[count - 1] of `from`, or the rows from `first` where there is no order.
Tensor take_rows(const Tensor& from, const int64_t* order, int64_t first, int64_t count) {
  Shape sizes = from.sizes();
  sizes[0] = count;
  Tensor out = new_tensor(sizes, from.dtype());
  const auto bytes =
      static_cast<std::size_t>(from.numel() / from.size(0) * item_size(from.dtype()));
  const auto* source = static_cast<const char*>(from.raw_data());
  auto* target = static_cast<char*>(out.raw_data());
  for (int64_t i = 0; i < count; ++i, target += bytes) {
    const int64_t row = order ? order[first + i] : first + i;
    std::memcpy(target, source + static_cast<std::size_t>(row) * bytes, bytes);
  }
  return out;
}

uint64_t join(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

}  // namespace

// One pass over the data. Batch k is a pure function of source, epoch and k.
class DataLoader::Epoch {
 public:
  Epoch(std::shared_ptr<const Source> source, int64_t number)
      : source_(std::move(source)),
        batches_(source_->batches()),
        queue_length_(queue_length(source_->dataset, source_->options.batch_size)) {
    // Two seeds of their own, so that neither stream repeats the other or that of another epoch.
    const auto words = Generator::block(source_->options.seed, static_cast<uint64_t>(number));
    transform_seed_ = join(words[2], words[3]);
    if (source_->options.shuffle) {
      Generator generator(join(words[0], words[1]));
      order_ = randperm(source_->dataset.size(), generator);
    }
    if (source_->options.prefetch && batches_ > 1) start();
    try {
      advance();
    } catch (...) {  // the destructor of a half-made object never runs
      stop();
      throw;
    }
  }

  ~Epoch() { stop(); }

  bool at_end() const { return at_end_; }
  Batch& current() { return current_; }

  void advance() {
    current_ = {};
    at_end_ = true;  // also when the next batch fails
    if (next_ == batches_) return;
    current_ = worker_ && !left_in_parent() ? take() : prepare(next_);
    ++next_;
    at_end_ = false;
  }

 private:
  Batch prepare(int64_t index) const {
    const NoGradGuard no_grad;
    const DataLoaderOptions& options = source_->options;
    const Dataset& data = source_->dataset;
    const int64_t first = index * options.batch_size;
    const int64_t count = std::min(options.batch_size, data.size() - first);
    const int64_t* order = order_.defined() ? order_.data_ptr<int64_t>() : nullptr;

    Batch batch{take_rows(data.inputs, order, first, count),
                take_rows(data.targets, order, first, count)};
    if (batch.inputs.dtype() == kUInt8) batch.inputs = convert_image_dtype(batch.inputs);
    Generator generator(transform_seed_);
    generator.set_state({transform_seed_, static_cast<uint64_t>(index) << 32});
    for (std::size_t i = 0; i < options.transforms.size(); ++i) {
      batch.inputs = options.transforms[i](batch.inputs, generator);
      const bool defined = batch.inputs.defined();
      if (!defined || batch.inputs.dim() < 1 || batch.inputs.size(0) != count) {
        fail("DataLoader", "expected transform ", i, " to return a batch of ", count,
             " samples, got ", defined ? batch.inputs.sizes().str() : "an undefined tensor");
      }
    }
    return batch;
  }

  // A thread that prepares batches, and what it shares with the loop, under the mutex.
  struct Worker {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Batch> ready;
    std::exception_ptr error;
    bool stopped = false;
    const uint32_t forks = fork_count();
    std::thread thread;
    Worker* left = nullptr;
  };

  void start() {
    worker_ = std::make_unique<Worker>();
    try {
      worker_->thread = std::thread([this] { work(*worker_); });
    } catch (const std::exception&) {
      worker_.reset();  // no thread could be started: the loop prepares its batches itself
    }
  }

  /// Whether this process is a fork of the one that has the thread. Then nothing here may be
  /// touched any more, not even to destroy it: the thread may have held the mutex.
  bool left_in_parent() {
    if (worker_->forks == fork_count()) return false;
    static std::atomic<Worker*> all_left{nullptr};  // known to searches for leaks
    worker_->left = all_left.exchange(worker_.get());
    static_cast<void>(worker_.release());
    return true;
  }

  void work(Worker& own) const {
    for (int64_t index = 0; index < batches_; ++index) {
      Batch batch;
      std::exception_ptr error;
      try {
        batch = prepare(index);
      } catch (...) {
        error = std::current_exception();
      }
      std::unique_lock lock(own.mutex);
      if (own.ready.size() == queue_length_) {
        own.changed.wait(lock,
                         [&] { return own.stopped || own.ready.size() <= queue_length_ / 2; });
      }
      if (own.stopped) return;
      if (error) {
        own.error = error;
      } else {
        own.ready.push_back(std::move(batch));
      }
      lock.unlock();
      own.changed.notify_one();
      if (error) return;
    }
  }

  Batch take() {
    std::unique_lock lock(worker_->mutex);
    worker_->changed.wait(lock, [this] { return !worker_->ready.empty() || worker_->error; });
    if (worker_->ready.empty()) {
      next_ = batches_;
      std::rethrow_exception(worker_->error);
    }
    Batch batch = std::move(worker_->ready.front());
    worker_->ready.pop_front();
    const bool low = worker_->ready.size() == queue_length_ / 2;
    lock.unlock();
    if (low) worker_->changed.notify_one();
    return batch;
  }

  void stop() {
    if (!worker_ || left_in_parent()) return;
    {
      const std::lock_guard lock(worker_->mutex);
      worker_->stopped = true;
    }
    worker_->changed.notify_one();
    worker_->thread.join();
  }

  const std::shared_ptr<const Source> source_;
  const int64_t batches_;
  const std::size_t queue_length_;
  uint64_t transform_seed_ = 0;
  Tensor order_;

  // For the loop alone.
  Batch current_;
  int64_t next_ = 0;  // the batch that advance() brings
  bool at_end_ = false;

  std::unique_ptr<Worker> worker_;  // last, so that all it uses exists before it starts
};

DataLoader::DataLoader(Dataset dataset, DataLoaderOptions options) {
  const char* op = "DataLoader";
  if (!dataset.inputs.defined() || !dataset.targets.defined()) {
    fail(op, "expected inputs and targets, got an undefined tensor");
  }
  const Shape &inputs = dataset.inputs.sizes(), &targets = dataset.targets.sizes();
  if (inputs.empty() || targets.empty() || inputs[0] != targets[0]) {
    fail(op, "expected one target per input along the first dimension, got inputs ", inputs,
         " and targets ", targets);
  }
  if (inputs[0] == 0) fail(op, "expected at least one sample, got inputs ", inputs);
  if (options.batch_size < 1) {
    fail(op, "expected a batch_size of 1 or more, got ", options.batch_size);
  }
  for (std::size_t i = 0; i < options.transforms.size(); ++i) {
    if (!options.transforms[i]) {
      fail(op, "expected a function as transform ", i, ", got an empty one");
    }
  }
  dataset = {dataset.inputs.detach().contiguous(), dataset.targets.detach().contiguous()};
  source_ = std::make_shared<Source>(Source{std::move(dataset), std::move(options)});
}

DataLoader::Iterator DataLoader::begin() {
  Iterator first(std::make_shared<Epoch>(source_, epoch_));
  ++epoch_;
  return first;
}

int64_t DataLoader::size() const { return source_->batches(); }

const Dataset& DataLoader::dataset() const { return source_->dataset; }

const DataLoaderOptions& DataLoader::options() const { return source_->options; }

void DataLoader::set_epoch(int64_t epoch) {
  if (epoch < 0) {
    fail("DataLoader", "expected an epoch number from 0, got ", epoch);
  }
  epoch_ = epoch;
}

Batch& DataLoader::Iterator::operator*() const { return epoch_->current(); }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  epoch_->advance();
  return *this;
}

bool DataLoader::Iterator::operator==(std::default_sentinel_t) const { return epoch_->at_end(); }

}  // namespace norma::data
