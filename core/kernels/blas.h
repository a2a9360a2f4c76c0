// Products by a library of others, which NORMA_BLAS names to CMake: blas/openblas.cpp, blas/none.cpp.
#pragma once
#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

/// Whether there is one. It serves the baseline; the other levels have tiles of their own.
inline constexpr bool kHasBlas = NORMA_HAS_BLAS;

/// In the calling thread alone.
template <class T>
void blas_product(const MatrixProduct<T>& product);

}  // namespace norma::kernels
