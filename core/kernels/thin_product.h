// Products in which one matrix has few rows or columns, a vector's among them; their plain twin is
// plain/matmul.h.
#pragma once
#include <algorithm>

#include "norma/core/kernels/matrix_product.h"

namespace norma::kernels {

/// At most so many rows of c, or columns, make a product thin.
inline constexpr int64_t kFew = 8;
enum class Few { Rows, Columns };

template <class T>
bool is_thin(const MatrixProduct<T>& p) {
  return std::min(p.m, p.n) <= kFew;
}
template <class T>
Few few_of(const MatrixProduct<T>& p) {
  return p.m <= p.n ? Few::Rows : Few::Columns;
}

/// The product, or a part of one of which `few` says what is few. Every element of c is summed in
/// an order that depends on k and `few` alone.
template <class T>
void thin_product(const MatrixProduct<T>& product, Few few);

}  // namespace norma::kernels
