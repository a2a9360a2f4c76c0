// The product of matrices; its plain twin, the definition: plain/matmul.h.
#pragma once
#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

/// Of float or double, in the calling thread alone: the form for use inside `parallel_for`.
template <class T>
void matmul(const MatrixProduct<T>& product);

/// The same, split over Norma's threads where it is large enough.
template <class T>
void parallel_matmul(const MatrixProduct<T>& product);

}  // namespace norma::kernels
