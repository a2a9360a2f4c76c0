#include "norma/layers/summary_rows.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "norma/core/integers.h"
#include "norma/layers/module_state.h"
#include "norma/layers/multihead_attention.h"

namespace norma::nn {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

int64_t product(const Shape& sizes, int64_t from, int64_t to) {
  int64_t all = 1;
  for (int64_t i = from; i < std::min(to, sizes.size()); ++i) all = limited_product(all, sizes[i]);
  return all;
}

/// What a call that gives a tensor of this shape multiplies and adds with the parameters.
int64_t mult_adds_of(const NamedTensors& parameters, const std::string& type, const Shape& result) {
  const bool is_conv = type.find("Conv") != std::string::npos;
  int64_t sum = 0;
  for (const auto& [name, tensor] : parameters) {
    int64_t times = 0;
    if (name == "weight" || name == "bias") {
      times = product(result, 0, 1);
      if (is_conv) times = limited_product(times, product(result, 2, Shape::kMaxDims));
    } else if (name.find("weight") != std::string::npos || name.find("bias") != std::string::npos) {
      times = product(result, 0, 2);
    }
    if (__builtin_add_overflow(sum, limited_product(tensor.numel(), times), &sum)) {
      return std::numeric_limits<int64_t>::max();
    }
  }
  return sum;
}

/// Everything about a module that is the same in all its rows.
struct Entry {
  Module* module;
  std::size_t parent = kNone;
  std::vector<std::size_t> children = {};
  NamedTensors parameters = {};  // of a layer, also those that count elsewhere
  Summary::Row row = {};
  bool runs = false;  // or holds one that does
  bool is_seen = false;
};

const char* trainability(int64_t all, int64_t trainable) {
  if (all == 0) return "--";
  return trainable == 0 ? "False" : trainable == all ? "True" : "Partial";
}

class Tree {
 public:
  explicit Tree(Module& model) {
    for (auto& [path, module] : model.named_modules()) add(path, module);
    count(model.named_parameters(), [](Summary::Row& row, const Tensor& tensor) {
      row.own_params += tensor.numel();
      row.params += tensor.numel();
      if (tensor.requires_grad()) row.trainable_params += tensor.numel();
    });
    count(model.named_buffers(), [](Summary::Row& row, const Tensor& tensor) {
      row.own_buffers += tensor.numel();
      row.buffers += tensor.numel();
    });
    for (std::size_t i = entries_.size(); i-- > 0;) finish(entries_[i]);
  }

  std::vector<Summary::Row> rows(std::vector<ModuleCall> calls) {
    for (const ModuleCall& call : calls) {
      const auto found = places_.find(call.module);
      std::size_t i = found == places_.end() ? kNone : found->second;
      for (; i != kNone && !entries_[i].runs; i = entries_[i].parent) entries_[i].runs = true;
    }
    emit(0, calls.empty() || calls[0].module != entries_[0].module->id() ? nullptr : &calls[0]);
    for (std::size_t i = rows_.back().has_run ? 1 : 0; i < calls.size(); ++i) {
      const auto found = places_.find(calls[i].module);
      if (found == places_.end()) continue;  // of no module in the model
      enter(found->second);
      emit(found->second, &calls[i]);
    }
    close(0);
    number();
    return std::move(rows_);
  }

 private:
  void add(const std::string& path, Module* module) {
    Entry entry{module};
    entry.row.path = path;
    entry.row.type = module->type_name();
    entry.row.depth = path.empty() ? 0 : 1 + std::count(path.begin(), path.end(), '.');
    // Parents come first: the last module that stands one level higher is the one it stands in.
    last_.resize(static_cast<std::size_t>(entry.row.depth));
    if (!last_.empty()) {
      entry.parent = last_.back();
      entries_[entry.parent].children.push_back(entries_.size());
      entries_[entry.parent].row.is_layer = false;
    }
    last_.push_back(entries_.size());
    places_[module->id()] = entries_.size();
    entries_.push_back(std::move(entry));
  }

  /// Adds the tensors, which come in the order of their modules, to what the modules have.
  template <class Add>
  void count(const NamedTensors& tensors, const Add& add_to) {
    std::size_t at = 0;
    for (const auto& [name, tensor] : tensors) {
      const std::size_t dot = name.rfind('.');
      const std::string_view path(name.data(), dot == std::string::npos ? 0 : dot);
      while (entries_[at].row.path != path) ++at;
      add_to(entries_[at].row, tensor);
    }
  }

