#include "norma/layers/dot_drawing.h"

#include <algorithm>
#include <unordered_set>

#include "norma/autograd/record_many.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/text.h"
#include "norma/layers/dot_text.h"

namespace norma::autograd {

namespace {

constexpr const char* kOperation = "fillcolor=\"#e8e8e8\", style=\"rounded,filled\"";
constexpr const char* kParameter = "fillcolor=\"#bcd9f5\"";
constexpr const char* kInput = "fillcolor=\"#c9e7c3\"";
constexpr const char* kConstant = "fillcolor=\"#f4f4f4\", style=\"filled,dashed\"";
constexpr const char* kEnd = "fillcolor=\"#f7d9a8\"";

std::string shape_of(const Shape& sizes, DType dtype) { return text(sizes, " ", dtype); }

/// "1.2 MB"
std::string amount(int64_t bytes) {
  if (bytes < 1000) return text(bytes, " B");
  const double value = static_cast<double>(bytes);
  return bytes < 1000000 ? rounded(value / 1e3, 3) + " kB" : rounded(value / 1e6, 3) + " MB";
}

std::string module_path(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

}  // namespace

void Drawing::name(const Tensor& tensor, Name name) {
  if (tensor.defined()) names_[impl_of(tensor)] = std::move(name);
}

void Drawing::name(const nn::Module& model) {
  for (const auto& [name, tensor] : model.named_parameters())
    this->name(tensor, {name, "parameter", frames_.at(module_path(name))});
  for (const auto& [name, tensor] : model.named_buffers())
    this->name(tensor, {name, "buffer", frames_.at(module_path(name))});
}

const Drawing::Name* Drawing::name_of(const void* tensor) const {
  const auto found = names_.find(tensor);
  return found == names_.end() ? nullptr : &found->second;
}

void Drawing::too_many() const {
  fail("make_dot", "expected a graph of at most ", options_.max_nodes,
       " operations and leaves, got more; draw a smaller model, one layer of it or one step, or "
       "give {.max_nodes = …}");
}

std::string Drawing::put(int frame, const std::vector<std::string>& label, const char* style) {
  std::string id = text("n", ++count_);
  boxes_[frame] += text("  ", id, " [label=", dot_quoted(label), ", ", style, "];\n");
  return id;
}

void Drawing::link(const std::string& from, const std::string& to) {
  arrows_ += text("  ", from, " -> ", to, ";\n");
}

// In the order of their creation, which is one of their dependence.
void Drawing::find(const std::vector<std::pair<std::string, Tensor>>& ends) {
  std::unordered_set<const Node*> seen;
  std::vector<const Node*> next;
  const auto visit = [&](const Node* node) {
    if (!node || !seen.insert(node).second) return;
    if (static_cast<int64_t>(seen.size()) > options_.max_nodes) too_many();
    if (!node->is_accumulator()) order_.push_back(node), next.push_back(node);
  };
  for (const auto& end : ends) visit(gradient_edge(end.second).get());
  while (!next.empty()) {
    const Node& node = *next.back();
    next.pop_back();
    for (int i = 0; i < node.input_count; ++i) visit(node.inputs[i].get());
  }
  std::sort(order_.begin(), order_.end(),
            [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
}

int Drawing::frame_of(const Node& node) const {
  if (const GraphNotes::Note* note = notes_ ? notes_->of(&node) : nullptr) return note->frame;
  if (node.note) {  // detect_anomaly's
    Error error("", "");
    node.note->add_to(error);
    if (!error.module_path().empty()) return frames_.at(error.module_path());
  }
  for (int i = 0; i < node.input_count; ++i) {
    const Node* const input = node.inputs[i].get();
    if (!input || !input->is_accumulator()) continue;
    const Name* name = name_of(static_cast<const Accumulator*>(input)->leaf);
    if (name && name->frame != Frames::kNone) return name->frame;
  }
  return Frames::kNone;
}

void Drawing::draw_leaf(const Node& node) {
  if (drawn_.count(&node) > 0) return;
  const TensorImpl* const leaf = static_cast<const Accumulator&>(node).leaf;
  const Name* name = name_of(leaf);
  if (leaf && !(name && name->kind == "input")) parameters_.insert(leaf->storage.get());
  const std::string shape = shape_of(node.sizes, node.dtype);
  drawn_[&node] =
      name ? put(name->frame, {name->text, shape}, name->kind == "input" ? kInput : kParameter)
           : put(Frames::kNone, {"leaf", shape}, kInput);
}

std::string Drawing::constant(const Tensor& tensor) {
  std::string& id = drawn_[impl_of(tensor)];
  if (!id.empty()) return id;
  const Name* name = name_of(impl_of(tensor));
  const std::string shape = shape_of(tensor.sizes(), tensor.dtype());
  if (!name) return id = put(Frames::kNone, {"constant", shape}, kConstant);
  return id = put(name->frame, {name->text, shape}, name->kind == "input" ? kInput : kConstant);
}

void Drawing::draw_operation(const Node& node) {
  const GraphNotes::Note* note = notes_ ? notes_->of(&node) : nullptr;
  std::vector<std::string> label = {node.name};
  // What stands below several results has no shape of its own.
  if (!dynamic_cast<const ManyResults*>(&node)) label.push_back(shape_of(node.sizes, node.dtype));
  if (node.input_count == 1 && dynamic_cast<const ManyResults*>(node.inputs[0].get()))
    label[0] = "a result";
  static const GraphNotes::Note nothing;
  std::string kept;
  for (const GraphNotes::Kept& value : (note ? note : &nothing)->kept) {
    // One that only the notes hold was of an operation that was not recorded.
    const TensorImpl* const impl = impl_of(value.value);
    if (!options_.saved || impl->use_count() < 2) continue;
    const std::string what = value.what.empty() ? shape_of(impl->sizes, impl->dtype) : value.what;
    if (kept.find(what) == std::string::npos) kept += (kept.empty() ? "keeps " : ", ") + what;
    kept_[impl->storage.get()] = static_cast<int64_t>(impl->storage->bytes());
  }
  if (!kept.empty()) label.push_back(kept);
  if (node.released && options_.saved) label.emplace_back("freed");
  const std::string id = drawn_[&node] = put(frame_of(node), label, kOperation);
  for (int i = 0; i < node.input_count; ++i) {
    const Node* const input = node.inputs[i].get();
    if (!input) continue;
    if (input->is_accumulator()) draw_leaf(*input);
    link(drawn_[input], id);
  }
  for (const Tensor& tensor : (note ? note : &nothing)->constants) link(constant(tensor), id);
}

std::string Drawing::str(const std::vector<std::pair<std::string, Tensor>>& ends) {
  find(ends);
  for (const Node* node : order_) draw_operation(*node);
  for (const auto& [name, tensor] : ends) {
    const Ref<Node> node = gradient_edge(tensor);
    if (!node) continue;
    if (node->is_accumulator()) draw_leaf(*node);
    link(drawn_[node.get()],
         put(Frames::kNone, {name, shape_of(tensor.sizes(), tensor.dtype())}, kEnd));
  }
  int64_t bytes = 0;
  for (const auto& [storage, size] : kept_) bytes += parameters_.count(storage) > 0 ? 0 : size;
  const std::string title = text(order_.size(), order_.size() == 1 ? " operation" : " operations");
  return text("digraph {\n  graph [fontname=Helvetica, fontsize=10, labelloc=t, label=",
              dot_quoted({notes_ && options_.saved ? title + ", " + amount(bytes) +
                                                         " kept for backward besides the parameters"
                                                   : title}),
              ", color=\"#999999\", style=rounded];\n"
              "  node [fontname=Helvetica, fontsize=10, shape=box, style=filled];\n"
              "  edge [arrowsize=0.6];\n",
              framed(frames_, boxes_), arrows_, "}\n");
}

}  // namespace norma::autograd
