#include "norma/core/storage.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

#include "norma/core/draws.h"
#include "norma/core/memory.h"
#include "norma/core/platform/fork.h"
#include "norma/core/platform/memory.h"
#include "norma/core/sanitizer.h"

namespace norma {

namespace {

std::atomic<int64_t> asked_system{0};

// Caching would hide use-after-free from AddressSanitizer.
#ifdef NORMA_SANITIZE
constexpr bool kCache = false;
#else
constexpr bool kCache = true;
#endif

// --- Blocks for tensor data: one free list per size class and thread, one more for all ---

constexpr std::size_t kAlignment = platform::kBlockAlignment;

/// Classes in steps of an eighth of a power of two: at most 12.5 % of a large block is unused.
int size_class(std::size_t bytes) {
  const std::size_t units = (bytes + kAlignment - 1) / kAlignment;
  if (units <= 16) return static_cast<int>(units);
  const int log = static_cast<int>(std::bit_width(units - 1)) - 1;
  const std::size_t step = std::size_t{1} << (log - 3);
  return 17 + (log - 4) * 8 + static_cast<int>((units - 1 - (std::size_t{1} << log)) / step);
}

std::size_t class_bytes(int index) {
  if (index <= 16) return static_cast<std::size_t>(index) * kAlignment;
  const int log = (index - 17) / 8 + 4;
  const std::size_t step = std::size_t{1} << (log - 3);
  return ((std::size_t{1} << log) + (static_cast<std::size_t>((index - 17) % 8) + 1) * step) *
         kAlignment;
}

constexpr int kClasses = 17 + 8 * 54;

class SpinLock {
 public:
  void lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) {
      while (flag_.test(std::memory_order_relaxed)) {
      }
    }
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_;
};

struct FreeBlock {
  FreeBlock* next;
};

/// Large blocks are pages by themselves.
constexpr std::size_t kLarge = 2 << 20;
bool is_mapped(std::size_t size) { return kCache && size >= kLarge; }

void* from_system(std::size_t size) {
  return is_mapped(size) ? platform::map_pages(size) : platform::aligned_block(size);
}

void to_system(void* block, std::size_t size) {
  if (is_mapped(size)) {
    platform::unmap_pages(block, size);
  } else {
    platform::free_aligned_block(block);
  }
}

struct BlockCache {
  SpinLock lock;
  std::array<FreeBlock*, kClasses> lists{};
  int64_t kept_bytes = 0;  // of the blocks in the lists

  /// Takes a chain of blocks.
  void put(FreeBlock* first, int index) {
    FreeBlock* last = first;
    int64_t bytes = 0;
    for (FreeBlock* block = first; block; block = block->next) {
      tell_release(last = block);
      bytes += static_cast<int64_t>(class_bytes(index));
    }
    const std::lock_guard guard(lock);
    last->next = std::exchange(lists[static_cast<std::size_t>(index)], first);
    kept_bytes += bytes;
  }
};
// Without construction and destruction: static objects hold tensors, too.
constinit BlockCache cache;
alignas(kAlignment) constinit std::atomic<int64_t> live_bytes{0};  // of all storages

// The blocks that a thread freed last are its next ones: two that compute side by side would hand
// theirs to each other, and with them what the caches of their processors hold.
constexpr int kOwnClasses = 81;  // up to 256 KiB
constexpr std::size_t kOwnBytes = 1 << 20;
struct OwnBlocks {
  std::array<FreeBlock*, kOwnClasses> lists{};
  std::size_t bytes = 0;
  bool closed = false;