  /// Called for children before their parents.
  void finish(Entry& entry) {
    Summary::Row& row = entry.row;
    row.trainable = trainability(row.params, row.trainable_params);
    if (row.is_layer || dynamic_cast<const MultiheadAttention*>(entry.module)) {
      entry.parameters = entry.module->named_parameters();
    }
    if (row.is_layer) {
      int64_t all = 0, trainable = 0;
      for (const auto& [name, tensor] : entry.parameters) {
        all += tensor.numel();
        if (tensor.requires_grad()) trainable += tensor.numel();
      }
      row.trainable = trainability(all, trainable);
      row.is_shared = all > 0 && row.params == 0;
    } else {
      // Its projection is a module of its own.
      std::erase_if(entry.parameters, [](const auto& p) { return has_dot(p.first); });
    }
    if (entry.parent == kNone) return;
    Summary::Row& above = entries_[entry.parent].row;
    above.params += row.params;
    above.trainable_params += row.trainable_params;
    above.buffers += row.buffers;
  }
  static bool has_dot(const std::string& name) { return name.find('.') != std::string::npos; }

  void emit(std::size_t i, ModuleCall* call) {
    Entry& entry = entries_[i];
    Summary::Row& row = rows_.emplace_back(entry.row);
    row.is_recursive = std::exchange(entry.is_seen, true);
    open_.push_back({i, !row.is_recursive});
    if (!call) return;
    row.has_run = true;
    row.inputs = std::move(call->inputs);
    row.outputs = std::move(call->outputs);
    row.output_bytes = call->output_bytes;
    if (!row.outputs.empty())
      row.mult_adds = mult_adds_of(entry.parameters, row.type, row.outputs[0]);
  }

  /// Rows for those around module i that have none at this place.
  void enter(std::size_t i) {
    std::vector<std::size_t> missing;
    const auto is_open = [&](std::size_t module) {
      const auto depth = static_cast<std::size_t>(entries_[module].row.depth);
      return depth < open_.size() && open_[depth].module == module;
    };
    std::size_t around = entries_[i].parent;
    for (; around != kNone && !is_open(around); around = entries_[around].parent) {
      missing.push_back(around);
    }
    if (around == kNone) missing.clear();  // the model, called in itself
    close(around == kNone ? 0 : static_cast<std::size_t>(entries_[around].row.depth) + 1);
    for (auto module = missing.rbegin(); module != missing.rend(); ++module) emit(*module, nullptr);
  }

  /// Ends the rows that stand `depth` levels down or lower: behind the last row in one come the
  /// modules in it that never ran.
  void close(std::size_t depth) {
    while (open_.size() > depth) {
      const Open last = open_.back();
      open_.pop_back();
      if (last.is_first) emit_idle(last.module);
    }
  }

  void emit_idle(std::size_t parent) {
    std::vector<std::size_t> next = {parent};
    while (!next.empty()) {
      const Entry& entry = entries_[next.back()];
      if (next.back() != parent) rows_.push_back(entry.row);
      next.pop_back();
      for (auto child = entry.children.rbegin(); child != entry.children.rend(); ++child) {
        if (!entries_[*child].runs) next.push_back(*child);
      }
    }
  }

  void number() {
    std::vector<int64_t> count;
    for (Summary::Row& row : rows_) {
      const auto depth = static_cast<std::size_t>(row.depth);
      if (count.size() <= depth) count.resize(depth + 1);
      row.index = ++count[depth];
    }
  }

  struct Open {
    std::size_t module;
    bool is_first;
  };
  std::vector<Entry> entries_;
  std::unordered_map<const void*, std::size_t> places_;
  std::vector<std::size_t> last_;  // on every level, while the tree grows
  std::vector<Open> open_;         // the row on every level whose modules come now
  std::vector<Summary::Row> rows_;
};

}  // namespace

std::vector<Summary::Row> rows_of(Module& model, std::vector<ModuleCall> calls) {
  return Tree(model).rows(std::move(calls));
}

}  // namespace norma::nn
