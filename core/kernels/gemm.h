// A product of matrices, and those of floats in register tiles; the plain twin:
// core/kernels/plain/matmul.h. For Norma's own sources; see core/kernels/blas.h.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// c[i, j] = start[j] + Σ_p a(i, p) b(p, j) for i < m, j < n, p < k. `a`, `b` and `c` are row-major
/// with rows `lda`, `ldb` and `ldc` apart; `a` and `b` are stored transposed where it says so.
template <class T>  // float or double
struct MatrixProduct {
  bool trans_a, trans_b;
  int64_t m, n, k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  const T* start;  // null: zeros
  T* c;
  int64_t ldc;

  /// The part that yields rows [row, row + rows) and columns [col, col + cols) of c.
  MatrixProduct part(int64_t row, int64_t rows, int64_t col, int64_t cols) const {
    MatrixProduct p = *this;
    p.m = rows;
    p.n = cols;
    p.a += row * (trans_a ? 1 : lda);
    p.b += col * (trans_b ? ldb : 1);
    if (start) p.start += col;
    p.c += row * ldc + col;
    return p;
  }
};

/// Whether the tiles are made for this processor and shape.
bool has_tiles(const MatrixProduct<float>& product);
/// How many floats of working memory `multiply` needs for the product, or for a part of its rows or
/// columns.
int64_t working_memory(const MatrixProduct<float>& product);
/// Runs in the calling thread.
void multiply(const MatrixProduct<float>& product, float* memory);

}  // namespace norma::kernels
