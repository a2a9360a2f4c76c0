// What a node does besides when the gradient of its result arrives: hooks, and retain_grad().
#pragma once
#include "norma/autograd/node.h"
#include "norma/core/hook.h"

namespace norma::autograd {

/// Hooks on a tensor, in its node.
struct TensorHooks final : norma::detail::HookTable {
  norma::detail::HookList<TensorHook> on_gradient;
  norma::detail::HookList<AccumulatedHook> after_accumulation;
  void remove(uint64_t id) override;
};

struct NodeHooks final : RefCounted {
  std::shared_ptr<TensorHooks> own;
  TensorImpl* retainer = nullptr;  // whose `grad` is to have the gradient: retain_grad()
};

inline NodeHooks* hooks_in(const Node& node) { return static_cast<NodeHooks*>(node.hooks.get()); }
/// The tensor that retains the gradient of the node's result; null without one.
inline TensorImpl* retainer_of(const Node& node) {
  return node.hooks ? hooks_in(node)->retainer : nullptr;
}
void set_retainer(Node& node, TensorImpl* retainer);

/// The gradient that the hooks of the node, which has some, make of `grad`.
Tensor call_hooks(const Node& node, Tensor grad);
/// Calls the hooks of a leaf whose gradient took what arrived.
void call_accumulated_hooks(const Accumulator& node);

}  // namespace norma::autograd
