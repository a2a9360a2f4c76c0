// Nodes, their edges and the values they save.
#include "norma/autograd/node.h"

#include <atomic>
#include <utility>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/saved_log.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

namespace {
std::atomic<int64_t> node_count{0};
std::atomic<uint64_t> next_sequence{1};
}  // namespace

constinit thread_local std::vector<Tensor>* saved_log = nullptr;

uint64_t next_sequence_number() { return next_sequence.fetch_add(1, std::memory_order_relaxed); }

Node*& running_node() {
  thread_local Node* node = nullptr;
  return node;
}

std::size_t& linked_count() {
  static constinit thread_local std::size_t count = 0;
  return count;
}

std::deque<Tensor>& linked_values() {
  thread_local std::deque<Tensor> values;
  return values;
}

bool InputGrads::needs(int i) const { return inputs_[i] && inputs_[i]->wanted; }

Node::Node(const char* op_name) : name(op_name) {}

Ref<Node> Node::maker_of(const TensorImpl* saved) {
  return Ref<Node>(saved->storage.get() == result ? this : nullptr);
}

void Node::drop_inputs() noexcept {
  // A list through the nodes, which needs no memory and no destructor at a thread's end.
  constinit thread_local Node* dying = nullptr;
  constinit thread_local bool draining = false;
  for (int i = 0; i < input_count; ++i) {
    // If both inputs are the same node, only the second release finds a count of 1.
    Ref<Node> input = std::move(inputs[i]);
    if (!input || input->use_count() != 1) continue;
    input->next_dying = std::exchange(dying, input.get());
    input.give_up();
  }
  if (draining) return;
  draining = true;
  while (dying) std::exchange(dying, dying->next_dying)->release();
  draining = false;
}

int64_t live_nodes() { return node_count.load(std::memory_order_relaxed); }
void detail::count_nodes(int64_t change) {
  node_count.fetch_add(change, std::memory_order_relaxed);
}

Accumulator::Accumulator(TensorImpl* leaf_impl) : Node("accumulate_grad"), leaf(leaf_impl) {
  sizes = leaf->sizes;
  dtype = leaf->dtype;
}

void Accumulator::backward(const Tensor& out_grad, InputGrads&) {
  if (leaf && leaf->requires_grad) add_gradient(leaf->grad, out_grad);
}

void add_gradient(Tensor& total, const Tensor& arrived) {
  // What a hook returned may have a history.
  if (!grad_enabled() && arrived.requires_grad()) return add_gradient(total, arrived.detach());
  if (!total.defined()) {
    total = is_exclusive(arrived) ? arrived : arrived.clone();
  } else if (grad_enabled()) {
    total = total.add(arrived);
  } else {
    total.add_(arrived);
  }
}

namespace {

// Whether these are the values of a leaf that the operation gives a gradient.
bool is_leaf_of(const Node* node, const Tensor& value) {
  for (int k = 0; node && k < node->input_count; ++k) {
    const Node* input = node->inputs[k].get();
    if (!input || !input->is_accumulator()) continue;
    const TensorImpl* leaf = static_cast<const Accumulator*>(input)->leaf;
    if (leaf && leaf->storage.get() == impl_of(value)->storage.get()) return true;
  }
  return false;
}

}  // namespace

Saved::Saved(const Tensor& values, const Tensor& input) {
  if (!values.defined()) return;
  const TensorImpl* impl = impl_of(values);
  value_ = alias(values, impl->sizes, impl->strides, impl->offset);
  version_ = impl->storage->version();
  if (saved_log) saved_log->push_back(value_);
  const TensorImpl* const own = impl_of(input);
  if (!grad_enabled() || !(own->base ? input.requires_grad() : own->requires_grad)) return;
  if (!own->node) gradient_edge(input);  // a leaf's, which the leaf keeps
  source_ = static_cast<const Node*>(own->node.get());
}

// The value as an input or the result of the running operation.
const Tensor& Saved::linked() const {
  Node* const node = running_node();
  Ref<Node> history;
  for (int k = 0; source_ && k < node->input_count && !history; ++k) {
    if (node->inputs[k].get() == source_) history = node->inputs[k];
  }
  if (!source_) history = node->maker_of(impl_of(value_));
  if (!source_ && history && (!value_.is_contiguous() || value_.sizes() != history->sizes)) {
    fail(node->name, "expected a saved result as it is, got a view of it of shape ", value_.sizes(),
         ": create_graph cannot differentiate by it");
  }
  if (source_ && !history) {
    fail(node->name, "expected saved values of its inputs, got those of another tensor of shape ",
         value_.sizes(),
         " that requires_grad: create_graph cannot differentiate by it; save an "
         "input of record(), or detach() it");
  }
  if (!history) return value_;
  const TensorImpl* impl = impl_of(value_);
  Tensor& value =
      linked_values().emplace_back(alias(value_, impl->sizes, impl->strides, impl->offset));
  linked_count() = linked_values().size();
  impl_of(value)->node = std::move(history);
  impl_of(value)->has_history = impl_of(value)->requires_grad = true;
  return value;
}

const Tensor& Saved::get() const {
  if (value_.defined() && value_.version() != version_) {
    fail(running_node() ? running_node()->name : "backward",
         "expected the values that backward needs as they were, got a tensor of shape ",
         value_.sizes(), " that was changed in place since: it is at version ", value_.version(),
         ", expected version ", version_,
         is_leaf_of(running_node(), value_)
             ? "; parameters may change, as by an optimiser's step(), only after the last "
               "backward() that needs them"
             : "; use an out-of-place operation or clone()");
  }
  return grad_enabled() && value_.defined() && running_node() ? linked() : value_;
}

Ref<Node> gradient_edge(const Tensor& tensor) {
  if (!tensor.defined() || !tensor.requires_grad()) return {};
  TensorImpl* impl = impl_of(tensor);
  if (!impl->node) impl->node = Ref<GraphNode>(new Accumulator(impl));
  return Ref<Node>(static_cast<Node*>(impl->node.get()));
}

void set_history(Tensor& out, const Ref<Node>& node) {
  TensorImpl* impl = impl_of(out);
  // Numbered last: gradient_edge() may itself have created (older) nodes for views.
  node->sequence = next_sequence_number();
  node->result = impl->storage.get();
  node->sizes = impl->sizes;
  node->dtype = impl->dtype;
  impl->node = Ref<GraphNode>(node);
  impl->has_history = impl->requires_grad = true;
  impl->base_version = impl->storage->version();
  if (observer()) ObserverPause().tell(&Observer::recorded, *node, out);
}

}  // namespace norma::autograd
