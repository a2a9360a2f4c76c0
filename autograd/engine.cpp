// backward() and grad(): walk the graph from young to old and hand gradients on.
#include "norma/autograd/engine.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/hooks.h"
#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/ops.h"
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
  } else if (is_exclusive(total) && !grad_enabled()) {
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

/// A run of backward() or grad(), and its marks on nodes. A backward function may begin another:
/// what the runs around that one have noted is put aside, and back at its end.
class Run {
 public:
  Run() : id_(++running()) {
    if (id_ == 1) outermost() = this;
  }
  ~Run() {
    for (auto& [node, mark] : outer_) exchange(node, std::move(mark));
    if (--running() == 0) outermost() = nullptr;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  /// The one of this thread that no other is around; null where none runs.
  static Run*& outermost() {
    static constinit thread_local Run* run = nullptr;
    return run;
  }
  void call_at_end(std::function<void()> function) { at_end_.push_back(std::move(function)); }
  void end() {
    if (id_ != 1) return;
    for (std::size_t i = 0; i < at_end_.size(); ++i) {  // one may add another
      const std::function<void()> call = std::move(at_end_[i]);
      call();
    }
  }
  bool reaches(const Node& node) const { return node.run == id_; }
  /// Notes the operation that leads to a node; whether it is the first one.
  bool note_use(Node& node, uint64_t use) const {
    const bool is_first = !reaches(node);
    node.turn = node.is_accumulator() ? std::min(use, is_first ? use : node.turn) : node.sequence;
    return is_first;
  }
  void enter(Node* node) {
    if (node->run > 0) outer_.emplace_back(node, exchange(node, {}));
    node->run = id_;
  }
  void leave(Node* node) { exchange(node, {}); }

 private:
  struct Mark {
    int run = 0;
    bool wanted = false;
    Tensor grad = {};
  };
  static Mark exchange(Node* node, Mark mark) {
    return {std::exchange(node->run, mark.run), std::exchange(node->wanted, mark.wanted),
            std::exchange(node->grad, std::move(mark.grad))};
  }
  static int& running() {
    static constinit thread_local int count = 0;
    return count;
  }

  const int id_;
  std::vector<std::pair<Node*, Mark>> outer_;
  std::vector<std::function<void()>> at_end_;
};

/// From young to old; a leaf right after the oldest operation that uses it, since its hooks may
/// send the gradient off while backward goes on.
bool comes_first(const Node* a, const Node* b) {
  return a->turn != b->turn ? a->turn > b->turn : a->sequence > b->sequence;
}

/// The nodes under the roots in the order of backward; their marks and half-gathered gradients are
/// taken off again at the end, also when a backward function throws.
class BackwardOrder {
 public:
  BackwardOrder(std::span<const Ref<Node>> roots, uint64_t oldest) {
    // A list instead of recursion: graphs are deeper than call stacks.
    try {
      for (const Ref<Node>& root : roots) add(root.get(), UINT64_MAX);
      for (std::size_t i = 0; i < order_.size(); ++i) {
        const Node* const node = order_[i];
        if (node->sequence < oldest) continue;
        for (int k = 0; k < node->input_count; ++k) add(node->inputs[k].get(), node->sequence);
      }
    } catch (...) {
      clear();
      throw;
    }
    // An operation must not run before every use of its result has sent its share: in b = a + a;
    // c = b + b, node b waits for both edges from c. Inputs are older than the operations on them,
    // so going from young to old is such an order.
    std::sort(order_.begin(), order_.end(), comes_first);
  }
  ~BackwardOrder() { clear(); }
  const std::vector<Node*>& order() const { return order_; }
  Run& run() { return run_; }

 private:
  void add(Node* node, uint64_t use) {
    if (!node || !run_.note_use(*node, use)) return;
    order_.push_back(node);
    run_.enter(node);
  }
  void clear() {
    for (Node* node : order_) run_.leave(node);
  }

  Run run_;
  ReusedList<Node*> list_;
  std::vector<Node*>& order_ = list_.values;
};

/// Names the node in errors while its backward runs, and frees what its Saved gave.
class RunningNode {
 public:
  explicit RunningNode(Node* node) : outer_(std::exchange(running_node(), node)) {}
  ~RunningNode() {
    running_node() = outer_;
    if (linked_count() != linked_) linked_values().resize(linked_count() = linked_);
  }
  RunningNode(const RunningNode&) = delete;
  RunningNode& operator=(const RunningNode&) = delete;

 private:
  Node* outer_;
  const std::size_t linked_ = linked_count();
};

void after_accumulation(const Accumulator& node, const ObserverPause& observers) {
  if (observers && node.leaf) observers.tell(&Observer::accumulated, node, node.leaf->grad);
  if (node.hooks) call_accumulated_hooks(node);
}

/// Hands the gradient of a node's result on to its inputs.
void run_node(Node* node, const Tensor& grad, std::vector<Tensor>& grads,
              const ObserverPause& observers) {
  if (observers) observers.tell(&Observer::arrived, *node, grad);
  InputGrads input_grads(grads, node->inputs, node->input_count);
  {
    const RunningNode running(node);
    node->backward(grad, input_grads);
  }
  if (node->is_accumulator())
    return after_accumulation(static_cast<Accumulator&>(*node), observers);
  for (int k = 0; k < node->input_count; ++k) {
    Node* input = node->inputs[k].get();
    Tensor& share = grads[static_cast<std::size_t>(k)];
    if (!input || !input->wanted || !share.defined()) continue;
    share = sum_to_shape(std::move(share), *node, *input);
    if (observers) observers.tell(&Observer::gradient, *node, k, share);
    accumulate(input->grad, std::move(share));
  }
}

/// Where backward starts, and whose gradients it gives instead of adding to those of leaves.
struct Task {
  std::span<const Ref<Node>> roots;
  std::span<const Tensor> gradients;  // of the roots
  bool retain_graph, create_graph;
  std::span<const Ref<Node>> targets = {};
  std::span<Tensor> found = {};
  uint64_t oldest = 0;  // nodes before this one are the ends of a segment, and left alone
};

/// Whether the gradient of a node leads to a target through one of its inputs.
bool leads_on(const Node& node) {
  for (int k = 0; k < node.input_count; ++k) {
    if (node.inputs[k] && node.inputs[k]->wanted) return true;
  }
  return false;
}

/// Marks what has to run: the targets and what leads to them, or everything; none may be freed.
void mark_wanted(BackwardOrder& visit, std::span<const Ref<Node>> targets) {
  for (const Ref<Node>& node : targets) {
    if (visit.run().reaches(*node)) node->wanted = true;
  }
  for (auto i = visit.order().rbegin(); i != visit.order().rend(); ++i) {
    (*i)->wanted = targets.empty() || (*i)->wanted || leads_on(**i);
  }
  for (const Node* node : visit.order()) {
    if (!node->released || !node->wanted) continue;
    fail(node->name,
         "expected a graph that was not freed yet, got one whose saved values went with an earlier "
         "backward(); compute the loss anew, detach() what one step hands to the next, or pass "
         "retain_graph = true to the first call");
  }
}

/// Keeps a gradient that has arrived where it was asked for; false where it leads no further.
/// Hooks may change it, but not what grad() gives of a result on the way, as in PyTorch.
bool keep(const Task& task, const Node& node, Tensor& grad) {
  const bool is_end = node.sequence < task.oldest;
  const bool goes_on = !is_end && (task.targets.empty() || leads_on(node));
  if (node.hooks && !goes_on && !is_end) grad = call_hooks(node, std::move(grad));
  for (std::size_t i = 0; i < task.targets.size(); ++i) {
    if (task.targets[i].get() == &node) task.found[i] = grad;
  }
  if (node.hooks && goes_on) grad = call_hooks(node, std::move(grad));
  return goes_on;
}

void run_task(const Task& task) {
  const GradModeGuard mode(task.create_graph);
  const ObserverPause observers;
  if (observers) observers.tell(&Observer::started, *task.roots[0], task.gradients[0]);
  BackwardOrder visit(task.roots, task.oldest);
  mark_wanted(visit, task.targets);
  for (std::size_t i = 0; i < task.roots.size(); ++i) {
    accumulate(task.roots[i]->grad, task.gradients[i]);
  }
  ReusedList<Tensor> grads;
  for (Node* node : visit.order()) {
    if (!node->grad.defined() || !node->wanted) continue;
    Tensor grad = std::move(node->grad);
    if (!keep(task, *node, grad)) continue;
    grads.values.clear();
    grads.values.resize(static_cast<std::size_t>(node->input_count));
    try {
      run_node(node, grad, grads.values, observers);
    } catch (Error& error) {
      if (node->note) node->note->add_to(error);
      throw;
    }
    if (!task.retain_graph) node->released = node->release_saved();
  }
  visit.run().end();
}

/// The gradient that backward starts with at `output`.
Tensor start_gradient(const char* op, const Tensor& output, const Tensor& gradient,
                      bool create_graph) {
  const TensorImpl* impl = defined_impl(output, op);
  if (!output.requires_grad()) {
    fail(op,
         "expected a tensor that requires_grad, got one that neither does nor was made from one "
         "that does; "
         "call requires_grad_() on a leaf first, outside NoGradGuard");
  }
  if (!gradient.defined() && impl->numel != 1) {
    fail(op, "expected a scalar (one element) or a gradient argument, got a tensor of shape ",
         impl->sizes, "; reduce it first, for example with sum() or mean()");
  }
  if (gradient.defined() && gradient.sizes() != impl->sizes) {
    fail(op, "expected a gradient of shape ", impl->sizes, ", got ", gradient.sizes());
  }
  if (!gradient.defined()) return ones(impl->sizes, {.dtype = impl->dtype});
  const GradModeGuard mode(create_graph);
  return (create_graph ? gradient : gradient.detach()).to(impl->dtype);
}

}  // namespace

void queue_callback(std::function<void()> function) {
  const char* const op = "queue_callback";
  if (!function) fail(op, "expected a function, got none");
  Run* const run = Run::outermost();
  if (!run) {
    fail(op, "expected to be called by a hook while backward() runs, got a call outside of it");
  }
  run->call_at_end(std::move(function));
}

std::vector<Tensor> segment_gradients(std::span<const Ref<Node>> roots,
                                      std::span<const Tensor> gradients,
                                      std::span<const Ref<Node>> ends, uint64_t oldest,
                                      bool create_graph) {
  std::vector<Tensor> found(ends.size());
  if (!roots.empty()) {
    run_task({roots, gradients, create_graph, create_graph, ends, found, oldest});
  }
  return found;
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, std::optional<bool> retain_graph,
                         bool create_graph, bool allow_unused) {
  return with_memory(0, [&] {
    if (outputs.empty() || inputs.empty()) {
      fail("grad", "expected outputs and inputs, got ", outputs.size(), " and ", inputs.size());
    }
    if (!grad_outputs.empty() && grad_outputs.size() != outputs.size()) {
      fail("grad", "expected a gradient for each of the ", outputs.size(), " outputs, got ",
           grad_outputs.size(), "; an undefined Tensor stands for 1");
    }
    std::vector<Ref<Node>> roots, targets;
    std::vector<Tensor> gradients, found(inputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      gradients.push_back(start_gradient(
          "grad", outputs[i], grad_outputs.empty() ? Tensor() : grad_outputs[i], create_graph));
      roots.push_back(gradient_edge(outputs[i]));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      defined_impl(inputs[i], "grad");
      targets.push_back(gradient_edge(inputs[i]));
      if (targets.back()) continue;
      fail("grad", "expected inputs that require a gradient, got input ", i, " of shape ",
           inputs[i].sizes(),
           " that does not; call requires_grad_() before the outputs are computed");
    }
    run_task({roots, gradients, retain_graph.value_or(create_graph), create_graph, targets, found});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (found[i].defined() || allow_unused) continue;
      fail("grad", "expected inputs that the outputs depend on, got input ", i, " of shape ",
           inputs[i].sizes(),
           " that is not in their graph; pass allow_unused = true to get an "
           "undefined Tensor for it");
    }
    return found;
  });
}

}  // namespace autograd

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  const Tensor start = autograd::start_gradient("backward", *this, gradient, create_graph);
  const Ref<autograd::Node> root = autograd::gradient_edge(*this);
  with_memory(0, [&] {
    autograd::run_task({{&root, 1}, {&start, 1}, retain_graph || create_graph, create_graph});
  });
}

}  // namespace norma
