#include "norma/autograd/donation.h"

#include <utility>

#include "norma/autograd/observer.h"
#include "norma/autograd/record.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

bool is_donatable(const Tensor& operand) {
  const TensorImpl* impl = operand.impl();
  const bool is_leaf = impl->requires_grad && !impl->has_history;
  return is_exclusive(operand) && impl->storage->owned() && !impl->base && !is_leaf &&
         static_cast<std::size_t>(impl->numel * item_size(impl->dtype)) == impl->storage->bytes() &&
         !is_watched();
}

Tensor donate_or_new(const Tensor& operand, const Shape& sizes, DType dtype) {
  const TensorImpl* impl = operand.impl();
  const bool fits = impl->dtype == dtype && impl->sizes == sizes && is_donatable(operand);
  return fits ? alias(operand, sizes, impl->strides, 0) : new_tensor(sizes, dtype);
}

bool absorb_relu(const Tensor& operand, Tensor& out) {
  TensorImpl *from = operand.impl(), *to = out.impl();
  if (!recording({&operand}) || from->storage.get() != to->storage.get()) return false;
  // Backward recomputes the ReLU's signs from the norm's formula: its output must not have been
  // changed in between.
  if (from->storage->version() != 0) return false;
  if (!from->node || from->node->use_count() != 1) return false;
  Node* const node = static_cast<Node*>(from->node.get());
  if (!node->absorb_relu()) return false;
  to->node = std::move(from->node);
  to->has_history = to->requires_grad = true;
  to->base_version = to->storage->version();
  return true;
}

}  // namespace norma::autograd
