// Products of matrices whose terms are summed in one order on every processor; the plain twin:
// plain/matmul.h.
#pragma once
#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

/// Each element is start + Σ of the sums of 256 terms, themselves sums of 32 terms, in order.
template <class T>
void ordered_product(const MatrixProduct<T>& product);

}  // namespace norma::kernels
