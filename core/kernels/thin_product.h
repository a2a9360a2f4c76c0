// Products in which one matrix has few rows or columns, a vector's among them; their plain twin is
// plain/matmul.h.
#pragma once
#include <algorithm>

#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

enum class Few { Rows, Columns };

template <class T>
Few few_of(const MatrixProduct<T>& p) {
  return p.m <= p.n ? Few::Rows : Few::Columns;
}
/// Whether the few rows of a, or columns of b, are each side by side; otherwise they are copied.
template <class T>
bool few_lie_along(const MatrixProduct<T>& p, Few few) {
  if (few == Few::Rows) return !p.trans_a || (p.m == 1 && p.lda == 1);
  return p.trans_b || (p.n == 1 && p.ldb == 1);
}
/// Whether the many lines of the other matrix lie each side by side.
template <class T>
bool many_lie_along(const MatrixProduct<T>& p, Few few) {
  return few == Few::Rows ? p.trans_b : !p.trans_a;
}
/// At most 8 rows of c, or columns; copies that fit the cache; no lines shorter than vectors.
template <class T>
bool is_thin(const MatrixProduct<T>& p) {
  constexpr int64_t kMost = 8, kCopied = 1 << 18, kShort = 16;
  const Few few = few_of(p);
  return std::min(p.m, p.n) <= kMost && (p.k >= kShort || (p.k > 0 && !many_lie_along(p, few))) &&
         (p.k <= kCopied / kMost || few_lie_along(p, few));
}

/// The product, or a part of one of which `few` says what is few. Every element of c is summed in
/// an order that depends on k and `few` alone.
template <class T>
void thin_product(const MatrixProduct<T>& product, Few few);

}  // namespace norma::kernels
