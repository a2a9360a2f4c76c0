#include "norma/core/tensor_impl.h"

#include <utility>

namespace norma {

TensorImpl::~TensorImpl() {
  if (node) node->forget(this);
}

void undefined_tensor(const char* op) {
  fail(op,
       "expected a defined tensor, got an undefined one; Tensor() is undefined, and so is grad() "
       "before backward()");
}

namespace {

bool is_row_major(const Shape& sizes, const Shape& strides) {
  int64_t expected = 1;
  const int64_t *size = sizes.end(), *stride = strides.end();
  while (size != sizes.begin()) {
    --size, --stride;
    if (*size != 1 && *stride != expected) return false;
    expected *= *size;
  }
  return true;
}

}  // namespace

Tensor new_tensor(const Shape& sizes, DType dtype) {
  for (int64_t size : sizes) {
    if (size < 0) fail("empty", "expected sizes of 0 or more, got ", sizes);
  }
  const int64_t numel = sizes.numel();
  int64_t bytes = 0;
  if (__builtin_mul_overflow(numel, item_size(dtype), &bytes)) {
    fail("empty", "expected fewer than 2^63 bytes, got sizes ", sizes);
  }
  auto impl = Ref<TensorImpl>::make();
  impl->storage = Ref<Storage>::make(static_cast<std::size_t>(bytes));
  impl->sizes = sizes;
  impl->strides = contiguous_strides(sizes);
  impl->numel = numel;
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor alias(const Tensor& source, const Shape& sizes, const Shape& strides, int64_t offset) {
  const TensorImpl* from = impl_of(source);
  auto impl = Ref<TensorImpl>::make();
  impl->storage = from->storage;
  impl->offset = offset;
  impl->sizes = sizes;
  impl->strides = strides;
  impl->numel = sizes.numel();
  impl->dtype = from->dtype;
  impl->contiguous = impl->numel == 0 || is_row_major(sizes, strides);
  return Tensor(std::move(impl));
}

bool is_exclusive(const Tensor& tensor) {
  const TensorImpl* impl = impl_of(tensor);
  return impl->use_count() == 1 && impl->storage->use_count() == 1 && impl->contiguous;
}

}  // namespace norma
