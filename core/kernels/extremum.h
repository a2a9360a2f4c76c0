// Where the extrema lie along the middle of [outer, length, inner].
#pragma once
#include "norma/core/kernels/middle_shape.h"

namespace norma::kernels {

/// The position along the middle, of at least one element, of the largest or smallest: the first of
/// equals; NaN wins.
template <class T>
void extreme_position(int64_t* out, const T* x, MiddleShape shape, bool largest);

}  // namespace norma::kernels
