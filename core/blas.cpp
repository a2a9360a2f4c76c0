#include "norma/core/blas.h"

#include <cblas.h>

#include <algorithm>

#include "norma/core/threads.h"

extern "C" {
// Present only when OpenBLAS's OpenMP build brought the OpenMP run-time along.
__attribute__((weak)) void omp_set_num_threads(int);
__attribute__((weak)) int omp_get_max_threads(void);
}

namespace norma {

namespace {

// Norma splits products itself, so every OpenBLAS call runs on the calling thread alone. The
// pthread build is told once for the process; the OpenMP build asks OpenMP before each call, per
// thread.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas() {
    static const bool once = (openblas_set_num_threads(1), true);
    static_cast<void>(once);
    if (omp_set_num_threads && omp_get_max_threads) {
      before_ = omp_get_max_threads();
      if (before_ != 1) omp_set_num_threads(1);
    }
  }
  ~SingleThreadedBlas() {
    if (before_ > 1) omp_set_num_threads(before_);
  }

 private:
  int before_ = 1;
};

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

constexpr int64_t kParallelWork = 1 << 18;  // multiply-adds worth a second thread

}  // namespace

template <>
void gemm<float>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc) {
  const SingleThreadedBlas guard;
  cblas_sgemm(CblasRowMajor, flag(trans_a), flag(trans_b), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

template <>
void gemm<double>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                  const double* a, int64_t lda, const double* b, int64_t ldb, double beta,
                  double* c, int64_t ldc) {
  const SingleThreadedBlas guard;
  cblas_dgemm(CblasRowMajor, flag(trans_a), flag(trans_b), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

template <class T>
void parallel_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                   int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  const int64_t work = m * n * k;
  if (work < 2 * kParallelWork || get_num_threads() == 1) {
    return gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  // Split the longer side of C, in strips of 16 so that the kernels' tiles stay whole.
  const bool by_rows = m >= n;
  const int64_t length = by_rows ? m : n;
  const int64_t strips = (length + 15) / 16;
  const int64_t grain = std::max<int64_t>(1, kParallelWork / std::max<int64_t>(1, work / strips));
  parallel_for(strips, grain, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * 16, count = std::min(end * 16, length) - first;
    if (by_rows) {
      gemm(trans_a, trans_b, count, n, k, alpha, a + first * (trans_a ? 1 : lda), lda, b, ldb, beta,
           c + first * ldc, ldc);
    } else {
      gemm(trans_a, trans_b, m, count, k, alpha, a, lda, b + first * (trans_b ? ldb : 1), ldb, beta,
           c + first, ldc);
    }
  });
}

template void parallel_gemm<float>(bool, bool, int64_t, int64_t, int64_t, float, const float*,
                                   int64_t, const float*, int64_t, float, float*, int64_t);
template void parallel_gemm<double>(bool, bool, int64_t, int64_t, int64_t, double, const double*,
                                    int64_t, const double*, int64_t, double, double*, int64_t);

}  // namespace norma
