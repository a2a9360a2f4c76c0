// The matrix product; its plain twin, the definition: core/kernels/plain/matmul.h. For Norma's own
// sources.
//
//     float, AVX2 or wider, many multiplications (has_tiles) | gemm.h: register tiles
//     anything else                                          | OpenBLAS
#pragma once
#include <cstdint>

namespace norma::kernels {

/// C = op(A) op(B), and `start` (n values, or null) added to every row; row-major; op(A) is m×k,
/// op(B) k×n; `lda` etc. are row strides of the matrices as stored. Runs in the calling thread
/// alone: the form for use inside `parallel_for`.
template <class T>  // float or double
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
          const T* b, int64_t ldb, const T* start, T* c, int64_t ldc);

/// The same, split over Norma's threads where it is large enough.
template <class T>
void parallel_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                   int64_t lda, const T* b, int64_t ldb, const T* start, T* c, int64_t ldc);

}  // namespace norma::kernels
