// A graph as text for Graphviz. For Norma's own sources.
#pragma once
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "norma/layers/dot_options.h"
#include "norma/layers/graph_notes.h"

namespace norma::autograd {

class Drawing {
 public:
  /// `notes`: null where nobody watched.
  Drawing(const Frames& frames, const GraphNotes* notes, const DotOptions& options)
      : frames_(frames), notes_(notes), options_(options) {}
  struct Name {
    std::string text, kind;  // "parameter", "buffer", "input"
    int frame = Frames::kNone;
  };
  /// Names for tensors that are no results: those of a model, or one.
  void name(const nn::Module& model);
  void name(const Tensor& tensor, Name name);
  /// The graph behind the tensors, each under its name.
  std::string str(const std::vector<std::pair<std::string, Tensor>>& ends);

 private:
  void find(const std::vector<std::pair<std::string, Tensor>>& ends);
  void draw_operation(const Node& node);
  void draw_leaf(const Node& node);
  std::string constant(const Tensor& tensor);
  int frame_of(const Node& node) const;
  const Name* name_of(const void* tensor) const;
  std::string put(int frame, const std::vector<std::string>& label, const char* style);
  void link(const std::string& from, const std::string& to);
  [[noreturn]] void too_many() const;

  const Frames& frames_;
  const GraphNotes* notes_;
  const DotOptions& options_;
  std::unordered_map<const void*, Name> names_;         // by TensorImpl
  std::unordered_map<const void*, std::string> drawn_;  // by Node or TensorImpl
  std::vector<const Node*> order_;                      // operations, inputs first
  std::unordered_map<int, std::string> boxes_;          // statements, by frame
  std::unordered_map<const void*, int64_t> kept_;       // bytes for backward, by storage
  std::unordered_set<const void*> parameters_;          // the memory of leaves
  std::string arrows_;
  int64_t count_ = 0;
};

}  // namespace norma::autograd
