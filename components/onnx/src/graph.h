// An ONNX graph that is being written.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::onnx {

/// A size that may depend on the number of samples N: `per_sample` · N + `fixed`.
struct Size {
  int64_t fixed = 0, per_sample = 0;
  bool operator==(const Size&) const = default;
  /// Of which at most one depends on N.
  Size times(Size other) const {
    return {fixed * other.fixed, fixed * other.per_sample + per_sample * other.fixed};
  }
};
using Sizes = std::vector<Size>;
/// Whether no size depends on the number of samples.
bool is_fixed(const Sizes& sizes);

struct Attribute {
  const char* name;
  std::variant<int64_t, double, std::string, Shape, std::vector<std::string>> value;
};

class Graph {
 public:
  explicit Graph(int64_t opset);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  int64_t opset() const { return opset_; }

  void add_input(const std::string& name, DType dtype, const Sizes& sizes);
  /// Where the number of samples can be read off.
  void set_batch(const std::string& input, int64_t dim);
  /// Makes `value` a result of the graph, under this name.
  void add_output(const std::string& name, const std::string& value, DType dtype,
                  const Sizes& sizes);

  /// Adds a node; returns its result, named by `scope` and the type of the node.
  std::string node(const char* type, const std::vector<std::string>& inputs,
                   std::initializer_list<Attribute> attributes = {});
  /// "ReduceSum" and the like over these dimensions, of which newer sets of operators are told
  /// otherwise.
  std::string reduce(const char* type, const std::string& x, const Shape& dims, bool keepdim);
  /// As `node`, with several results.
  std::vector<std::string> nodes(const char* type, const std::vector<std::string>& inputs,
                                 std::size_t results,
                                 std::initializer_list<Attribute> attributes = {});
  /// The values of a tensor, under this name if it is free.
  std::string constant(const Tensor& tensor, const std::string& name = "constant");
  std::string integers(const Shape& values);
  /// A list of sizes, as a tensor of int64.
  std::string list(const Sizes& sizes);
  /// Sizes for Reshape: 0 and -1 as ONNX reads them.
  std::string shape(const Sizes& sizes);

  /// Of the names of the next nodes: the operation and the module it runs in.
  std::string scope;

  /// The whole model, as the bytes of a file.
  std::string bytes(const std::string& producer) const;

 private:
  struct Proto;
  std::string unique(const std::string& name);
  std::string batch();

  int64_t opset_;
  std::unique_ptr<Proto> proto_;
  std::unordered_map<std::string, int> names_;
  std::unordered_map<std::string, std::string> results_;  // of values, the first name as a result
  std::unordered_map<std::string, std::string> integers_;
  std::unordered_map<std::string, std::string> sizes_;
  std::string batch_input_, batch_;
  int64_t batch_dim_ = 0;
};

}  // namespace norma::onnx