  void give_up() {
    for (int index = 0; index < kOwnClasses; ++index) {
      FreeBlock* const first = std::exchange(lists[static_cast<std::size_t>(index)], nullptr);
      if (first) cache.put(first, index);
    }
    bytes = 0;
  }
};
// Trivially destructible, as `small_lists` below.
thread_local OwnBlocks own_blocks;
struct OwnBlocksGuard {
  ~OwnBlocksGuard() {
    own_blocks.closed = true;
    own_blocks.give_up();
  }
  void touch() {}
};
thread_local OwnBlocksGuard own_blocks_guard;
constinit SpinLock prepared_lock;  // taken before the cache's

void lock_all() {
  prepared_lock.lock();
  cache.lock.lock();
}
void unlock_all() {
  cache.lock.unlock();
  prepared_lock.unlock();
}

// A fork in the middle of a change would leave the child a lock that nobody opens. Before other
// static objects, whose own handlers run outside of these then.
[[gnu::constructor(101)]] void lock_cache_at_fork() {
  platform::at_fork(lock_all, unlock_all, unlock_all);
}

void count_live(int64_t bytes) { live_bytes.fetch_add(bytes, std::memory_order_relaxed); }

/// A block of the system's for `bytes`; what the cache keeps is given back before it gives up.
template <class Ask>
[[gnu::noinline, gnu::cold]] void* ask_system(std::size_t bytes, Ask ask) {
  asked_system.fetch_add(1, std::memory_order_relaxed);
  keep_reserve();
  void* block = ask();
  if (!block && cached_bytes() > 0) {
    empty_cache();
    block = ask();
  }
  if (!block) out_of_memory(static_cast<int64_t>(bytes));
  return block;
}

/// Takes a block for `bytes` that count as live.
void* allocate_block(std::size_t bytes) {
  const int index = size_class(std::max<std::size_t>(bytes, 1));
  const std::size_t size = class_bytes(index);
  if (OwnBlocks& own = own_blocks; index < kOwnClasses) {
    FreeBlock*& head = own.lists[static_cast<std::size_t>(index)];
    if (FreeBlock* const block = head) {
      head = block->next;
      own.bytes -= size;
      count_live(static_cast<int64_t>(bytes));
      return block;
    }
  }
  {
    const std::lock_guard guard(cache.lock);
    FreeBlock*& head = cache.lists[static_cast<std::size_t>(index)];
    if (FreeBlock* const block = head) {
      head = block->next;
      cache.kept_bytes -= static_cast<int64_t>(size);
      count_live(static_cast<int64_t>(bytes));
      tell_acquire(block);
      return block;
    }
  }
  void* const block = ask_system(bytes, [size] { return from_system(size); });
  count_live(static_cast<int64_t>(bytes));
  return block;
}

void free_block(void* data, std::size_t bytes) noexcept {
  count_live(-static_cast<int64_t>(bytes));
  if (!kCache) return platform::free_aligned_block(data);
  const int index = size_class(std::max<std::size_t>(bytes, 1));
  const std::size_t size = class_bytes(index);
  auto* const block = static_cast<FreeBlock*>(data);
  OwnBlocks& own = own_blocks;
  if (index >= kOwnClasses || own.closed) {
    block->next = nullptr;
    return cache.put(block, index);
  }
  if (own.bytes + size > kOwnBytes) own.give_up();  // the last ones stay, not the first
  if (own.bytes == 0) own_blocks_guard.touch();
  FreeBlock*& head = own.lists[static_cast<std::size_t>(index)];
  block->next = std::exchange(head, block);
  own.bytes += size;
}

// --- Small objects (tensors' descriptions, nodes): per-thread free lists ---

constexpr std::size_t kSmallStep = 32;
constexpr std::size_t kSmallClasses = 32;  // up to 1 KiB
constexpr int kSmallKeep = 4096;           // per class and thread; the rest goes back to the system

struct SmallLists {
  std::array<FreeBlock*, kSmallClasses + 1> heads{};
  std::array<int, kSmallClasses + 1> counts{};
  bool closed = false;
};
// Trivially destructible, so that frees after the thread's end still find it; the guard empties it.
thread_local SmallLists small_lists;
struct SmallListsGuard {
  ~SmallListsGuard() {
    small_lists.closed = true;
    for (FreeBlock*& head : small_lists.heads) {
      while (head) std::free(std::exchange(head, head->next));
    }
  }
  void touch() {}
};
thread_local SmallListsGuard small_lists_guard;

}  // namespace

RefCounted::~RefCounted() = default;

