// What the transforms of images check first.
#pragma once
#include "norma/core/tensor.h"

namespace norma::data::detail {

/// The floating batch [N, C, H, W], or of at least two dimensions where not `images`, with its
/// elements in order, outside every graph. Errors come from the operation `op`.
Tensor checked_batch(const Tensor& batch, const char* op, bool images);
void check_probability(const char* op, double p);

}  // namespace norma::data::detail
