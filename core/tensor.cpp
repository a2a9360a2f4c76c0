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
