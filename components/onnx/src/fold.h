// BatchNorm as part of the convolution before it.
#pragma once
#include "trace.h"

namespace norma::onnx {

/// Drops every batch_norm of running statistics whose input is a convolution's result that nothing
/// else uses, and gives the convolution other weights instead. `names`: of the constants, to which
/// those of the new ones are added.
void fold_batch_norms(Trace& trace, std::unordered_map<int, std::string>& names);

}  // namespace norma::onnx
