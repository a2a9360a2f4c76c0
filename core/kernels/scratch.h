// Working memory of a kernel, from the caching allocator.
#pragma once
#include <bit>

#include "norma/core/storage.h"

namespace norma::kernels {

/// `count` uninitialised elements, in blocks of few sizes so that kernels share them. Best
/// allocated before a parallel loop, one stretch per part.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : storage_(block_size(static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() const { return static_cast<T*>(storage_.data()); }

 private:
  static std::size_t block_size(std::size_t bytes) {
#ifdef NORMA_SANITIZE
    return bytes;  // whoever goes past it is seen
#else
    return std::bit_ceil(bytes);
#endif
  }

  Storage storage_;
};

}  // namespace norma::kernels
