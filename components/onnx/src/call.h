// One operation of a run, as the functions see it that write it: names, sizes and options.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph.h"
#include "trace.h"

namespace norma::onnx {

/// The runs of a model on several numbers of samples, which computed the same operations.
struct Runs {
  std::vector<Trace> traces;
  std::vector<int64_t> samples;  // of each
  bool dynamic = false;          // whether they differ
  /// Of each run, the value that value i of the first one corresponds to there.
  std::vector<std::vector<int>> twins;
  /// Of the model's parameters and buffers among the first run's values.
  std::unordered_map<int, std::string> names;

  const Tensor& tensor(std::size_t run, int value) const {
    return traces[run].values[static_cast<std::size_t>(twins[run][std::size_t(value)])].tensor;
  }
  /// The size that takes these values in the runs; throws where it depends on N otherwise.
  Size size(const std::vector<int64_t>& values, const std::string& place) const;
  Sizes sizes(int value, const std::string& place) const;
};

/// The dtype in which values of `dtype` are compared: bools and bytes are as integers.
inline DType comparable(DType dtype) { return dtype == kBool || dtype == kUInt8 ? kInt32 : dtype; }

class Call {
 public:
  Call(Graph& to, const Runs& all, std::size_t step, const std::vector<std::string>& names)
      : graph(to), runs_(all), at_(step), names_(names) {}

  Graph& graph;

  const Step& step() const { return step_of(0); }
  int count() const { return static_cast<int>(step().inputs.size()); }
  bool has(int i) const { return i < count() && step().inputs[std::size_t(i)] >= 0; }
  /// The name of input i, "" for an absent one; with `dtype`, converted.
  std::string in(int i) const;
  std::string in(int i, DType dtype);
  const Tensor& tensor(int i) const;
  const Shape& shape(int i) const { return tensor(i).sizes(); }
  int64_t rank(int i) const { return shape(i).size(); }
  /// Whether input i is the same in every run.
  bool is_constant(int i) const;
  Sizes sizes(int i) const { return runs_.sizes(step().inputs[std::size_t(i)], place()); }
  const Tensor& out() const { return runs_.tensor(0, step().output); }
  Sizes out_sizes() const { return runs_.sizes(step().output, place()); }

  /// Options; refused where they are not the same in every run.
  bool has_option(const char* name) const { return step().find(name) != nullptr; }
  int64_t integer(const char* name) const;
  double number(const char* name) const;
  bool flag(const char* name) const { return integer(name) != 0; }
  Shape list(const char* name) const;
  std::string word(const char* name) const;
  /// As they are in one run.
  std::size_t runs() const { return runs_.traces.size(); }
  const Shape& shape(std::size_t run, int i) const {
    return runs_.tensor(run, step().inputs[std::size_t(i)]).sizes();
  }
  Shape list(std::size_t run, const char* name) const {
    return setting(run, name).list.value_or(Shape());
  }
  int64_t integer(std::size_t run, const char* name) const {
    return setting(run, name).number.to<int64_t>();
  }
  /// The size that takes these values in the runs.
  Size size(const std::vector<int64_t>& values) const { return runs_.size(values, place()); }
  /// One that may depend on the number of samples.
  Size size(const char* name) const;
  Sizes sizes(const char* name) const;
  /// A list of dimensions, none below 0; all of input 0 where it is empty.
  Shape dims(const char* name) const;
  Shape all_dims() const;
  /// A scalar as a tensor: in `dtype`, without dimensions.
  std::string scalar(double value, DType dtype);
  /// An option, which may be a number that grows with the number of samples.
  std::string option_scalar(const char* name, DType dtype);

  std::string node(const char* type, const std::vector<std::string>& inputs,
                   std::initializer_list<Attribute> attributes = {}) {
    return graph.node(type, inputs, attributes);
  }
  std::string cast(const std::string& value, DType dtype);
  /// a · x + b in the result's dtype, where a = 1 or b = 0 is left out.
  std::string linear(const std::string& x, double a, double b = 0);
  /// In the sizes of the result.
  std::string reshaped(const std::string& value) { return reshaped(value, out_sizes()); }
  std::string reshaped(const std::string& value, const Sizes& to) {
    return node("Reshape", {value, graph.shape(to)});
  }

  std::string place() const { return place_of(step().op, step().path); }
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  const Step& step_of(std::size_t run) const { return runs_.traces[run].steps[at_]; }
  const Setting& setting(std::size_t run, const char* name) const;
  /// What is the same in every run.
  template <class Get>
  auto same(const char* name, Get get) const;

  const Runs& runs_;
  std::size_t at_;
  const std::vector<std::string>& names_;
};

/// (Σ |x|^p)^(1/p) over dimensions.
std::string norm_of(Call& c, const std::string& x, double p, const Shape& dims, bool keepdim);

/// Writes a call; returns the name of the result.
using Writer = std::function<std::string(Call&)>;
using Writers = std::vector<std::pair<std::string_view, Writer>>;

// By family.
Writers elementwise_writers();
Writers activation_writers();
Writers window_writers();
Writers norm_writers();
Writers reduction_writers();
Writers shape_writers();
Writers index_writers();
Writers write_writers();
Writers order_writers();
Writers scan_writers();
Writers loss_writers();
Writers recurrent_writers();

}  // namespace norma::onnx
