#include "norma/data/batch_queue.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "norma/core/threads.h"

namespace norma::data::detail {

// What the threads share with the loop, under the mutex.
struct BatchQueue::Shared {
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };

  Shared(const Prepare& prepare_batch, int64_t first, int64_t end, int64_t ahead)
      : prepare(prepare_batch), claimed(first), taken(first), last(end) {
    slots.resize(static_cast<std::size_t>(ahead));
  }

  Slot& slot(int64_t index) { return slots[static_cast<std::size_t>(index) % slots.size()]; }
  int64_t outstanding() const { return claimed - taken; }
  int64_t most() const { return static_cast<int64_t>(slots.size()); }
  // Up to how many a thread that waits goes on waiting: one alone is woken less often.
  int64_t low() const { return threads.size() > 1 ? most() - 1 : most() / 2; }

  const Prepare prepare;
  std::mutex mutex;
  std::condition_variable ready, room;
  int64_t claimed, taken, last;  // batches begun, handed out, and to prepare at all
  std::vector<Slot> slots;       // batch i in slot i modulo their number
  bool stopped = false;
  const uint32_t forks = fork_count();
  std::vector<std::thread> threads;
  Shared* left = nullptr;
};

bool BatchQueue::has_threads() { return true; }

BatchQueue::BatchQueue(Prepare prepare, int64_t first, int64_t last, int64_t ahead, int64_t threads)
    : prepare_(std::move(prepare)), next_(first) {
  threads = std::min({threads, last - first, ahead});
  if (threads < 1) return;
  shared_ = std::make_unique<Shared>(prepare_, first, last, ahead);
  // The threads read how many they are: none begins before all are there.
  const std::lock_guard lock(shared_->mutex);
  try {
    while (static_cast<int64_t>(shared_->threads.size()) < threads) {
      shared_->threads.emplace_back([shared = shared_.get()] { work(*shared); });
    }
  } catch (const std::exception&) {  // those that could be had do the work
  }
}

BatchQueue::~BatchQueue() {
  if (!shared_ || left_in_parent()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
  }
  shared_->room.notify_all();
  for (std::thread& thread : shared_->threads) thread.join();
}

// Whether this process is a fork of the one that has the threads. Then nothing they share may be
// touched any more, not even to destroy it: one of them may have held the mutex.
bool BatchQueue::left_in_parent() {
  if (shared_->forks == fork_count()) return false;
  static std::atomic<Shared*> all_left{nullptr};  // known to searches for leaks
  shared_->left = all_left.exchange(shared_.get());
  static_cast<void>(shared_.release());
  return true;
}

void BatchQueue::work(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  for (;;) {
    if (shared.outstanding() == shared.most()) {
      shared.room.wait(lock,
                       [&] { return shared.stopped || shared.outstanding() <= shared.low(); });
    }
    if (shared.stopped || shared.claimed == shared.last) return;
    const int64_t index = shared.claimed++;
    lock.unlock();
    Batch batch;
    std::exception_ptr error;
    try {
      batch = shared.prepare(index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    Shared::Slot& slot = shared.slot(index);
    slot.batch = std::move(batch);
    slot.error = error;
    slot.ready = true;
    if (error) shared.last = std::min(shared.last, shared.claimed);  // no others are begun
    shared.ready.notify_one();
  }
}

Batch BatchQueue::take() {
  const int64_t index = next_++;
  if (!shared_ || shared_->threads.empty() || left_in_parent()) return prepare_(index);
  std::unique_lock lock(shared_->mutex);
  Shared::Slot& slot = shared_->slot(index);
  shared_->ready.wait(lock, [&] { return slot.ready; });
  slot.ready = false;
  ++shared_->taken;
  const int64_t rest = shared_->outstanding(), low = shared_->low();
  const bool wake = rest == low || (rest < low && shared_->threads.size() > 1);
  if (slot.error) std::rethrow_exception(std::exchange(slot.error, nullptr));
  Batch batch = std::move(slot.batch);
  lock.unlock();
  if (wake) shared_->room.notify_one();
  return batch;
}

}  // namespace norma::data::detail
