// Positions of elements by their order along a dimension. NaN is larger than any number; of equal
// elements the first comes first, in descending order, too.
#pragma once
#include <cstdint>

#include "norma/core/kernels/middle_shape.h"

namespace norma::kernels {

/// out[o, j, i] = the position of the j-th smallest (largest) of the elements x[o, :, i], for all
/// j < count.
template <class T>
void first_positions(int64_t* out, const T* x, MiddleShape shape, int64_t count, bool descending);

/// out[o, i] = the position of the k-th smallest element, counted from 0.
template <class T>
void kth_position(int64_t* out, const T* x, MiddleShape shape, int64_t k);

}  // namespace norma::kernels
