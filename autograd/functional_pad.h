// Padding of any number of dimensions. Part of autograd/functional.h, in a file of its own.
#pragma once
#include <vector>

#include "norma/autograd/functional.h"

namespace norma::functional {

/// Adds cells around a tensor: `pad` is {left, right} of the last dimension, then of the one before
/// it, and so on; negative numbers take cells away instead.
///
/// - Constant (the same as Zeros): any number of dimensions; `value`, converted to x's type.
/// - Reflect, Replicate, Circular: one, two or three dimensions of x [N, C, …] or [C, …]. Reflect
///   needs a padding smaller than the dimension, Circular one that is no larger.
///
/// Errors: an odd number of paddings, more than two per dimension, another rank, paddings that are
/// too large or take away more cells than there are, and a value where the mode takes none.
/// PyTorch: `F.pad`.
Tensor pad(const Tensor& input, const std::vector<int64_t>& pad,
           PaddingMode mode = PaddingMode::Constant, std::optional<Scalar> value = {});

}  // namespace norma::functional
