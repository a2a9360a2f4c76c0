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

Trace::Trace(const std::vector<Tensor>& given) {
  for (const Tensor& tensor : given) inputs.push_back(add(tensor, -1, true));
}

int Trace::add(const Tensor& tensor, int step, bool depends) {
  const int at = static_cast<int>(values.size());
  // Without its history: the graph is not to live as long as the trace.
  values.push_back({tensor.detach(), step, depends});
  by_memory_[memory_of(tensor)] = {at, impl_of(tensor)->storage->version()};
  return at;
}

int Trace::find(const std::string& op, const Tensor& tensor) {
  if (!tensor.defined()) return -1;
  const auto known = by_memory_.find(memory_of(tensor));
  const uint64_t version = impl_of(tensor)->storage->version();
  if (known != by_memory_.end() && known->second.version == version) return known->second.value;
  // Changed in place: what is recorded has led the history there.
  if (tensor.requires_grad() && !tensor.is_leaf()) {
    const auto node = by_node_.find(autograd::gradient_edge(tensor).get());
    if (node != by_node_.end()) return node->second;
  }
  if (known != by_memory_.end() && values[std::size_t(known->second.value)].depends) {
    fail(kOp, "expected values that can be followed, got a tensor ", tensor.sizes(),
         " that was changed in place outside of the graph, as input of ",
         place_of(op, running_path()), "; compute a new tensor");
  }
  return add(tensor, -1, false);
}

void Trace::computed(const autograd::Operation& op, const Tensor& out, autograd::Inputs in) {
  // Some are made of others alone, which were told before: cdist, nansum.
  const auto parts = by_memory_.find(memory_of(out));
  const bool is_known = parts != by_memory_.end() &&
                        parts->second.version == impl_of(out)->storage->version() &&
                        values[std::size_t(parts->second.value)].depends;
  if (is_known && (op.name == std::string_view("cdist") || op.name == std::string_view("nansum")))
    return;
  Step step{op.name, running_path(), {}, {}, -1};
  bool depends = false;
  for (int i = 0; i < in.size(); ++i) {
    step.inputs.push_back(find(op.name, in[i]));
    if (step.inputs.back() >= 0) depends |= values[std::size_t(step.inputs.back())].depends;
  }
  for (const autograd::Option& option : op.options) {
    Setting kept{option.name, option.number, {}, option.word ? option.word : ""};
    if (option.list) kept.list = *option.list;
    step.settings.push_back(kept);
  }
  step.output = add(out, static_cast<int>(steps.size()), depends);
  steps.push_back(std::move(step));
}

void Trace::recorded(Node& node, const Tensor& out) {
  const auto known = by_memory_.find(memory_of(out));
  if (known == by_memory_.end()) return;
  by_node_[&node] = known->second.value;
  nodes_.emplace_back(&node);
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