void RefCounted::release() const {
  // The only owner needs no atomic step: there is nobody else who could add one.
  if (use_count() == 1 || count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void* RefCounted::operator new(std::size_t size) {
  const std::size_t index = (size + kSmallStep - 1) / kSmallStep;
  if (kCache && index <= kSmallClasses) {
    SmallLists& lists = small_lists;
    if (FreeBlock* block = lists.heads[index]) {
      lists.heads[index] = block->next;
      --lists.counts[index];
      return block;
    }
  }
  return ask_system(size, [index] { return std::malloc(index * kSmallStep); });
}

void RefCounted::operator delete(void* block, std::size_t size) noexcept {
  const std::size_t index = (size + kSmallStep - 1) / kSmallStep;
  SmallLists& lists = small_lists;
  if (!kCache || index > kSmallClasses || lists.closed || lists.counts[index] >= kSmallKeep) {
    return std::free(block);
  }
  if (lists.counts[index] == 0) small_lists_guard.touch();
  auto* freed = static_cast<FreeBlock*>(block);
  freed->next = lists.heads[index];
  lists.heads[index] = freed;
  ++lists.counts[index];
}

constexpr int kMostOrders = 16;  // of one storage: parts of it, each in its order

// A use of the values in some order, and from the second one on their copy.
struct Storage::Prepared final : RefCounted {
  explicit Prepared(const PreparedKey& wish) : key(wish) {}
  PreparedKey key;
  Ref<Storage> copy;
  bool refused = false;  // for want of memory
  Ref<Prepared> next;
};

struct Storage::Rare {
  ~Rare() {
    if (deleter) deleter();
  }
  std::function<void()> deleter;
  std::unique_ptr<Draw> draws;
};

Storage::Storage(std::size_t bytes) : data_(allocate_block(bytes)), bytes_(bytes), owned_(true) {}

Storage::Storage(void* data, std::size_t bytes, std::function<void()> deleter)
    : data_(data), bytes_(bytes), owned_(false) {
  if (deleter) {
    rare_ = std::make_unique<Rare>();
    rare_->deleter = std::move(deleter);
  }
  count_live(static_cast<int64_t>(bytes));
}

Storage::~Storage() {
  if (owned_) {
    free_block(data_, bytes_);
  } else {
    count_live(-static_cast<int64_t>(bytes_));
  }
}

void Storage::drop_prepared() {
  const std::lock_guard guard(prepared_lock);
  prepared_.reset();
}

Ref<Storage> Storage::find_prepared(const PreparedKey& key, bool& wanted) {
  if (!owned_) return {};
  const std::lock_guard guard(prepared_lock);
  if (exposed_.load(std::memory_order_relaxed)) {
    prepared_.reset();
    return {};
  }
  int uses = 0;
  for (Prepared* use = prepared_.get(); use; use = use->next.get()) {
    if (use->key == key) {
      wanted = !use->copy && !use->refused;
      return use->copy;
    }
    if (++uses == kMostOrders) return {};
  }
  auto use = Ref<Prepared>::make(key);
  use->next = std::move(prepared_);
  prepared_ = std::move(use);
  return {};
}

Ref<Storage> Storage::new_copy(std::size_t bytes) {
  try {
    return Ref<Storage>::make(bytes);
  } catch (const std::exception&) {
    return {};
  }
}

void Storage::keep_prepared(const PreparedKey& key, const Ref<Storage>& copy) {
  const std::lock_guard guard(prepared_lock);
  for (Prepared* use = prepared_.get(); use; use = use->next.get()) {
    if (use->key != key) continue;
    use->copy = copy;
    use->refused = !copy;
  }
}

Draw* Storage::draws() const { return rare_ ? rare_->draws.get() : nullptr; }

void Storage::set_draws(std::unique_ptr<Draw> draws) {
  if (!rare_) rare_ = std::make_unique<Rare>();
  rare_->draws = std::move(draws);
}

std::unique_ptr<Draw> Storage::take_draws() { return rare_ ? std::move(rare_->draws) : nullptr; }

int64_t live_storage_bytes() { return live_bytes.load(std::memory_order_relaxed); }

int64_t cached_bytes() {
  const std::lock_guard guard(cache.lock);
  return cache.kept_bytes + static_cast<int64_t>(own_blocks.bytes);
}

int64_t system_allocations() { return asked_system.load(std::memory_order_relaxed); }

void empty_cache() {
  own_blocks.give_up();
  for (int index = 0; index < kClasses; ++index) {
    FreeBlock* block = nullptr;
    {
      const std::lock_guard guard(cache.lock);
      block = std::exchange(cache.lists[static_cast<std::size_t>(index)], nullptr);
      for (const FreeBlock* b = block; b; b = b->next) {
        cache.kept_bytes -= static_cast<int64_t>(class_bytes(index));
      }
    }
    while (block) to_system(std::exchange(block, block->next), class_bytes(index));
  }
}

}  // namespace norma
