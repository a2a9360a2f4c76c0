// What tensors know of the graph: nodes, saved values, histories of views and of in-place changes.
#include "norma/autograd/node.h"

#include <atomic>
#include <cctype>
#include <string>
#include <utility>

#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/elementwise.h"
#include "norma/core/tensor_impl.h"

namespace norma {

namespace {
thread_local bool grad_mode = true;
}

bool grad_enabled() { return grad_mode; }
NoGradGuard::NoGradGuard() : before_(std::exchange(grad_mode, false)) {}
NoGradGuard::~NoGradGuard() { grad_mode = before_; }

namespace autograd {

namespace {

std::atomic<int64_t> node_count{0};
std::atomic<uint64_t> next_sequence{1};

/// A leaf's accumulator must not write to a tensor that has another history now.
void set_node(TensorImpl* impl, Ref<History> node) {
  if (impl->node) impl->node->forget(impl);
  impl->node = std::move(node);
}

/// Elements from the first to the last that a geometry reaches, gaps included.
int64_t extent(const Shape& sizes, const Shape& strides) {
  int64_t last = 0;
  for (int64_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

/// Puts the values of `part` into a region of `base` and is the base's new history after an
/// in-place change of that view: the gradient of the region goes to the view's history, the rest to
/// the old one.
Tensor replace_region(const Tensor& base, const Tensor& part, const Shape& sizes,
                      const Shape& strides, int64_t offset) {
  const Tensor result = alias(base, base.sizes(), base.strides(), base.storage_offset());
  const int64_t shift = offset - base.storage_offset();
  const Shape layout = base.strides();
  return record("replace_region", result, {&base, &part}, [=](const Tensor& g, InputGrads& d) {
    // The same layout as the base, so that the region has the same strides in the gradient.
    const Tensor memory = new_tensor({extent(g.sizes(), layout)}, g.dtype());
    const Tensor laid_out = alias(memory, g.sizes(), layout, 0);
    kernels::copy(laid_out, g);
    const Tensor region = alias(laid_out, sizes, strides, shift);
    d[1] = region.clone();
    kernels::copy(region, zeros(Shape{}, {.dtype = g.dtype()}));
    d[0] = laid_out;
  });
}

/// `base` seen through a geometry: the history of a view after its base was changed in place.
Tensor region_of(const Tensor& base, const Shape& sizes, const Shape& strides, int64_t offset) {
  const Tensor result = alias(base, sizes, strides, offset);
  const int64_t shift = offset - base.storage_offset();
  const Shape base_sizes = base.sizes(), layout = base.strides();
  return record("region_of", result, {&base}, [=](const Tensor& g, InputGrads& d) {
    const Tensor memory = zeros({extent(base_sizes, layout)}, {.dtype = g.dtype()});
    const Tensor laid_out = alias(memory, base_sizes, layout, 0);
    // Where expand() repeats an element, its gradients add up.
    Shape once = sizes, repeated;
    for (int64_t i = 0; i < sizes.size(); ++i) {
      if (strides[i] != 0 || sizes[i] == 1) continue;
      once[i] = 1;
      repeated.push_back(i);
    }
    kernels::copy(alias(laid_out, once, strides, shift),
                  repeated.empty() ? g : g.sum(repeated, true));
    d[0] = laid_out;
  });
}

/// The history of a view is that of its base as soon as their memory was changed in place.
void refresh_view(TensorImpl* impl) {
  if (!impl->base || impl->base_version == impl->storage->version()) return;
  impl->base_version = impl->storage->version();
  // After set_data() the base lives elsewhere.
  if (impl->base->storage.get() != impl->storage.get()) return impl->base.reset();
  if (!impl->base->requires_grad) return;
  const Tensor base{Ref<RefCounted>(impl->base)};
  const RecordingGuard recording;
  const Tensor fresh = region_of(base, impl->sizes, impl->strides, impl->offset);
  set_node(impl, fresh.impl()->node);
  impl->has_history = impl->requires_grad = true;
}

bool shares_elements(const TensorImpl* impl) {
  for (int64_t i = 0; i < impl->sizes.size(); ++i) {
    if (impl->sizes[i] > 1 && impl->strides[i] == 0) return true;
  }
  return false;
}

}  // namespace

const Node*& running_node() {
  thread_local const Node* node = nullptr;
  return node;
}

bool is_exclusive(const Tensor& tensor) {
  const TensorImpl* impl = tensor.impl();
  return impl->use_count() == 1 && impl->storage->use_count() == 1 && impl->contiguous;
}

bool is_disposable(const Tensor& operand) {
  const TensorImpl* impl = operand.impl();
  const bool is_leaf = impl->requires_grad && !impl->has_history;
  return is_exclusive(operand) && impl->storage->owned() && !impl->base && !is_leaf &&
         static_cast<std::size_t>(impl->numel * item_size(impl->dtype)) == impl->storage->bytes() &&
         !is_watched();
}

bool InputGrads::needs(int i) const { return static_cast<bool>(inputs_[i]); }

Node::Node(const char* op_name) : name(op_name) {}

void Node::drop_inputs() noexcept {
  thread_local std::vector<Ref<Node>> waiting;
  thread_local bool draining = false;
  for (int i = 0; i < input_count; ++i) {
    // An input taken twice is let go twice: only the last time, nobody else holds it.
    Ref<Node> input = std::move(inputs[i]);
    if (input && input->use_count() == 1) waiting.push_back(std::move(input));
  }
  if (draining) return;
  draining = true;
  while (!waiting.empty()) {
    const Ref<Node> last = std::move(waiting.back());
    waiting.pop_back();
  }
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
  if (!leaf || !leaf->requires_grad) return;
  if (leaf->grad.defined()) {
    leaf->grad.add_(out_grad);
  } else {
    leaf->grad = is_exclusive(out_grad) ? out_grad : out_grad.clone();
  }
}

namespace {

// Whether these are the values of a leaf that the operation gives a gradient.
bool is_leaf_of(const Node* node, const Tensor& value) {
  for (int k = 0; node && k < node->input_count; ++k) {
    const Node* input = node->inputs[k].get();
    if (!input || !input->is_accumulator()) continue;
    const TensorImpl* leaf = static_cast<const Accumulator*>(input)->leaf;
    if (leaf && leaf->storage.get() == value.impl()->storage.get()) return true;
  }
  return false;
}

}  // namespace

Saved::Saved(const Tensor& tensor) {
  if (!tensor.defined()) return;
  const TensorImpl* impl = tensor.impl();
  value_ = alias(tensor, impl->sizes, impl->strides, impl->offset);
  version_ = impl->storage->version();
}

const Tensor& Saved::get() const {
  if (value_.defined() && value_.version() != version_) {
    fail(running_node() ? running_node()->name : "backward",
         "expected the values that backward needs as they were, got a tensor of shape " +
             value_.sizes().str() + " that was changed in place since: it is at version " +
             std::to_string(value_.version()) + ", expected version " + std::to_string(version_) +
             (is_leaf_of(running_node(), value_)
                  ? "; parameters may change, as by an optimiser's step(), only after the last "
                    "backward() that needs them"
                  : "; use an out-of-place operation or clone()"));
  }
  return value_;
}

bool recording(Inputs inputs) {
  if (!grad_mode) return false;
  for (int i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && inputs[i].requires_grad()) return true;
  }
  return false;
}

void tell_result(const char* op, const Tensor& out, Inputs inputs, Inputs read_besides) {
  std::vector<const Tensor*> all;
  for (int i = 0; i < inputs.size(); ++i) all.push_back(&inputs[i]);
  for (int i = 0; i < read_besides.size(); ++i) all.push_back(&read_besides[i]);
  ObserverPause().tell(&Observer::result, op, out, all);
}

RecordingGuard::RecordingGuard() : before_(std::exchange(grad_mode, true)) {}
RecordingGuard::~RecordingGuard() { grad_mode = before_; }

Ref<Node> gradient_edge(const Tensor& tensor) {
  if (!tensor.defined() || !tensor.requires_grad()) return {};
  TensorImpl* impl = tensor.impl();
  if (!impl->node) impl->node = Ref<History>(new Accumulator(impl));
  return Ref<Node>(static_cast<Node*>(impl->node.get()));
}

void set_history(Tensor& out, const Ref<Node>& node) {
  TensorImpl* impl = out.impl();
  // Only now: asking an input for its edge may have made nodes for views.
  node->sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  node->sizes = impl->sizes;
  node->dtype = impl->dtype;
  impl->node = Ref<History>(node);
  impl->has_history = impl->requires_grad = true;
  impl->base_version = impl->storage->version();
  if (observer()) ObserverPause().tell(&Observer::recorded, *node, out);
}

Tensor result_memory(const Tensor& operand, const Shape& sizes, DType dtype) {
  const TensorImpl* impl = operand.impl();
  const bool fits = impl->dtype == dtype && impl->sizes == sizes && is_disposable(operand);
  return fits ? alias(operand, sizes, impl->strides, 0) : new_tensor(sizes, dtype);
}

bool absorb_relu(const Tensor& operand, Tensor& out) {
  TensorImpl *from = operand.impl(), *to = out.impl();
  if (!recording({&operand}) || from->storage.get() != to->storage.get()) return false;
  // Backward finds the signs again from what the operation gave, as it was.
  if (from->storage->version() != 0) return false;
  if (!from->node || from->node->use_count() != 1) return false;
  Node* const node = static_cast<Node*>(from->node.get());
  if (!node->absorb_relu()) return false;
  to->node = std::move(from->node);
  to->has_history = to->requires_grad = true;
  to->base_version = to->storage->version();
  return true;
}

Tensor make_view(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset) {
  Tensor view = alias(self, sizes, strides, offset);
  // A view made under NoGradGuard stays outside the graph, like detach()'s.
  if (!grad_mode && self.requires_grad()) return view;
  TensorImpl *impl = view.impl(), *from = self.impl();
  impl->base = from->base ? from->base : Ref<TensorImpl>(from);
  impl->base_version = impl->storage->version();
  return view;
}

void check_in_place(const char* op, const Tensor& target) {
  TensorImpl* impl = defined_impl(target, op);
  if (grad_mode) {
    const bool is_leaf = impl->requires_grad && !impl->has_history;
    const bool of_leaf = impl->base && impl->base->requires_grad && !impl->base->has_history;
    if (is_leaf || of_leaf) {
      fail(op, std::string("expected a tensor that may change in place, got ") +
                   (is_leaf ? "a" : "a view of a") + " leaf that requires_grad, of shape " +
                   impl->sizes.str() +
                   "; change it under NoGradGuard, or use the out-of-place operation");
    }
  }
  if (shares_elements(impl) || (grad_mode && impl->base && shares_elements(impl->base.get()))) {
    fail(
        op,
        "expected a tensor whose elements have memory of their own, got an expanded one of shape " +
            impl->sizes.str() + "; clone() it first");
  }
}

Tensor& assign(const char* op, Tensor& target, const Tensor& result) {
  check_in_place(op, target);
  TensorImpl* impl = target.impl();
  if (!(broadcast_shapes(impl->sizes, result.sizes(), op) == impl->sizes)) {
    fail(op, "expected an operand that broadcasts to the shape " + impl->sizes.str() +
                 " that changes in place, got a "
                 "result of shape " +
                 result.sizes().str());
  }
  if ((is_floating(result.dtype()) && !is_floating(impl->dtype)) ||
      (impl->dtype == kBool && result.dtype() != kBool)) {
    fail(op, std::string("expected a result that fits the dtype ") + dtype_name(impl->dtype) +
                 " that changes in place, got " + dtype_name(result.dtype()));
  }
  const Tensor expanded = result.sizes() == impl->sizes ? result : result.expand(impl->sizes);
  kernels::copy(target, expanded);
  impl->storage->bump_version();
  if (!grad_mode || !expanded.requires_grad()) {
    impl->base_version = impl->storage->version();
    return target;
  }
  set_node(impl, gradient_edge(expanded));
  impl->has_history = impl->requires_grad = true;
  impl->base_version = impl->storage->version();
  if (impl->base) {
    const Tensor base{Ref<RefCounted>(impl->base)};
    const Tensor changed = replace_region(base, target, impl->sizes, impl->strides, impl->offset);
    set_node(impl->base.get(), changed.impl()->node);
    impl->base->has_history = impl->base->requires_grad = true;
  }
  return target;
}

}  // namespace autograd

bool Tensor::requires_grad() const {
  TensorImpl* impl = defined_impl(*this, "requires_grad");
  if (impl->base) autograd::refresh_view(impl);
  return impl->requires_grad;
}

Tensor& Tensor::requires_grad_(bool on) {
  TensorImpl* impl = defined_impl(*this, "requires_grad_");
  if (on && !is_floating(impl->dtype)) {
    fail("requires_grad_",
         std::string("expected a floating tensor, got ") + dtype_name(impl->dtype));
  }
  if (!on && impl->has_history) {
    fail("requires_grad_",
         "expected a leaf, got the result of " + grad_fn_name() + "; use detach()");
  }
  impl->requires_grad = on;
  return *this;
}

bool Tensor::is_leaf() const {
  TensorImpl* impl = defined_impl(*this, "is_leaf");
  if (impl->base) autograd::refresh_view(impl);
  return !impl->has_history;
}

std::string Tensor::grad_fn_name() const {
  return is_leaf() ? "" : static_cast<autograd::Node*>(impl()->node.get())->name;
}

Tensor Tensor::grad() const { return defined_impl(*this, "grad")->grad; }

void Tensor::set_grad(const Tensor& grad) {
  TensorImpl* impl = defined_impl(*this, "set_grad");
  if (grad.defined() && (!(grad.sizes() == impl->sizes) || grad.dtype() != impl->dtype)) {
    fail("set_grad", "expected a gradient of shape " + impl->sizes.str() + " and dtype " +
                         dtype_name(impl->dtype) + ", got " + grad.sizes().str() + " and " +
                         dtype_name(grad.dtype()));
  }
  if (grad.is_same(*this)) {
    fail("set_grad", "expected a tensor of its own, got the tensor itself; clone() it first");
  }
  impl->grad = grad;
}

Tensor Tensor::detach() const {
  const TensorImpl* impl = defined_impl(*this, "detach");
  return alias(*this, impl->sizes, impl->strides, impl->offset);
}

void Tensor::set_data(const Tensor& other) {
  TensorImpl *impl = defined_impl(*this, "set_data"), *from = defined_impl(other, "set_data");
  if (impl->has_history || impl->base) {
    fail("set_data", "expected a leaf, got a view or the result of an operation");
  }
  if (impl->requires_grad && !is_floating(from->dtype)) {
    fail("set_data", std::string("expected floating values for a tensor that requires_grad, got ") +
                         dtype_name(from->dtype));
  }
  if (impl->node) impl->node->forget(impl);
  impl->node.reset();
  impl->grad = Tensor();
  impl->storage = from->storage;
  impl->offset = from->offset;
  impl->sizes = from->sizes;
  impl->strides = from->strides;
  impl->numel = from->numel;
  impl->dtype = from->dtype;
  impl->contiguous = from->contiguous;
}

}  // namespace norma
