// No library: what Norma's tiles do not take, products of no terms, is computed by definition.
#include "norma/core/kernels/blas.h"
#include "norma/core/kernels/plain/matmul.h"

namespace norma::kernels {

template <class T>
void blas_product(const MatrixProduct<T>& p) {
  plain::multiply(p);
}

template void blas_product(const MatrixProduct<float>&);
template void blas_product(const MatrixProduct<double>&);

}  // namespace norma::kernels
