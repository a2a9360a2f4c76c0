// Working memory of a kernel, from the caching allocator.
#pragma once
#include "norma/core/storage.h"

namespace norma::kernels {

/// `count` uninitialised elements. Allocate before a parallel loop, one stretch per part.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : storage_(static_cast<std::size_t>(count) * sizeof(T)) {}
  T* data() const { return static_cast<T*>(storage_.data()); }

 private:
  Storage storage_;
};

}  // namespace norma::kernels
