// Models as ONNX files, which other runtimes run. Component norma::onnx.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "norma/norma.h"

namespace norma::onnx {

struct ExportOptions {
  /// Of what the model takes and gives; "input" and "output", or "input0", "input1", … where there
  /// are several, for those left out.
  std::vector<std::string> input_names = {};
  std::vector<std::string> output_names = {};  ///< "output"; "output0", "output1", …
  /// Whether the file takes any number of samples: the sizes of dimension `batch_dim` of all inputs
  /// that have as many of them as the first. With false, it takes as many as the example has.
  bool dynamic_batch = true;
  int64_t batch_dim = 0;  ///< which dimension of the inputs it is
  /// The version of ONNX's set of operators, 17 to 20.
  int64_t opset = 17;
  /// Whether a BatchNorm behind a convolution becomes part of its weights, as at inference it is
  /// the same up to rounding; false keeps both.
  bool fold_batch_norm = true;
  /// What the file says of the program that wrote it.
  std::string producer = "norma";
};

/// Writes what `model` computes in eval mode, with its weights, as an ONNX file: one node or a few
/// for every operation, named by the path of the module. The file is replaced when all is written.
/// ```cpp
/// norma::onnx::export_model(net, norma::zeros({1, 1, 28, 28}), "digits.onnx");
/// ```
/// The model runs a few times on `example_input` and on variations of it (values of other orders,
/// sizes and signs, another number of samples), in eval mode; its mode, gradients, buffers and the
/// random generator are as before, also when its forward throws. `example_input` says shapes and
/// dtype, and should look like data: integers that are indices lie within bounds.
///
/// What cannot be said in ONNX is refused: `[onnx::export_model] …` with the operation and the
/// module's path; also what was not followed from the input to the output, and what another value
/// or another number of samples computes otherwise. Control flow that depends on values is seen
/// only where the variations take another way. Refused besides: examples without elements, other
/// opsets, more names than inputs or outputs, one twice, an empty one, texts that are not UTF-8,
/// 2 GB. PyTorch: `torch.onnx.export`.
void export_model(nn::Module& model, const Tensor& example_input, const std::string& path,
                  const ExportOptions& options = {});

/// What a model is called with and gives, for those of several inputs or results.
using Forward = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The same with any call of the model, errors included:
/// ```cpp
/// norma::onnx::export_model(lstm, {x}, "lstm.onnx", [&](const std::vector<Tensor>& in) {
///   return std::vector{std::get<0>(lstm(in[0]))};
/// });
/// ```
void export_model(nn::Module& model, const std::vector<Tensor>& example_inputs,
                  const std::string& path, const Forward& forward,
                  const ExportOptions& options = {});

}  // namespace norma::onnx
