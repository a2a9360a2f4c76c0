#include "graph.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "norma/core/byte_order.h"
#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/core/shape.h"
#include "norma/core/text.h"
#include "norma/core/utf8.h"

namespace norma::onnx {

namespace {

::onnx::TensorProto::DataType type_of(DType dtype) {
  switch (dtype) {
    case kBool:
      return ::onnx::TensorProto::BOOL;
    case kUInt8:
      return ::onnx::TensorProto::UINT8;
    case kInt32:
      return ::onnx::TensorProto::INT32;
    case kInt64:
      return ::onnx::TensorProto::INT64;
    case kFloat32:
      return ::onnx::TensorProto::FLOAT;
    case kFloat64:
      return ::onnx::TensorProto::DOUBLE;
  }
  return ::onnx::TensorProto::UNDEFINED;
}

void describe(::onnx::ValueInfoProto& info, const std::string& name, DType dtype,
              const Sizes& sizes) {
  info.set_name(name);
  ::onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(type_of(dtype));
  type.mutable_shape();
  for (const Size& size : sizes) {
    auto& dim = *type.mutable_shape()->add_dim();
    if (size.per_sample == 0) {
      dim.set_dim_value(size.fixed);
    } else if (size == Size{0, 1}) {
      dim.set_dim_param("batch");
    }
  }
}

void set(::onnx::AttributeProto& to, const Attribute& from) {
  to.set_name(from.name);
  if (const auto* number = std::get_if<int64_t>(&from.value)) {
    to.set_type(::onnx::AttributeProto::INT);
    to.set_i(*number);
  } else if (const auto* real = std::get_if<double>(&from.value)) {
    to.set_type(::onnx::AttributeProto::FLOAT);
    to.set_f(static_cast<float>(*real));
  } else if (const auto* word = std::get_if<std::string>(&from.value)) {
    to.set_type(::onnx::AttributeProto::STRING);
    to.set_s(*word);
  } else if (const auto* words = std::get_if<std::vector<std::string>>(&from.value)) {
    to.set_type(::onnx::AttributeProto::STRINGS);
    for (const std::string& one : *words) to.add_strings(one);
  } else {
    to.set_type(::onnx::AttributeProto::INTS);
    for (const int64_t value : std::get<Shape>(from.value)) to.add_ints(value);
  }
}

[[noreturn]] void refuse_name(const std::string& name) {
  fail("onnx::export_model", "expected names of inputs and outputs that differ, got \"", name,
       "\" twice");
}

}  // namespace

bool is_fixed(const Sizes& sizes) {
  return std::all_of(sizes.begin(), sizes.end(), [](Size size) { return size.per_sample == 0; });
}

struct Graph::Proto {
  ::onnx::ModelProto model;
  ::onnx::GraphProto& graph = *model.mutable_graph();
};

Graph::Graph(int64_t opset) : opset_(opset), proto_(std::make_unique<Proto>()) {}
Graph::~Graph() = default;

std::string Graph::unique(const std::string& name) {
  if (!is_utf8(name)) {
    fail("onnx::export_model", "expected names of modules and parameters in UTF-8, got ",
         in_quotes(name));
  }
  int& count = names_[name];
  return count++ == 0 ? name : unique(name + "_" + std::to_string(count - 1));
}

void Graph::add_input(const std::string& name, DType dtype, const Sizes& sizes) {
  if (names_[name]++ > 0) refuse_name(name);
  describe(*proto_->graph.add_input(), name, dtype, sizes);
}

void Graph::add_output(const std::string& name, const std::string& value, DType dtype,
                       const Sizes& sizes) {
  if (names_[name]++ > 0) refuse_name(name);
  describe(*proto_->graph.add_output(), name, dtype, sizes);
  const auto [first, is_first] = results_.emplace(value, name);
  bool is_renamed = false;
  for (::onnx::NodeProto& node : *proto_->graph.mutable_node()) {
    for (std::string& output : *node.mutable_output()) {
      if (output == value) output = name, is_renamed = true;
    }
  }
  if (!is_renamed) {  // an input, a constant, or a result already
    ::onnx::NodeProto& node = *proto_->graph.add_node();
    node.set_op_type("Identity");
    node.set_name(unique(name + "/Identity"));
    node.add_input(is_first ? value : first->second);
    node.add_output(name);
    return;
  }
  for (::onnx::NodeProto& node : *proto_->graph.mutable_node()) {
    for (std::string& input : *node.mutable_input()) {
      if (input == value) input = name;
    }
  }
}

void Graph::set_batch(const std::string& input, int64_t dim) {
  batch_input_ = input, batch_dim_ = dim;
}

std::string Graph::batch() {
  if (!batch_.empty()) return batch_;
  const std::string before = std::exchange(scope, "batch");
  batch_ = node("Gather", {node("Shape", {batch_input_}), integers({batch_dim_})},
                {{"axis", int64_t{0}}});
  scope = before;
  return batch_;
}

std::vector<std::string> Graph::nodes(const char* type, const std::vector<std::string>& inputs,
                                      std::size_t results,
                                      std::initializer_list<Attribute> attributes) {
  ::onnx::NodeProto& node = *proto_->graph.add_node();
  node.set_op_type(type);
  const std::string name = unique(scope + "/" + type);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  for (const Attribute& attribute : attributes) set(*node.add_attribute(), attribute);
  std::vector<std::string> outputs;
  for (std::size_t i = 0; i < results; ++i) {
    outputs.push_back(i == 0 ? name : unique(name + "." + std::to_string(i)));
    node.add_output(outputs.back());
  }
  return outputs;
}

std::string Graph::node(const char* type, const std::vector<std::string>& inputs,
                        std::initializer_list<Attribute> attributes) {
  return nodes(type, inputs, 1, attributes)[0];
}

std::string Graph::reduce(const char* type, const std::string& x, const Shape& dims, bool keepdim) {
  const int64_t keeps = keepdim ? 1 : 0;
  if (opset_ < 18 && std::string_view(type) != "ReduceSum")
    return node(type, {x}, {{"axes", dims}, {"keepdims", keeps}});
  return node(type, {x, integers(dims)}, {{"keepdims", keeps}});
}

std::string Graph::constant(const Tensor& tensor, const std::string& name) {
  ::onnx::TensorProto& proto = *proto_->graph.add_initializer();
  const Tensor x = tensor.detach().contiguous();
  proto.set_name(unique(name));
  proto.set_data_type(type_of(x.dtype()));
  for (const int64_t size : x.sizes()) proto.add_dims(size);
  proto.set_raw_data(x.data_ptr(), static_cast<std::size_t>(x.numel() * item_size(x.dtype())));
  swap_little_endian(proto.mutable_raw_data()->data(), x.numel(), item_size(x.dtype()));
  return proto.name();
}

std::string Graph::integers(const Shape& values) {
  std::string& known = integers_[values.str()];
  if (known.empty()) known = constant(norma::tensor(values.vec()), "sizes");
  return known;
}

std::string Graph::list(const Sizes& sizes) {
  Shape fixed;
  std::string key;
  for (const Size& size : sizes) {
    fixed.push_back(size.fixed);
    key += text(size.per_sample, "n+", size.fixed, ",");
  }
  if (is_fixed(sizes)) return integers(fixed);
  std::string& known = sizes_[key];
  if (!known.empty()) return known;
  const std::string before = std::exchange(scope, "batch");
  std::vector<std::string> parts;
  for (const Size& size : sizes) {
    if (size.per_sample == 0) {
      parts.push_back(integers({size.fixed}));
      continue;
    }
    std::string part = batch();
    if (size.per_sample != 1) part = node("Mul", {part, integers({size.per_sample})});
    if (size.fixed != 0) part = node("Add", {part, integers({size.fixed})});
    parts.push_back(part);
  }
  known = parts.size() == 1 ? parts[0] : node("Concat", parts, {{"axis", int64_t{0}}});
  scope = before;
  return known;
}

std::string Graph::shape(const Sizes& sizes) {
  Shape plain;
  int64_t open = 0;
  bool has_zero = false;
  for (const Size& size : sizes) {
    plain.push_back(size.per_sample == 0 ? size.fixed : -1);
    open += size.per_sample == 0 ? 0 : 1;
    has_zero |= plain.back() == 0;
  }
  if (has_zero)
    fail("onnx::export_model", "expected sizes of 1 or more, got ", plain, " in ", scope);
  return open <= 1 ? integers(plain) : list(sizes);
}

std::string Graph::bytes(const std::string& producer) const {
  ::onnx::ModelProto model = proto_->model;
  // What onnx 1.12 and each newer set of operators came with.
  model.set_ir_version(opset_ < 19 ? 8 : 9);
  model.set_producer_name(producer);
  auto& set = *model.add_opset_import();
  set.set_domain("");
  set.set_version(opset_);
  model.mutable_graph()->set_name(producer);
  if (model.ByteSizeLong() >= (std::size_t{1} << 31)) {
    fail("onnx::export_model", "expected a model below 2 GB, which a file holds, got ",
         model.ByteSizeLong(), " bytes");
  }
  return model.SerializeAsString();
}

}  // namespace norma::onnx
