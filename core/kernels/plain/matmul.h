// Matrix products, by their definition. The fast version: core/kernels/matmul.h.
#pragma once
#include "norma/core/kernels/matrix_product.h"
#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// c[i, j] = start[j] + Σ_p a(i, p) b(p, j). A Linear layer is three of these and a sum:
///
///     y = x wᵀ + bias,  dx = dy w,  dw = dyᵀ x,  dbias = Σ of the rows of dy
template <class T>
void multiply(const MatrixProduct<T>& m) {
  for (int64_t i = 0; i < m.m; ++i) {
    for (int64_t j = 0; j < m.n; ++j) {
      double sum = m.start ? double(m.start[j]) : 0.0;
      for (int64_t p = 0; p < m.k; ++p) {
        const T a = m.trans_a ? m.a[p * m.lda + i] : m.a[i * m.lda + p];
        const T b = m.trans_b ? m.b[j * m.ldb + p] : m.b[p * m.ldb + j];
        sum += double(a) * double(b);
      }
      m.c[i * m.ldc + j] = static_cast<T>(sum);
    }
  }
}

}  // namespace norma::kernels::plain
