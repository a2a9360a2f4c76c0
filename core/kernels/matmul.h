// The product of matrices; its plain twin, the definition: plain/matmul.h.
#pragma once
#include "norma/core/kernels/matrix_product.h"
#include "norma/core/storage.h"

namespace norma::kernels {

/// Of float or double, in the calling thread alone: the form for use inside `parallel_for`.
template <class T>
void matmul(const MatrixProduct<T>& product);

/// The same, split over Norma's threads where it is large enough.
template <class T>
void parallel_matmul(const MatrixProduct<T>& product);

/// The same for a layer: where products are Norma's own, the bits of a row of c do not depend on
/// the others. `b` lies in `weight`, with which it may be kept packed; null: nothing is kept.
template <class T>
void layer_product(const MatrixProduct<T>& product, Storage* weight);

}  // namespace norma::kernels
