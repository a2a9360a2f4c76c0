#include "norma/core/tensor.h"

#include <string>
#include <type_traits>

#include "norma/core/tensor_impl.h"

namespace norma {

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

void* Tensor::raw_data() const {
  const TensorImpl* self = defined_impl(*this, "raw_data");
  self->storage->expose();
  return self->data();
}

namespace {
[[noreturn]] void other_dtype(DType expected, DType got) {
  fail("data_ptr", "expected a tensor of ", expected, ", got ", got, "; convert with to() first");
}
}  // namespace

template <Element T>
T* values_of(const Tensor& tensor) {
  const TensorImpl* impl = defined_impl(tensor, "data_ptr");
  if (impl->dtype != dtype_of<T>) other_dtype(dtype_of<T>, impl->dtype);
  return impl->data_as<T>();
}

template <class T>
T* Tensor::data_of() const {
  T* const values = values_of<T>(*this);
  impl_of(*this)->storage->expose();
  return values;
}

#define NORMA_DATA(T)                   \
  template T* values_of(const Tensor&); \
  template T* Tensor::data_of() const;
NORMA_DATA(bool)
NORMA_DATA(uint8_t)
NORMA_DATA(int32_t)
NORMA_DATA(int64_t)
NORMA_DATA(float)
NORMA_DATA(double)
#undef NORMA_DATA

namespace {
const TensorImpl* one_element(const Tensor& tensor) {
  const TensorImpl* impl = defined_impl(tensor, "item");
  if (impl->numel != 1) fail("item", "expected a tensor with one element, got ", impl->sizes);
  return impl;
}
}  // namespace

double Tensor::item_number() const {
  const TensorImpl* self = one_element(*this);
  return dispatch(self->dtype, [&]<class T>() { return static_cast<double>(*self->data_as<T>()); });
}

int64_t Tensor::item_integer(int64_t least, int64_t most) const {
  const TensorImpl* self = one_element(*this);
  return dispatch(self->dtype, [&]<class T>() {
    const T value = *self->data_as<T>();
    bool fits = false;
    if constexpr (std::is_floating_point_v<T>) {
      const auto number = static_cast<double>(value);
      fits = number >= static_cast<double>(least) && number < static_cast<double>(most) + 1.0;
    } else {
      fits = static_cast<int64_t>(value) >= least && static_cast<int64_t>(value) <= most;
    }
    if (!fits) {
      fail("item", "expected a value that fits the integer asked for, got ", value,
           "; ask for a double");
    }
    return convert<int64_t>(value);
  });
}

}  // namespace norma
