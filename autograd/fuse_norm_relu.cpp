#include "norma/autograd/fuse_norm_relu.h"

#include <utility>

#include "norma/autograd/record.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

bool fuse_norm_relu(const Tensor& operand, Tensor& out) {
  TensorImpl *from = impl_of(operand), *to = impl_of(out);
  if (!recording({&operand}) || from->storage.get() != to->storage.get()) return false;
  // Backward recomputes the ReLU's signs from the norm's formula: its output must not have been
  // changed in between.
  if (from->storage->version() != 0) return false;
  if (!from->node || from->node->use_count() != 1) return false;
  Node* const node = static_cast<Node*>(from->node.get());
  if (node->hooks || !node->take_relu()) return false;
  to->node = std::move(from->node);
  to->has_history = to->requires_grad = true;
  to->base_version = to->storage->version();
  return true;
}

}  // namespace norma::autograd
