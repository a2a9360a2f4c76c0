#include "norma/layers/graph_notes.h"

#include <algorithm>
#include <utility>

#include "norma/autograd/record_many.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/text.h"

namespace norma::autograd {

Frames::Frames(const nn::Module* model) {
  if (!model) return;
  std::vector<int> above;  // the last frame on every level
  for (const auto& [path, module] : model->named_modules()) {
    const std::size_t level =
        path.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '.'));
    above.resize(level);
    const std::string type = module->type_name();
    const int around = above.empty() ? kNone : above.back();
    above.push_back(add(around, path.empty() ? type : path + ": " + type));
    by_module_[module->id()] = by_path_[path] = above.back();
  }
}

int Frames::add(int around, std::string label) {
  all_.push_back({std::move(label), around});
  return static_cast<int>(all_.size()) - 1;
}

int Frames::of(const Scope* scope) {
  std::vector<const Scope*> unknown;
  int frame = kNone;
  for (; scope; scope = scope->outer()) {
    const auto found = by_module_.find(nn::Module::of(*scope).id());
    if (found != by_module_.end()) {
      frame = found->second;
      break;
    }
    unknown.push_back(scope);
  }
  for (auto inner = unknown.rbegin(); inner != unknown.rend(); ++inner) {
    const std::string type = (*inner)->type();
    const auto [known, is_new] = by_type_.try_emplace(text(frame, ' ', type), kNone);
    if (is_new) known->second = add(frame, type);
    frame = known->second;
  }
  return frame;
}

int Frames::at(const std::string& path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? kNone : found->second;
}

GraphNotes::GraphNotes(Frames& frames)
    : frames_(frames), log_before_(std::exchange(saved_log, &log_)) {}

GraphNotes::~GraphNotes() { saved_log = log_before_; }

void GraphNotes::result(const char*, const Tensor&, Inputs inputs) {
  inputs_.clear();
  for (int i = 0; i < inputs.size(); ++i) inputs_.push_back(inputs[i]);
}

void GraphNotes::recorded(Node& node, const Tensor& out) {
  const auto* many =
      node.input_count == 1 ? dynamic_cast<ManyResults*>(node.inputs[0].get()) : nullptr;
  const Node* const operation = many ? many : &node;
  const bool goes_on = many && std::exchange(last_, many) == many;
  if (!many) last_ = nullptr;
  if (many) notes_[&node] = {};
  Note& note = notes_[operation];
  if (!goes_on) note = {};
  note.frame = frames_.of(Scope::innermost());
  if (many) notes_[&node].frame = note.frame;
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.defined() && impl_of(a)->storage.get() == impl_of(b)->storage.get();
  };
  for (Tensor& value : log_) {
    std::string what;
    for (std::size_t i = inputs_.size(); i-- > 0;) {
      if (same(inputs_[i], value)) what = text("input ", i);
    }
    if (what.empty() && same(out, value)) what = "result";
    note.kept.push_back({std::move(value), std::move(what)});
  }
  log_.clear();
  for (Tensor& input : inputs_) {
    if (input.defined() && !input.requires_grad()) note.constants.push_back(std::move(input));
  }
  inputs_.clear();
}

const GraphNotes::Note* GraphNotes::of(const Node* node) const {
  const auto found = notes_.find(node);
  return found == notes_.end() ? nullptr : &found->second;
}

}  // namespace norma::autograd
