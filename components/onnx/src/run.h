// Running a model for the sake of what it computes.
#pragma once
#include "call.h"
#include "norma/onnx.h"

namespace norma::onnx {

/// Runs the model on variations of the example, and checks that each computed the same.
Runs run_model(nn::Module& model, const std::vector<Tensor>& examples, const Forward& forward,
               const ExportOptions& options);

}  // namespace norma::onnx
