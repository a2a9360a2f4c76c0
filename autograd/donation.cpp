#include "norma/autograd/donation.h"

#include "norma/autograd/observer.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

bool is_donatable(const Tensor& operand) {
  const TensorImpl* impl = impl_of(operand);
  const bool is_leaf = impl->requires_grad && !impl->has_history;
  return is_exclusive(operand) && impl->storage->owned() && !impl->base && !is_leaf &&
         static_cast<std::size_t>(impl->numel * item_size(impl->dtype)) == impl->storage->bytes() &&
         !is_watched();
}

Tensor donate_or_new(const Tensor& operand, const Shape& sizes, DType dtype) {
  const TensorImpl* impl = impl_of(operand);
  const bool fits = impl->dtype == dtype && impl->sizes == sizes && is_donatable(operand);
  if (!fits) return new_tensor(sizes, dtype);
  impl->storage->forget_prepared();
  return alias(operand, sizes, impl->strides, 0);
}

}  // namespace norma::autograd
