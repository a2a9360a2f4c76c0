// What one run of a model computes: a list of operations on numbered values.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/core/storage.h"
#include "norma/core/tensor.h"

namespace norma::onnx {

inline constexpr const char* kOp = "onnx::export_model";

/// An option of an operation, kept.
struct Setting {
  std::string name;
  Scalar number;
  std::optional<Shape> list;
  std::string word;
};

struct Step {
  std::string op, path;  // of the module, "" outside
  std::vector<Setting> settings;
  std::vector<int> inputs;  // values, -1 for absent ones
  int output = -1;

  /// Null where there is none.
  const Setting* find(const std::string& name) const;
};

struct Value {
  Tensor tensor;
  int step = -1;         // that computed it; -1 for what was there before
  bool depends = false;  // on an input of the model
};

/// Follows a run from the model's inputs. A value is known by its memory, as long as that is not
/// changed in place, and by its place in the graph.
class Trace : public autograd::Observer {
 public:
  /// `own`: memory that is the model's, whose values are known by name.
  Trace(const std::vector<Tensor>& inputs, std::unordered_set<const void*> own);

  void computed(const autograd::Operation& op, const Tensor& out, autograd::Inputs in) override;
  void recorded(autograd::Node& node, const Tensor& out) override;

  /// After the run: drops the steps of which no result depends, or that do not depend on an input.
  void finish(const std::vector<Tensor>& results);

  std::vector<Step> steps;
  std::vector<Value> values;
  std::vector<int> inputs, outputs;

 private:
  struct Known {
    int value;
    uint64_t version;     // of the memory
    Ref<Storage> memory;  // kept, so that no other gets its address
  };
  using Memory = std::tuple<const void*, int64_t, std::vector<int64_t>, std::vector<int64_t>>;
  static Memory memory_of(const Tensor& tensor);

  int add(const Tensor& tensor, int step, bool depends);
  /// The value that a tensor has now, -1 where it is not known.
  int known(const Tensor& tensor);
  int find(const std::string& op, const Tensor& tensor);
  int find_changed(const Step& step, const Tensor& base);
  void follow(const Ref<autograd::Node>& node, int value);

  std::unordered_set<const void*> own_;
  std::map<Memory, Known> by_memory_;
  std::unordered_map<const autograd::Node*, int> by_node_;
  std::vector<Ref<autograd::Node>> nodes_;  // kept, so that no other gets their address
};

/// The path of the module that runs on this thread, "" outside.
std::string running_path();
/// "add in layer1.0"
std::string place_of(const std::string& op, const std::string& path);

}  // namespace norma::onnx
