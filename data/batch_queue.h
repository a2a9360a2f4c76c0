// Batches prepared by other threads, handed out in order. For DataLoader.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "norma/data/dataset.h"

namespace norma::data::detail {

/// Prepares the batches first, …, last - 1 on at most `threads` threads, at most `ahead` of them
/// before they are taken. Where no thread can be had, and in a forked child, `take` prepares.
class BatchQueue {
 public:
  using Prepare = std::function<Batch(int64_t index)>;

  BatchQueue(Prepare prepare, int64_t first, int64_t last, int64_t ahead, int64_t threads);
  /// Waits for the threads, whose batches nobody takes.
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  /// Whether this build has threads at all.
  static bool has_threads();
  /// The next batch, or the exception that its preparation threw; after one there are no others.
  Batch take();

 private:
  struct Shared;
  bool left_in_parent();
  static void work(Shared& shared);

  const Prepare prepare_;
  int64_t next_;
  std::unique_ptr<Shared> shared_;  // null: without threads
};

}  // namespace norma::data::detail
