// Other names and properties of Tensor.
#include "norma/core/tensor.h"

namespace norma {

Tensor TensorMethods::data() const { return self().detach(); }
Tensor& TensorMethods::set_requires_grad(bool on) { return self().requires_grad_(on); }
Tensor TensorMethods::type_as(const Tensor& other) const { return self().to(other.dtype()); }
Tensor TensorMethods::toType(DType dtype) const { return self().to(dtype); }
Tensor TensorMethods::cpu() const { return self(); }

DType TensorMethods::scalar_type() const { return self().dtype(); }
bool TensorMethods::is_floating_point() const { return is_floating(scalar_type()); }
int64_t TensorMethods::ndimension() const { return self().dim(); }
int64_t TensorMethods::stride(int64_t dim) const {
  return self().strides()[wrap_dim(dim, ndimension(), "stride")];
}
int64_t TensorMethods::element_size() const { return item_size(scalar_type()); }
int64_t TensorMethods::nbytes() const { return self().numel() * element_size(); }
void* TensorMethods::data_ptr() const { return self().raw_data(); }

}  // namespace norma
