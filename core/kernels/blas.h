// Products by a library of others, which NORMA_BLAS names to CMake: blas/openblas.cpp or
// blas/none.cpp.
#pragma once
#include "norma/core/kernels/matrix_product.h"
#include "norma/core/simd.h"

namespace norma::kernels {

/// Whether there is one. It serves the baseline.
inline constexpr bool kHasBlas = NORMA_HAS_BLAS;
/// Whether a level's products are Norma's own.
template <class Level>
inline constexpr bool kOwnProducts = !kHasBlas || Level::kFused;

/// In the calling thread alone.
template <class T>
void blas_product(const MatrixProduct<T>& product);

}  // namespace norma::kernels
