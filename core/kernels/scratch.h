// Working memory of a kernel.
#pragma once
#include <bit>
#include <optional>

#include "norma/core/integers.h"
#include "norma/core/storage.h"

namespace norma::kernels {

/// `count` uninitialised elements: few of them within this object, on the stack; more in a block of
/// the caching allocator, of few sizes so that kernels share them. Best allocated before a parallel
/// loop, one stretch per part.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) {
    if (count <= kFew) return;
    const int64_t bytes = checked_product("scratch", "bytes", count, sizeof(T));
    data_ = static_cast<T*>(block_.emplace(block_size(static_cast<std::size_t>(bytes))).data());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
#ifdef NORMA_SANITIZE  // blocks of their own and of the exact size: whoever goes past one is seen
  static constexpr std::size_t kFewBytes = 0;
  static std::size_t block_size(std::size_t bytes) { return bytes; }
#else
  static constexpr std::size_t kFewBytes = 2048;
  static std::size_t block_size(std::size_t bytes) { return std::bit_ceil(bytes); }
#endif

  static constexpr int64_t kFew = kFewBytes / sizeof(T);
  alignas(64) std::byte few_[kFewBytes + 1];
  T* data_ = reinterpret_cast<T*>(few_);
  std::optional<Storage> block_;
};

}  // namespace norma::kernels
