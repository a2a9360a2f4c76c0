#include "trace.h"

#include "norma/core/tensor_impl.h"

namespace norma::onnx {

using autograd::Node;

const Setting* Step::find(const std::string& name) const {
  for (const Setting& setting : settings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::string running_path() {
  const autograd::Scope* const scope = autograd::Scope::innermost();
  return scope ? scope->path() : "";
}

std::string place_of(const std::string& op, const std::string& path) {
  return op + " in " + (path.empty() ? "the model" : path);
}

Trace::Memory Trace::memory_of(const Tensor& tensor) {
  const TensorImpl* const impl = impl_of(tensor);
  // Steps of dimensions with one element mean nothing.
  std::vector<int64_t> strides = impl->strides.vec();
  for (int64_t i = 0; i < impl->sizes.size(); ++i) {
    if (impl->sizes[i] == 1) strides[static_cast<std::size_t>(i)] = 0;
  }
  return {impl->storage.get(), impl->offset, impl->sizes.vec(), strides};
}

Trace::Trace(const std::vector<Tensor>& given, std::unordered_set<const void*> own)
    : own_(std::move(own)) {
  for (const Tensor& tensor : given) inputs.push_back(add(tensor, -1, true));
}

int Trace::add(const Tensor& tensor, int step, bool depends) {
  const int at = static_cast<int>(values.size());
  // Without its history: the graph is not to live as long as the trace. What becomes a constant may
  // change in place afterwards.
  const bool keeps_values = depends || own_.contains(impl_of(tensor)->storage.get());
  values.push_back({keeps_values ? tensor.detach() : tensor.detach().clone(), step, depends});
  const Ref<Storage>& memory = impl_of(tensor)->storage;
  by_memory_[memory_of(tensor)] = {at, memory->version(), memory};
  return at;
}

int Trace::known(const Tensor& tensor) {
  const auto found = by_memory_.find(memory_of(tensor));
  const uint64_t version = impl_of(tensor)->storage->version();
  if (found != by_memory_.end() && found->second.version == version) return found->second.value;
  // Changed in place: what is recorded has led the history there.
  if (tensor.requires_grad() && !tensor.is_leaf()) {
    const auto node = by_node_.find(autograd::gradient_edge(tensor).get());
    if (node != by_node_.end()) return node->second;
  }
  return -1;
}

int Trace::find(const std::string& op, const Tensor& tensor) {
  if (!tensor.defined()) return -1;
  if (const int value = known(tensor); value >= 0) return value;
  const TensorImpl* const impl = impl_of(tensor);
  if (impl->base && impl->base->storage.get() == impl->storage.get()) {
    // A view of a tensor that was changed in place.
    const Tensor base{Ref<RefCounted>(impl->base)};
    const int whole = known(base);
    if (whole >= 0 && values[std::size_t(whole)].depends) {
      const int64_t offset = impl->offset - impl_of(base)->offset;
      Step step{"region_of", running_path(), {}, {whole}, static_cast<int>(values.size())};
      step.settings = {{"layout", 0, base.strides(), ""},
                       {"size", 0, tensor.sizes(), ""},
                       {"stride", 0, tensor.strides(), ""},
                       {"offset", offset, {}, ""}};
      steps.push_back(std::move(step));
      return add(tensor, static_cast<int>(steps.size()) - 1, true);
    }
  }
  const auto before = by_memory_.find(memory_of(tensor));
  if (before != by_memory_.end() && values[std::size_t(before->second.value)].depends) {
    fail(kOp, "expected values that can be followed, got a tensor ", tensor.sizes(),
         " that was changed in place outside of the graph, as input of ",
         place_of(op, running_path()), "; compute a new tensor");
  }
  return add(tensor, -1, false);
}

/// The base of a region that was written just now.
int Trace::find_changed(const Step& step, const Tensor& base) {
  const auto seen = by_memory_.find(memory_of(base));
  const uint64_t version = impl_of(base)->storage->version();
  if (seen != by_memory_.end() && seen->second.version + 1 == version) return seen->second.value;
  const std::size_t before = values.size();
  const int value = find(step.op, base);
  if (values.size() == before || own_.contains(impl_of(base)->storage.get())) return value;
  // A constant, of which nobody has seen the region.
  const Shape &sizes = *step.find("size")->list, &strides = *step.find("stride")->list;
  const auto offset = step.find("offset")->number.to<int64_t>();
  int64_t end = offset + 1;
  for (int64_t i = 0; i < sizes.size(); ++i) end += (sizes[i] - 1) * strides[i];
  if (base.is_contiguous() && offset >= 0 && end <= base.numel())
    values.back().tensor.as_strided(sizes, strides, offset).zero_();
  return value;
}

void Trace::computed(const autograd::Operation& op, const Tensor& out, autograd::Inputs in) {
  Step step{op.name, running_path(), {}, {}, -1};
  for (const autograd::Option& option : op.options) {
    Setting kept{option.name, option.number, {}, option.word ? option.word : ""};
    if (option.list) kept.list = *option.list;
    step.settings.push_back(kept);
  }
  bool depends = false;
  for (int i = 0; i < in.size(); ++i) {
    int value = -1;
    if (i == 0 && step.op == "replace_region") {
      value = find_changed(step, in[i]);
    } else if (i != 0 || step.op != "assign") {  // which overwrites the first one
      value = find(step.op, in[i]);
    }
    step.inputs.push_back(value);
    if (value >= 0) depends |= values[std::size_t(value)].depends;
  }
  step.output = add(out, static_cast<int>(steps.size()), depends);
  steps.push_back(std::move(step));
  // Told once more, as a whole, after its parts.
  if (out.requires_grad() && !out.is_leaf())
    follow(autograd::gradient_edge(out), steps.back().output);
}

void Trace::follow(const Ref<Node>& node, int value) {
  by_node_[node.get()] = value;
  nodes_.push_back(node);
}

void Trace::recorded(Node& node, const Tensor& out) {
  const auto found = by_memory_.find(memory_of(out));
  if (found != by_memory_.end()) follow(Ref<Node>(&node), found->second.value);
}

void Trace::finish(const std::vector<Tensor>& results) {
  for (const Tensor& result : results) outputs.push_back(find("the model's result", result));
  std::vector<bool> wanted(values.size(), false);
  for (const int value : outputs) wanted[std::size_t(value)] = true;
  for (std::size_t i = steps.size(); i-- > 0;) {
    const Step& step = steps[i];
    const auto out = static_cast<std::size_t>(step.output);
    if (!wanted[out] || !values[out].depends) continue;
    for (const int value : step.inputs) {
      if (value >= 0) wanted[std::size_t(value)] = true;
    }
  }
  std::vector<Step> kept;
  for (Step& step : steps) {
    const auto out = static_cast<std::size_t>(step.output);
    if (!wanted[out] || !values[out].depends) {
      values[out].step = -1;
      continue;
    }
    values[out].step = static_cast<int>(kept.size());
    kept.push_back(std::move(step));
  }
  steps = std::move(kept);
  by_memory_.clear();
  by_node_.clear();
  nodes_.clear();
}

}  // namespace norma::onnx
