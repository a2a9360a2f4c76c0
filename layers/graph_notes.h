// What is known of a graph's operations besides what their nodes hold. For Norma's own sources.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/saved_log.h"
#include "norma/layers/module.h"

namespace norma::autograd {

/// The modules of a model as frames around operations; and those that run and stand in no model, a
/// frame for each type in each frame.
class Frames {
 public:
  static constexpr int kNone = -1;
  struct Frame {
    std::string label;
    int around = kNone;
  };

  /// Without a model there are none.
  explicit Frames(const nn::Module* model);
  /// That of the module that runs.
  int of(const Scope* scope);
  /// That of the module at `path`; kNone without one.
  int at(const std::string& path) const;
  const std::vector<Frame>& all() const { return all_; }

 private:
  int add(int around, std::string label);
  std::vector<Frame> all_;
  std::unordered_map<const void*, int> by_module_;
  std::unordered_map<std::string, int> by_path_;
  std::unordered_map<std::string, int> by_type_;  // those that stand nowhere, in their frame
};

/// Watches while a graph is recorded on this thread.
class GraphNotes final : public Observer {
 public:
  struct Kept {
    Tensor value;
    std::string what;  // "input 1", "result", "" for what is neither
  };
  struct Note {
    int frame = Frames::kNone;
    std::vector<Kept> kept;         // for backward
    std::vector<Tensor> constants;  // what it was computed from and has no gradient
  };

  explicit GraphNotes(Frames& frames);
  ~GraphNotes() override;
  GraphNotes(const GraphNotes&) = delete;
  GraphNotes& operator=(const GraphNotes&) = delete;

  void result(const char* op, const Tensor& out, Inputs inputs) override;
  void recorded(Node& node, const Tensor& out) override;

  /// Null for operations that were recorded before.
  const Note* of(const Node* node) const;

 private:
  Frames& frames_;
  std::unordered_map<const Node*, Note> notes_;
  std::vector<Tensor> log_, inputs_;  // of the operation that comes next
  std::vector<Tensor>* log_before_;
  const Node* last_ = nullptr;  // the operation of several results that the last one was one of
};

}  // namespace norma::autograd
