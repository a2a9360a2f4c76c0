#include "fold.h"

#include <algorithm>

#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

/// The one step that uses a value; null where there are several, or it is a result.
Step* only_user(Trace& trace, int value) {
  Step* user = nullptr;
  for (const int output : trace.outputs) {
    if (output == value) return nullptr;
  }
  for (Step& step : trace.steps) {
    for (const int input : step.inputs) {
      if (input != value) continue;
      if (user) return nullptr;
      user = &step;
    }
  }
  return user;
}

bool is_convolution(const Step& step) {
  if (step.op == "conv1d" || step.op == "conv2d") return true;
  const bool transposed = step.op == "conv_transpose1d" || step.op == "conv_transpose2d";
  return transposed && step.find("groups")->number.to<int64_t>() == 1;
}

}  // namespace

void fold_batch_norms(Trace& trace, std::unordered_map<int, std::string>& names) {
  const auto tensor = [&](int value) {
    return value < 0 ? Tensor() : trace.values[static_cast<std::size_t>(value)].tensor;
  };
  const auto is_constant = [&](int value) {
    return value < 0 || !trace.values[static_cast<std::size_t>(value)].depends;
  };
  for (Step& conv : trace.steps) {
    if (!is_convolution(conv) || !is_constant(conv.inputs[1]) || !is_constant(conv.inputs[2]))
      continue;
    Step* const norm = only_user(trace, conv.output);
    if (!norm || norm->op != "batch_norm" || norm->inputs.size() < 5 ||
        !std::all_of(norm->inputs.begin() + 1, norm->inputs.end(), is_constant)) {
      continue;
    }
    // In float64, and rounded once.
    const auto wide = [&](int value, double otherwise) {
      const Tensor given = tensor(value), like = tensor(norm->inputs[3]);
      return given.defined() ? given.to(kFloat64)
                             : full(like.sizes(), otherwise, {.dtype = kFloat64});
    };
    const Tensor weight = tensor(conv.inputs[1]), mean = wide(norm->inputs[3], 0);
    const double eps = norm->find("eps")->number.to<double>();
    const Tensor scale = wide(norm->inputs[1], 1) / (wide(norm->inputs[4], 1) + eps).sqrt();
    Shape spread = Shape::filled(weight.dim(), 1);
    spread[conv.op.find("transpose") == std::string::npos ? 0 : 1] = scale.numel();
    const Tensor bias = (wide(conv.inputs[2], 0) - mean) * scale + wide(norm->inputs[2], 0);
    const auto add = [&](const Tensor& values, const char* name) {
      trace.values.push_back({values.to(weight.dtype()), -1, false});
      const int at = static_cast<int>(trace.values.size()) - 1;
      names[at] = conv.path + (conv.path.empty() ? "" : ".") + name;
      return at;
    };
    conv.inputs[1] = add(weight.to(kFloat64) * scale.reshape(spread), "weight");
    conv.inputs[2] = add(bias, "bias");
    conv.output = norm->output;
    norm->op.clear();
  }
  std::erase_if(trace.steps, [](const Step& step) { return step.op.empty(); });
}

}  // namespace norma::onnx
