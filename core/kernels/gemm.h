// Products of floats in register tiles, with AVX2 or wider; the plain twin: plain/matmul.h.
#pragma once
#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

inline constexpr int64_t kGemmRows = 8;      // of the highest tile
inline constexpr int64_t kGemmColumns = 16;  // of the widest vector

/// How many floats of working memory the product, or a part of its rows or columns, needs.
int64_t gemm_memory(const MatrixProduct<float>& product);
/// Runs in the calling thread.
void gemm(const MatrixProduct<float>& product, float* memory);

}  // namespace norma::kernels
