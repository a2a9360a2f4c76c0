// The memory behind tensors, and the allocator that keeps freed blocks for the next step.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "norma/core/ref.h"

namespace norma {

struct Draw;

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
  uint64_t version() const { return version_; }
  void bump_version() { ++version_; }
  /// What was drawn into it at random, null for nothing (see core/draws.h).
  Draw* draws() const;
  void set_draws(std::unique_ptr<Draw> draws);
  std::unique_ptr<Draw> take_draws();

 private:
  void* data_;
  std::size_t bytes_;
  uint64_t version_ = 0;
  bool owned_;
  struct Rare;
  std::unique_ptr<Rare> rare_;  // what few have: a deleter, draws
};

/// Bytes held by living storages (what tensors use now). Tests watch it for leaks.
int64_t live_storage_bytes();
/// Bytes the caching allocator holds for reuse.
int64_t cached_bytes();
/// Gives every cached block back to the system.
void empty_cache();
/// How often the caching allocator had to ask the system since the program began.
int64_t system_allocations();

}  // namespace norma
