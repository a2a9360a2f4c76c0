// Batches for a training loop.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "norma/data/dataset.h"
#include "norma/data/sampler.h"
#include "norma/data/transforms.h"
#include "norma/io/loader_position.h"

namespace norma::data {

/// A step that changes several tensors of a batch alike, such as an image and its mask; it keeps
/// the number of samples, and takes its random numbers from `generator`.
using BatchTransform = std::function<void(Batch& batch, Generator& generator)>;

/// Makes a batch of samples: texts of different lengths padded to the longest, say. Several threads
/// may call it at once.
using Collate = std::function<Batch(const std::vector<Sample>& samples)>;

struct DataLoaderOptions {
  int64_t batch_size = 1;  ///< samples in a batch
  bool shuffle = false;    ///< a new order in every epoch
  bool drop_last = false;  ///< leave out a last batch that would be smaller than the others
  uint64_t seed = 0;       ///< of the order and of the transforms
  std::vector<Transform> transforms = {};  ///< applied to the inputs of each batch, in this order
  std::vector<Transform> target_transforms = {};      ///< then to the targets
  std::vector<BatchTransform> batch_transforms = {};  ///< then to the batch
  Sampler sampler = {};     ///< which samples, in which order; instead of `shuffle`
  Collate collate_fn = {};  ///< instead of `default_collate`, before the transforms
  bool prefetch = true;     ///< prepare the next batches on other threads
  int64_t num_workers = 1;  ///< how many threads; 0: none. With two, transforms run side by side
};

/// Cuts a data set into batches:
/// ```cpp
/// data::DataLoader loader(
///     data::mnist(dir),
///     {.batch_size = 64, .shuffle = true, .transforms = {data::Normalize({0.1307}, {0.3081})}});
/// for (int epoch = 0; epoch < 3; ++epoch) {
///   for (auto [x, y] : loader) train_on(x, y);
/// }
/// ```
/// Every batch is fresh tensors, unless a `collate_fn` gives those of the set. kUInt8 inputs become
/// kFloat32 in 0..1 (divided by 255) before the transforms; other dtypes stay (convert kUInt8 data
/// that are no images beforehand). Every step must keep the number of samples, the first size of
/// all tensors, unless there is a `collate_fn`: it may give its tensors any sizes.
///
/// Each `begin()` starts a new epoch. Order and random transforms depend only on the seed, the
/// number of the epoch and that of the batch: not on `prefetch`, threads or other random numbers.
/// To go on with a training as if it had never stopped, save `position()` and give it to
/// `set_position()`, of a loader made as this one was. Do so within the loop: behind one that was
/// left early, `position()` is still within its epoch, where a training that is taken up goes on,
/// while the next loop here begins another. Where that is meant, call `set_epoch(epoch())` first.
///
/// An error in the preparation of a batch, on whichever thread, is thrown where the loop asks for
/// that batch. A loop may be left at any time. The loader may be destroyed while a loop runs.
class DataLoader {
 public:
  /// Refuses an empty data set, inputs and targets of different lengths, a batch size below 1,
  /// num_workers below 0 (or above 1 in a build without threads, where whoever asks for a batch
  /// prepares it), an empty function, a sampler of no samples, and `shuffle` beside one.
  explicit DataLoader(Dataset dataset, DataLoaderOptions options = {});
  explicit DataLoader(AnyDataset dataset, DataLoaderOptions options = {});

  class Iterator;
  /// Starts the epoch `epoch()` and counts it.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }  ///< behind the epoch's last batch

  /// Batches per epoch: N / batch_size, rounded up, or down with `drop_last`.
  int64_t size() const;
  /// The tensors it was made of; refused where they are a data set of another kind.
  const Dataset& dataset() const;
  /// What the constructor was given.
  const DataLoaderOptions& options() const;

  /// The number of the epoch that the next loop runs, from 0.
  int64_t epoch() const { return epoch_; }
  void set_epoch(int64_t epoch);  ///< from 0 to 2^62; refuses others

  /// The place behind the batches that were handed out, those prepared in advance not counted, in
  /// the loop that began last.
  LoaderPosition position() const;
  /// The next loop gets the batches that follow this place in its epoch, with the same bits as if
  /// there had been no break. Refuses the middle of an epoch of a loader with another seed, batch
  /// size or number of samples, and places that no epoch has.
  void set_position(const LoaderPosition& position);

 private:
  struct Source;
  class Epoch;
  DataLoader(std::shared_ptr<Source> source, DataLoaderOptions options);
  std::shared_ptr<const Source> source_;
  int64_t epoch_ = 0, first_batch_ = 0;    // of the next loop
  std::shared_ptr<LoaderPosition> place_;  // of the loop that began last, or null
};

/// A running epoch; copies share it.
class DataLoader::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using pointer = Batch*;
  using reference = Batch&;

  Batch& operator*() const;
  Batch* operator->() const { return &**this; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const;

 private:
  friend class DataLoader;
  explicit Iterator(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) {}
  std::shared_ptr<Epoch> epoch_;
};

}  // namespace norma::data
