// Batches for a training loop.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "norma/data/dataset.h"
#include "norma/data/transforms.h"

namespace norma::data {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;    ///< a new order in every epoch
  bool drop_last = false;  ///< leave out a last batch that would be smaller than the others
  uint64_t seed = 0;       ///< of the order and of the transforms
  std::vector<Transform> transforms = {};  ///< applied to the inputs of each batch, in this order
  bool prefetch = true;                    ///< prepare the next batches on another thread
};

struct Batch {
  Tensor inputs;
  Tensor targets;
};

/// Cuts a data set into batches:
///
///     data::DataLoader loader(data::mnist(dir), {.batch_size = 64, .shuffle = true,
///                                                .transforms = {data::Normalize({0.1307},
///                                                {0.3081})}});
///     for (int epoch = 0; epoch < 3; ++epoch) {
///       for (auto [x, y] : loader) train_on(x, y);
///     }
///
/// Every batch is a fresh pair of tensors. kUInt8 inputs become kFloat32 in 0..1 (divided by 255)
/// before the transforms; other dtypes stay (convert kUInt8 data that are no images beforehand).
///
/// Each `begin()` starts a new epoch. Order and random transforms depend only on the seed, the
/// number of the epoch and that of the batch: not on `prefetch`, threads or other random numbers.
/// To go on with a training as if it had never stopped, save `epoch()` after an epoch and give it
/// to `set_epoch()`.
///
/// An error in the preparation of a batch, on whichever thread, is thrown where the loop asks for
/// that batch. A loop may be left at any time. The loader may be destroyed while a loop runs.
class DataLoader {
 public:
  /// Refuses an empty data set, inputs and targets of different lengths, and a batch size below 1.
  explicit DataLoader(Dataset dataset, DataLoaderOptions options = {});

  class Iterator;
  /// Starts the epoch `epoch()` and counts it.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  /// Batches per epoch: N / batch_size, rounded up, or down with `drop_last`.
  int64_t size() const;
  const Dataset& dataset() const;
  const DataLoaderOptions& options() const;

  /// The number of the epoch that the next loop runs, from 0.
  int64_t epoch() const { return epoch_; }
  void set_epoch(int64_t epoch);

 private:
  struct Source;
  class Epoch;
  std::shared_ptr<const Source> source_;
  int64_t epoch_ = 0;
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
