#include "norma/core/tensor.h"

#include <string>
#include <type_traits>
#include <utility>

#include "norma/core/tensor_impl.h"

namespace norma {

TensorImpl::~TensorImpl() {
  if (node) node->forget(this);
}

TensorImpl* defined_impl(const Tensor& tensor, const char* op) {
  if (!tensor.defined())
    fail(op,
         "expected a defined tensor, got an undefined one; Tensor() is undefined, and so is grad() "
         "before backward()");
  return tensor.impl();
}

namespace {

bool is_row_major(const Shape& sizes, const Shape& strides) {
  int64_t expected = 1;
  for (int64_t i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1 && strides[i] != expected) return false;
    expected *= sizes[i];
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
  const TensorImpl* from = source.impl();
  auto impl = Ref<TensorImpl>::make();
  impl->storage = from->storage;
  impl->offset = offset;
  impl->sizes = sizes;
  impl->strides = strides;
  impl->numel = sizes.numel();
  impl->dtype = from->dtype;
  impl->contiguous = is_row_major(sizes, strides);
  return Tensor(std::move(impl));
}

const Shape& Tensor::sizes() const { return defined_impl(*this, "sizes")->sizes; }
const Shape& Tensor::strides() const { return defined_impl(*this, "strides")->strides; }
int64_t Tensor::dim() const { return defined_impl(*this, "dim")->sizes.size(); }
int64_t Tensor::numel() const { return defined_impl(*this, "numel")->numel; }
DType Tensor::dtype() const { return defined_impl(*this, "dtype")->dtype; }
bool Tensor::is_contiguous() const { return defined_impl(*this, "is_contiguous")->contiguous; }
int64_t Tensor::storage_offset() const { return defined_impl(*this, "storage_offset")->offset; }
uint64_t Tensor::version() const { return defined_impl(*this, "version")->storage->version(); }

int64_t Tensor::size(int64_t dim) const {
  const Shape& all = sizes();
  if (all.empty()) fail("size", "expected a tensor with dimensions, got a 0-d tensor");
  return all[wrap_dim(dim, all.size(), "size")];
}

Shape Tensor::all_dims() const {
  Shape dims;
  for (int64_t i = 0; i < dim(); ++i) dims.push_back(i);
  return dims;
}

void* Tensor::raw_data() const { return defined_impl(*this, "raw_data")->data(); }

template <class T>
T* Tensor::data_ptr() const {
  const TensorImpl* self = defined_impl(*this, "data_ptr");
  if (self->dtype != dtype_of<T>) {
    fail("data_ptr", "expected a tensor of ", dtype_of<T>, ", got ", self->dtype,
         "; convert with to() first");
  }
  return self->data_as<T>();
}

template <class T>
T Tensor::item() const {
  const TensorImpl* self = defined_impl(*this, "item");
  if (self->numel != 1) fail("item", "expected a tensor with one element, got ", self->sizes);
  return dispatch(self->dtype, [&]<class From>() {
    const From value = *self->data_as<From>();
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      constexpr bool kByte = std::is_same_v<T, uint8_t>, kLong = std::is_same_v<T, int64_t>;
      constexpr double kLowest = kByte ? 0 : kLong ? -0x1p63 : -0x1p31;
      constexpr double kEnd = kByte ? 256 : kLong ? 0x1p63 : 0x1p31;
      const double number = static_cast<double>(value);
      const bool fits = (kLong && std::is_integral_v<From>) || (number >= kLowest && number < kEnd);
      if (!fits) {
        fail("item", "expected a value that fits the integer asked for, got ",
             std::to_string(value), "; ask for a double");
      }
      return static_cast<T>(convert<int64_t>(value));
    } else {
      return static_cast<T>(value);
    }
  });
}

template bool* Tensor::data_ptr<bool>() const;
template uint8_t* Tensor::data_ptr<uint8_t>() const;
template int64_t* Tensor::data_ptr<int64_t>() const;
template float* Tensor::data_ptr<float>() const;
template double* Tensor::data_ptr<double>() const;
template bool Tensor::item<bool>() const;
template uint8_t Tensor::item<uint8_t>() const;
template int Tensor::item<int>() const;
template int64_t Tensor::item<int64_t>() const;
template float Tensor::item<float>() const;
template double Tensor::item<double>() const;

}  // namespace norma
