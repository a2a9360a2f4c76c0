// The operands of a matrix product.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// c[i, j] = start[j] + Σ_p a(i, p) b(p, j) for i < m, j < n, p < k. `a`, `b` and `c` are row-major
/// with rows `lda`, `ldb` and `ldc` apart; `a` and `b` are stored transposed where it says so.
template <class T>
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

  double multiplications() const {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  /// The part that sums the terms [first, first + count), without `start`.
  MatrixProduct terms(int64_t first, int64_t count) const {
    MatrixProduct p = *this;
    p.k = count;
    p.a += first * (trans_a ? lda : 1);
    p.b += first * (trans_b ? 1 : ldb);
    p.start = nullptr;
    return p;
  }
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

}  // namespace norma::kernels
