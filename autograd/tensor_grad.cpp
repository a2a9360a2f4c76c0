// Tensor's gradient members.
#include <string>

#include "norma/autograd/hooks.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/core/tensor_impl.h"

namespace norma {

bool Tensor::requires_grad() const {
  TensorImpl* impl = defined_impl(*this, "requires_grad");
  if (impl->base) autograd::refresh_view(impl);
  return impl->requires_grad;
}

Tensor& Tensor::requires_grad_(bool on) {
  TensorImpl* impl = defined_impl(*this, "requires_grad_");
  if (on && !is_floating(impl->dtype)) {
    fail("requires_grad_", "expected a floating tensor, got ", impl->dtype);
  }
  if (!on && impl->has_history) {
    fail("requires_grad_", "expected a leaf, got the result of ", grad_fn_name(), "; use detach()");
  }
  impl->requires_grad = on;
  if (on) autograd::gradient_edge(*this);  // now, so that threads that use the leaf find it
  return *this;
}

bool Tensor::is_leaf() const {
  TensorImpl* impl = defined_impl(*this, "is_leaf");
  if (impl->base) autograd::refresh_view(impl);
  return !impl->has_history;
}

std::string Tensor::grad_fn_name() const {
  return is_leaf() ? "" : static_cast<autograd::Node*>(impl_of(*this)->node.get())->name;
}

Tensor Tensor::grad() const { return defined_impl(*this, "grad")->grad; }

void Tensor::retain_grad() const {
  TensorImpl* impl = defined_impl(*this, "retain_grad");
  if (!requires_grad()) {
    fail("retain_grad", "expected a tensor that requires_grad, got one of shape ", impl->sizes,
         " that does not");
  }
  if (!is_leaf()) autograd::set_retainer(static_cast<autograd::Node&>(*impl->node), impl);
}

bool Tensor::retains_grad() const {
  const TensorImpl* impl = defined_impl(*this, "retains_grad");
  return !is_leaf() && autograd::retainer_of(static_cast<autograd::Node&>(*impl->node)) == impl;
}

void Tensor::set_grad(const Tensor& grad) {
  TensorImpl* impl = defined_impl(*this, "set_grad");
  if (grad.defined() && (grad.sizes() != impl->sizes || grad.dtype() != impl->dtype)) {
    fail("set_grad", "expected a gradient of shape ", impl->sizes, " and dtype ", impl->dtype,
         ", got ", grad.sizes(), " and ", grad.dtype());
  }
  if (grad.is_same(*this)) {
    fail("set_grad", "expected a tensor of its own, got the tensor itself; clone() it first");
  }
  impl->grad = grad;
}

Tensor Tensor::detach() const {
  const TensorImpl* impl = defined_impl(*this, "detach");
  return autograd::told("detach", alias(*this, impl->sizes, impl->strides, impl->offset), {this});
}

Tensor& TensorMethods::detach_() {
  TensorImpl* impl = defined_impl(self(), "detach_");
  if (impl->base) {
    fail("detach_", "expected a tensor with memory of its own, got a view of shape ", impl->sizes,
         "; use detach()");
  }
  autograd::told("detach", self(), {&self()});
  if (impl->node) impl->node->forget(impl);
  impl->node.reset();
  impl->has_history = impl->requires_grad = false;
  return self();
}

void Tensor::set_data(const Tensor& other) {
  TensorImpl *impl = defined_impl(*this, "set_data"), *from = defined_impl(other, "set_data");
  if (!is_leaf() || (impl->base && impl->base->requires_grad)) {
    fail("set_data", "expected a leaf, got a view or the result of an operation");
  }
  if (impl->requires_grad && !is_floating(from->dtype)) {
    fail("set_data", "expected floating values for a tensor that requires_grad, got ", from->dtype);
  }
  impl->base.reset();
  Ref<RefCounted> hooks;
  if (impl->node) {
    hooks = std::move(static_cast<autograd::Node&>(*impl->node).hooks);
    impl->node->forget(impl);
  }
  impl->node.reset();
  impl->grad = Tensor();
  impl->storage = from->storage;
  impl->offset = from->offset;
  impl->sizes = from->sizes;
  impl->strides = from->strides;
  impl->numel = from->numel;
  impl->dtype = from->dtype;
  impl->contiguous = from->contiguous;
  if (const auto node = autograd::gradient_edge(*this)) node->hooks = std::move(hooks);
}

}  // namespace norma
