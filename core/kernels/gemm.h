// The product of float matrices, in register tiles. For Norma's own sources; see core/blas.h.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// c[i, j] = start[j] + Σ_p a(i, p) b(p, j) for i < m, j < n, p < k. `a`, `b` and `c` are row-major
/// with rows `lda`, `ldb` and `ldc` apart; `a` and `b` are stored transposed where it says so.
struct MatrixProduct {
  bool trans_a, trans_b;
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  const float* start;  // null: zeros
  float* c;
  int64_t ldc;
};

/// Whether the tiles are made for this processor and shape.
bool has_tiles(const MatrixProduct& product);
/// How many floats of working memory `multiply` needs for the product, or for a part of its rows or
/// columns.
int64_t working_memory(const MatrixProduct& product);
/// Runs in the calling thread.
void multiply(const MatrixProduct& product, float* memory);

}  // namespace norma::kernels
