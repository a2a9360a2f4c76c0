// A data set in memory.
#pragma once
#include "norma/core/tensor.h"

namespace norma::data {

/// Sample i is `inputs[i]`, with its label or value `targets[i]`. Your own data are one too:
///
///     data::Dataset mine{features, labels};
///
/// Images may stay kUInt8, a quarter of the memory of kFloat32: `DataLoader` turns each batch into
/// numbers in 0..1 as it makes it; `convert_image_dtype` does so for a whole tensor.
struct Dataset {
  Tensor inputs;   ///< [N, …]
  Tensor targets;  ///< [N] labels (kInt64) or [N, …] values

  /// The number of samples, N.
  int64_t size() const { return inputs.size(0); }
  /// Samples start, …, start + length - 1, sharing memory: for a part to validate on.
  Dataset narrow(int64_t start, int64_t length) const {
    return {inputs.narrow(0, start, length), targets.narrow(0, start, length)};
  }
};

}  // namespace norma::data
