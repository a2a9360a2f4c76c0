#include "norma/autograd/hooks.h"

#include <string>
#include <utility>

#include "norma/core/tensor_impl.h"

namespace norma {

namespace autograd {

void TensorHooks::remove(uint64_t id) {
  on_gradient.remove(id);
  after_accumulation.remove(id);
}

namespace {

NodeHooks& hooks_of(Node& node) {
  if (!node.hooks) node.hooks = Ref<NodeHooks>::make();
  return *hooks_in(node);
}

/// The hooks on `tensor`, of which there may be none yet.
std::shared_ptr<TensorHooks> hooks_on(const char* op, const Tensor& tensor) {
  const TensorImpl* impl = defined_impl(tensor, op);
  const Ref<Node> node = gradient_edge(tensor);
  if (!node) {
    fail(op, "expected a tensor that requires_grad, got one of shape ", impl->sizes,
         " that does not");
  }
  NodeHooks& hooks = hooks_of(*node);
  if (!hooks.own) hooks.own = with_memory(0, [] { return std::make_shared<TensorHooks>(); });
  return hooks.own;
}

}  // namespace

void Node::forget(const TensorImpl* gone) {
  if (gone == retainer_of(*this)) set_retainer(*this, nullptr);
}

void set_retainer(Node& node, TensorImpl* retainer) {
  if (retainer || node.hooks) hooks_of(node).retainer = retainer;
}

Tensor call_hooks(const Node& node, Tensor grad) {
  // A hook may drop the last handle on what it was registered on.
  const Ref<NodeHooks> hooks(hooks_in(node));
  if (const std::shared_ptr<TensorHooks> own = hooks->own) {
    own->on_gradient.each([&](const TensorHook& hook) {
      Tensor changed = hook(grad);
      if (!changed.defined()) return;
      if (changed.sizes() != node.sizes || changed.dtype() != node.dtype) {
        fail("register_hook", "expected a hook that returns a gradient of shape ", node.sizes,
             " and dtype ", node.dtype, ", got ", changed.sizes(), " and ", changed.dtype(),
             "; the hook is on a ",
             node.is_accumulator() ? "leaf" : std::string("result of ") + node.name);
      }
      grad = std::move(changed);
    });
  }
  if (hooks->retainer) add_gradient(hooks->retainer->grad, grad);
  return grad;
}

void call_accumulated_hooks(const Accumulator& node) {
  const std::shared_ptr<TensorHooks> own = hooks_in(node)->own;
  if (!own || !node.leaf) return;
  const Tensor leaf{Ref<RefCounted>(node.leaf)};
  own->after_accumulation.each([&](const AccumulatedHook& hook) { hook(leaf); });
}

}  // namespace autograd

HookHandle TensorMethods::register_hook(TensorHook hook) const {
  const auto hooks = autograd::hooks_on("register_hook", self());
  return {hooks, hooks->on_gradient.add("register_hook", std::move(hook))};
}

HookHandle TensorMethods::register_post_accumulate_grad_hook(AccumulatedHook hook) const {
  const char* const op = "register_post_accumulate_grad_hook";
  const auto hooks = autograd::hooks_on(op, self());
  if (!self().is_leaf()) {
    fail(op, "expected a leaf, got the result of ", self().grad_fn_name(),
         "; use register_hook, or retain_grad()");
  }
  return {hooks, hooks->after_accumulation.add(op, std::move(hook))};
}

}  // namespace norma
