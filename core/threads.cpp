#include "norma/core/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/parts.h"
#include "norma/core/platform/fork.h"
#include "norma/core/platform/processor.h"
#include "norma/core/platform/processors.h"
#include "norma/core/sanitizer.h"

namespace norma {

namespace {

using detail::kMaxThreads, detail::run_part;

int parse_thread_count(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 1 || value > kMaxThreads) {
    fail("set_num_threads", "expected NORMA_NUM_THREADS to be a number from 1 to 1024, got ",
         in_quotes(text));
  }
  return static_cast<int>(value);
}

int processor_count() { return std::min(platform::usable_processors(), kMaxThreads); }

int default_thread_count() {
  if (const char* text = std::getenv("NORMA_NUM_THREADS")) return parse_thread_count(text);
  return processor_count();
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_thread_count()};
  return count;
}

/// Waits without sleeping until `done()` or for some time: the loops of a network follow each other
/// within microseconds, and waking a thread takes longer than many of them.
template <class Done>
bool spin_until(Done done) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPatience = std::chrono::microseconds(50);
  constexpr int kLooks = 32;  // before the clock is asked again
  const Clock::time_point start = Clock::now();
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (done()) return true;
      platform::pause_briefly();
    }
  } while (Clock::now() - start < kPatience);
  return done();
}

thread_local bool inside_parallel = false;

// While a thread of the pool lives, dlclose() does not unload the library that Norma is part of.
struct ThreadOfPool {
  ThreadOfPool() { inside_parallel = true; }
  ~ThreadOfPool() { inside_parallel = false; }
};

// One job at a time. Its parts are claimed through `ticket_`, which holds the job's number, its
// parts and the next one to take, so that a worker that wakes late cannot take a part of another
// job.
//
// Never destroyed: static objects and threads that outlive main may still compute. A forked child
// has none of the threads, and gets a new pool.
class Pool {
 public:
  explicit Pool(Pool* of_parent = nullptr) : of_parent_(of_parent) {}

  void run(int64_t count, int parts, detail::RangeFunction function, void* context) {
    // A nested call runs inline, as does one while another thread has the pool.
    std::unique_lock<std::mutex> lock(busy_, std::defer_lock);
    if (inside_parallel || !lock.try_lock()) {
      detail::run_parts(count, parts, function, context);
      return;
    }
    ensure_workers(std::min(parts, get_num_threads()) - 1);
    count_ = count;
    function_ = function;
    context_ = context;
    float_mode_ = platform::float_mode();
    error_ = nullptr;
    pending_.store(parts, std::memory_order_relaxed);
    const uint64_t job = ((ticket_.load(std::memory_order_relaxed) >> 32) + 1) << 32;
    tell_release(&ticket_);
    // The first part is the caller's, whose cache holds what the loop before left.
    ticket_.store(job | static_cast<uint64_t>(parts) << 16 | 1, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();

    inside_parallel = true;
    take(parts, 0);
    work();
    inside_parallel = false;
    const auto finished = [this] { return pending_.load(std::memory_order_acquire) == 0; };
    if (!spinning_ || !spin_until(finished)) {
      while (!finished()) std::this_thread::yield();
    }
    tell_acquire(&pending_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void resize() {
    std::lock_guard<std::mutex> lock(busy_);
    stop();
  }

 private:
  void ensure_workers(int wanted) {
    wanted = std::min(wanted, most_workers_);
    if (static_cast<int>(workers_.size()) >= wanted) return;
    // More threads than processors would keep each other from working.
    spinning_ = wanted < processor_count();
    try {
      while (static_cast<int>(workers_.size()) < wanted) {
        workers_.emplace_back([this, seen = epoch_.load()] { worker(seen); });
      }
    } catch (const std::exception&) {  // no more to be had: those there are do all parts
      most_workers_ = static_cast<int>(workers_.size());
    }
    // Those that have not begun do not keep the library yet. But while a library is loaded, which
    // runs its static objects, no thread begins.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    while (begun_.load(std::memory_order_acquire) < static_cast<int>(workers_.size()) &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::yield();
    }
  }

  void worker(uint32_t seen) {
    static thread_local const ThreadOfPool keeps_library;
    begun_.fetch_add(1, std::memory_order_release);
    for (;;) {
      const auto called = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
      if (!spinning_ || !spin_until(called)) epoch_.wait(seen, std::memory_order_acquire);
      if (!called()) continue;
      seen = epoch_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_acquire)) return;
      work();
    }
  }

  void work() {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    for (;;) {
      const int next = static_cast<int>(ticket & 0xffff);
      const int parts = static_cast<int>(ticket >> 16 & 0xffff);
      if (next >= parts) return;
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      tell_acquire(&ticket_);
      if (platform::float_mode() != float_mode_) platform::set_float_mode(float_mode_);
      take(parts, next);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void take(int parts, int part) {
    try {
      run_part(count_, parts, part, function_, context_);
    } catch (...) {
      std::lock_guard<std::mutex> lock(error_lock_);
      if (!error_) error_ = std::current_exception();
    }
    tell_release(&pending_);
    pending_.fetch_sub(1, std::memory_order_acq_rel);
  }

  void stop() {
    stopping_.store(true, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    begun_ = 0;
    most_workers_ = kMaxThreads;
    stopping_.store(false, std::memory_order_release);
  }

  [[maybe_unused]] Pool* const of_parent_;  // keeps it known to searches for leaks
  std::mutex busy_, error_lock_;
  std::vector<std::thread> workers_;
  int most_workers_ = kMaxThreads;  // that the system gave when it was last asked
  std::atomic<uint32_t> epoch_{0};
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int> pending_{0}, begun_{0};  // parts not yet done; threads at work
  std::atomic<bool> stopping_{false}, spinning_{false};
  int64_t count_ = 0;
  detail::RangeFunction function_ = nullptr;
  void* context_ = nullptr;
  platform::FloatMode float_mode_ = 0;  // the caller's
  std::exception_ptr error_;
};

constinit std::atomic<Pool*> current_pool{nullptr};
constinit std::atomic<uint32_t> forks{0};

[[gnu::constructor(101)]] void make_pool_at_fork() {
  platform::at_fork(nullptr, nullptr, [] {
    forks.fetch_add(1, std::memory_order_relaxed);
    if (Pool* parents = current_pool.load()) current_pool = new Pool(parents);
  });
}

Pool& pool() {
  Pool* found = current_pool.load(std::memory_order_acquire);
  if (!found) {
    auto fresh = std::make_unique<Pool>();
    tell_release(&current_pool);
    if (current_pool.compare_exchange_strong(found, fresh.get())) found = fresh.release();
  }
  tell_acquire(&current_pool);
  return *found;
}

}  // namespace

void set_num_threads(int count) {
  detail::check_thread_count(count);
  if (inside_parallel)
    fail("set_num_threads", "expected a call from outside a parallel loop, got one from within");
  if (thread_count().exchange(count) != count) pool().resize();
}

uint32_t fork_count() { return forks.load(std::memory_order_relaxed); }

int get_num_threads() { return thread_count().load(std::memory_order_relaxed); }

void detail::run_parallel(int64_t count, int parts, RangeFunction function, void* context) {
  pool().run(count, parts, function, context);
}

}  // namespace norma
