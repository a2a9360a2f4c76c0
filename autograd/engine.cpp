// backward(): walks the graph from young to old and hands gradients on.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma {
namespace autograd {

namespace {

/// Sums a gradient of the broadcast shape down to the shape of `to`, and casts it to its dtype.
Tensor sum_to_shape(Tensor grad, const Node& from, const Node& to) {
  if (grad.sizes() != to.sizes) {
    const int64_t extra = grad.dim() - to.sizes.size();
    Shape summed;
    bool fits = extra >= 0;
    for (int64_t i = 0; fits && i < grad.dim(); ++i) {
      const int64_t size = i < extra ? 1 : to.sizes[i - extra];
      fits = size == grad.size(i) || size == 1;
      if (i < extra || size != grad.size(i)) summed.push_back(i);
    }
    if (!fits) {
      fail(from.name, "expected its backward to give a gradient of shape ", to.sizes, ", got ",
           grad.sizes());
    }
    grad = grad.sum(summed, true).reshape(to.sizes);
  }
  return grad.dtype() == to.dtype ? grad : grad.to(to.dtype);
}

void accumulate(Tensor& total, Tensor grad) {
  if (!total.defined()) {
    total = std::move(grad);
  } else if (is_exclusive(total)) {
    total.add_(grad);
  } else {
    total = total.add(grad);
  }
}

/// A list that takes the memory of the last one on this thread, so that warm steps ask for none.
template <class T>
class ReusedList {
 public:
  ReusedList() {
    if (!spare_is_gone) values = std::exchange(spare(), {});
  }
  ~ReusedList() {
    values.clear();
    if (!spare_is_gone) spare() = std::move(values);
  }
  ReusedList(const ReusedList&) = delete;
  ReusedList& operator=(const ReusedList&) = delete;

  std::vector<T> values;

 private:
  struct Spare {
    std::vector<T> list;
    ~Spare() { spare_is_gone = true; }
  };
  static std::vector<T>& spare() {
    static thread_local Spare kept;
    return kept.list;
  }
  // At the end of the thread. What is static, or of the thread, may still be destroyed after it.
  static inline constinit thread_local bool spare_is_gone = false;
};

/// The nodes under a root in the order of backward; their marks and half-gathered gradients are
/// taken off again at the end, also when a backward function throws.
class BackwardOrder {
 public:
  explicit BackwardOrder(Node* root) {
    // A list instead of recursion: graphs are deeper than call stacks.
    try {
      add(root);
      for (std::size_t i = 0; i < order_.size(); ++i) {
        const Node* const node = order_[i];
        for (int k = 0; k < node->input_count; ++k) add(node->inputs[k].get());
      }
    } catch (...) {
      clear();
      throw;
    }
    // An operation must not run before every use of its result has sent its share: in b = a + a;
    // c = b + b, node b waits for both edges from c. Inputs are older than the operations on them,
    // so going from young to old is such an order.
    std::sort(order_.begin(), order_.end(),
              [](const Node* a, const Node* b) { return a->sequence > b->sequence; });
  }
  ~BackwardOrder() { clear(); }
  const std::vector<Node*>& order() const { return order_; }

 private:
  void add(Node* node) {
    if (!node || node->visited) return;
    order_.push_back(node);
    node->visited = true;
  }
  void clear() {
    for (Node* node : order_) {
      node->visited = false;
      node->grad = Tensor();
    }
  }

  ReusedList<Node*> list_;
  std::vector<Node*>& order_ = list_.values;
};

/// Names the node in errors while its backward runs.
class RunningNode {
 public:
  explicit RunningNode(const Node* node) { running_node() = node; }
  ~RunningNode() { running_node() = nullptr; }
};

/// Hands the gradient of a node's result on to its inputs.
void run_node(Node* node, const Tensor& grad, std::vector<Tensor>& grads,
              const ObserverPause& observers) {
  if (observers) observers.tell(&Observer::arrived, *node, grad);
  InputGrads input_grads(grads, node->inputs, node->input_count);
  {
    const RunningNode running(node);
    node->backward(grad, input_grads);
  }
  if (observers && node->is_accumulator()) {
    const TensorImpl* leaf = static_cast<Accumulator*>(node)->leaf;
    if (leaf) observers.tell(&Observer::accumulated, *node, leaf->grad);
  }
  for (int k = 0; k < node->input_count; ++k) {
    Node* input = node->inputs[k].get();
    Tensor& share = grads[static_cast<std::size_t>(k)];
    if (!input || !share.defined()) continue;
    share = sum_to_shape(std::move(share), *node, *input);
    if (observers) observers.tell(&Observer::gradient, *node, k, share);
    accumulate(input->grad, std::move(share));
  }
}

void run_backward(Node* root, const Tensor& gradient, bool retain_graph) {
  const NoGradGuard no_grad;
  const ObserverPause observers;
  if (observers) observers.tell(&Observer::started, *root, gradient);
  const BackwardOrder visit(root);
  for (const Node* node : visit.order()) {
    if (!node->released) continue;
    fail(node->name,
         "expected a graph that was not freed yet, got one whose saved values went with an earlier "
         "backward(); compute the loss anew, detach() what one step hands to the next, or pass "
         "retain_graph = true to the first call");
  }
  root->grad = gradient;
  ReusedList<Tensor> list;
  std::vector<Tensor>& grads = list.values;
  for (Node* node : visit.order()) {
    if (!node->grad.defined()) continue;
    const Tensor grad = std::move(node->grad);
    grads.clear();
    grads.resize(static_cast<std::size_t>(node->input_count));
    try {
      run_node(node, grad, grads, observers);
    } catch (Error& error) {
      if (node->note) node->note->add_to(error);
      throw;
    }
    if (!retain_graph) node->released = node->release_saved();
  }
}

}  // namespace
}  // namespace autograd

void Tensor::backward(const Tensor& gradient, bool retain_graph) const {
  TensorImpl* self = defined_impl(*this, "backward");
  if (!requires_grad()) {
    fail("backward",
         "expected a tensor that requires_grad, got one that neither does nor was made from one "
         "that does; "
         "call requires_grad_() on a leaf first, outside NoGradGuard");
  }
  if (!gradient.defined() && self->numel != 1) {
    fail("backward",
         "expected a scalar (one element) or a gradient argument, got a tensor of shape ",
         self->sizes, "; reduce it first, for example with sum() or mean()");
  }
  if (gradient.defined() && gradient.sizes() != self->sizes) {
    fail("backward", "expected a gradient of shape ", self->sizes, ", got ", gradient.sizes());
  }
  const Ref<autograd::Node> root = autograd::gradient_edge(*this);
  const Tensor start = gradient.defined() ? gradient.detach().to(self->dtype)
                                          : ones(self->sizes, {.dtype = self->dtype});
  with_memory(0, [&] { autograd::run_backward(root.get(), start, retain_graph); });
}

}  // namespace norma
