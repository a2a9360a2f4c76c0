// What a Tensor handle points at.
#pragma once
#include "norma/core/storage.h"
#include "norma/core/tensor.h"

namespace norma {

struct TensorImpl : RefCounted {
  Ref<Storage> storage;
  int64_t offset = 0;  // in elements
  Shape sizes, strides;
  int64_t numel = 0;
  DType dtype = kFloat32;
  bool contiguous = true;

  // Carried here for autograd/, which alone gives these a meaning (see autograd/node.h).
  bool requires_grad = false;
  bool has_history = false;   // made by a recorded operation: not a leaf
  Ref<GraphNode> node;        // that operation, or a leaf's accumulator
  Tensor grad;                // a leaf's gradient
  Ref<TensorImpl> base;       // the tensor this one is a view of, never itself a view
  uint64_t base_version = 0;  // the storage's version when `node` was set

  ~TensorImpl() override;
  char* data() const { return static_cast<char*>(storage->data()) + offset * item_size(dtype); }
  template <class T>
  T* data_as() const {
    return reinterpret_cast<T*>(data());
  }
};

/// Null for an undefined tensor.
inline TensorImpl* impl_of(const Tensor& tensor) {
  return static_cast<TensorImpl*>(tensor.impl_.get());
}

/// `data_ptr` for the library, whose writes count (Storage::bump_version): it exposes nothing.
template <Element T>
T* values_of(const Tensor& tensor);

/// Uninitialised, contiguous.
Tensor new_tensor(const Shape& sizes, DType dtype);
/// What `options` leave open as with `other`; throws `[op] …` where that is undefined.
TensorOptions options_like(const char* op, const Tensor& other, const LikeOptions& options);
/// Shares the storage of `source`, with its own geometry, no base and no history.
Tensor alias(const Tensor& source, const Shape& sizes, const Shape& strides, int64_t offset);
/// Whether nothing else sees the values, so that they may be changed or taken over.
bool is_exclusive(const Tensor& tensor);
[[noreturn, gnu::cold]] void undefined_tensor(const char* op);
/// `impl_of` that throws `[op] …` on an undefined tensor.
inline TensorImpl* defined_impl(const Tensor& tensor, const char* op) {
  if (!tensor.defined()) undefined_tensor(op);
  return impl_of(tensor);
}

}  // namespace norma
