#include "norma/autograd/record_many.h"

#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

namespace {

/// The gradients that have arrived at the results, as one gradient of the operation, whose numbers
/// nobody reads: so the engine keeps and drops them as it does any.
struct Bundle final : TensorImpl {
  explicit Bundle(std::size_t count) : parts(count) {
    storage = impl_of(zeros({}))->storage;
    numel = 1;
  }
  std::vector<Tensor> parts;
};

}  // namespace

/// The history of one result.
class OneResult final : public Node {
 public:
  OneResult(const Ref<ManyResults>& operation, std::size_t index)
      : Node(operation->name), operation_(operation), index_(index) {
    inputs = &operation_;
    input_count = 1;
    detail::count_nodes(1);
  }
  ~OneResult() override {
    ManyResults::Result& own = operation().results_[index_];
    if (own.node == this) own.node = nullptr;
    drop_inputs();
    detail::count_nodes(-1);
  }
  void backward(const Tensor& out_grad, InputGrads& grads) override {
    if (!grads.needs(0)) return;
    Tensor& bundle = operation_->grad;
    const bool is_first = !bundle.defined();
    if (is_first) {
      grads[0] = Tensor(Ref<RefCounted>(Ref<Bundle>::make(operation().results_.size())));
    }
    auto& parts = static_cast<Bundle*>(impl_of(is_first ? grads[0] : bundle))->parts;
    Tensor& part = parts[index_];
    part = part.defined() ? part.add(out_grad) : out_grad;
  }

 private:
  ManyResults& operation() const { return static_cast<ManyResults&>(*operation_); }
  Ref<Node> operation_;
  std::size_t index_;
};

ManyResults::ManyResults(const char* op_name, std::size_t results, std::vector<Ref<Node>> edges)
    : Node(op_name), results_(results), edges_(std::move(edges)) {
  inputs = edges_.data();
  input_count = static_cast<int>(edges_.size());
  sequence = next_sequence_number();
  detail::count_nodes(1);
}

ManyResults::~ManyResults() {
  drop_inputs();
  detail::count_nodes(-1);
}

void ManyResults::backward(const Tensor& bundle, InputGrads& grads) {
  backward_many(static_cast<Bundle*>(impl_of(bundle))->parts, grads);
}

Ref<Node> ManyResults::maker_of(const TensorImpl* saved) {
  for (std::size_t i = 0; i < results_.size(); ++i) {
    Result& known = results_[i];
    if (known.memory != saved->storage.get() || known.offset != saved->offset) continue;
    if (known.node) return Ref<Node>(known.node);
    // The result itself is gone: another node hands on what its saved values get.
    const auto node = Ref<OneResult>::make(Ref<ManyResults>(this), i);
    node->sequence = next_sequence_number();
    node->sizes = known.sizes;
    node->dtype = known.dtype;
    known.node = node.get();
    return node;
  }
  return {};
}

void set_history(std::vector<Tensor>& outs, const Ref<ManyResults>& node) {
  for (std::size_t i = 0; i < outs.size(); ++i) {
    if (!outs[i].defined() || !is_floating(outs[i].dtype())) continue;
    const auto one = Ref<OneResult>::make(node, i);
    const TensorImpl* impl = impl_of(outs[i]);
    node->results_[i] = {one.get(), impl->storage.get(), impl->offset, impl->sizes, impl->dtype};
    set_history(outs[i], Ref<Node>(one));
    if (!node->note) node->note = one->note;
  }
}

}  // namespace norma::autograd
