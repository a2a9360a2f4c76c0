// The memory behind tensors, and the allocator that keeps freed blocks for the next step.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "norma/core/ref.h"

namespace norma {

struct Draw;

/// In which order a kernel wants a copy of a weight's values: what it calls the order, its sizes.
struct PreparedKey {
  const void* values;  ///< where they begin
  const char* order;   ///< a literal, compared by its address
  int64_t sizes[3];    ///< as the kernel counts them
  bool operator==(const PreparedKey&) const = default;
};

/// A block of bytes, 64-byte aligned, shared by every view of it, with the count of in-place
/// changes.
class Storage : public RefCounted {
 public:
  /// Uninitialised memory from the caching allocator.
  explicit Storage(std::size_t bytes);
  /// Foreign memory; `deleter` (may be empty) runs when the last view goes.
  Storage(void* data, std::size_t bytes, std::function<void()> deleter);
  ~Storage() override;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Whether it is Norma's memory, not foreign one.
  bool owned() const { return owned_; }
  uint64_t version() const { return version_; }  ///< how often the values changed
  /// The values have changed.
  void bump_version() {
    ++version_;
    forget_prepared();
  }
  /// What was drawn into it at random, null for nothing (see core/draws.h).
  Draw* draws() const;
  void set_draws(std::unique_ptr<Draw> draws);  ///< notes what was drawn
  std::unique_ptr<Draw> take_draws();           ///< gives it up

  /// From here on the values may change without `bump_version`.
  void expose() const {
    if (!exposed_.load(std::memory_order_relaxed)) exposed_.store(true, std::memory_order_relaxed);
  }
  /// The values are others now, whatever the version says.
  void forget_prepared() {
    if (prepared_) drop_prepared();
  }
  /// A copy of the values in a kernel's own order, kept as long as they stay as they are, and
  /// filled by fill(void*) at their second use. Null at the first one, where memory ends, and for
  /// memory that others may change: foreign, exposed. Any thread may ask.
  template <class Fill>
  Ref<Storage> prepared(const PreparedKey& key, std::size_t bytes, const Fill& fill) {
    bool wanted = false;
    Ref<Storage> copy = find_prepared(key, wanted);
    if (!wanted) return copy;
    copy = new_copy(bytes);
    if (copy) fill(copy->data());
    keep_prepared(key, copy);
    return copy;
  }

 private:
  void drop_prepared();
  Ref<Storage> find_prepared(const PreparedKey& key, bool& wanted);
  void keep_prepared(const PreparedKey& key, const Ref<Storage>& copy);
  /// Null where memory ends: nobody needs the copy.
  static Ref<Storage> new_copy(std::size_t bytes);

  void* data_;
  std::size_t bytes_;
  uint64_t version_ = 0;
  bool owned_;
  mutable std::atomic<bool> exposed_{false};
  struct Prepared;
  Ref<Prepared> prepared_;
  struct Rare;
  std::unique_ptr<Rare> rare_;  // what few have: a deleter, draws
};

/// Bytes held by living storages (what tensors use now). Tests watch it for leaks.
int64_t live_storage_bytes();
/// Bytes the caching allocator holds for reuse, up to 1 MiB of each other thread not counted.
int64_t cached_bytes();
/// Gives these blocks back to the system.
void empty_cache();
/// How often the caching allocator had to ask the system since the program began.
int64_t system_allocations();

}  // namespace norma
