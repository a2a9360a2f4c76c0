// The plain version: core/kernels/plain/matmul.h.
#include "norma/core/kernels/blas.h"

#include <cblas.h>

#include <algorithm>
#include <type_traits>

#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/plain/matmul.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

extern "C" {
// Present only when OpenBLAS's OpenMP build brought the OpenMP run-time along.
__attribute__((weak)) void omp_set_num_threads(int);
__attribute__((weak)) int omp_get_max_threads(void);
}

namespace norma::kernels {

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

void openblas(bool trans_a, bool trans_b, blasint m, blasint n, blasint k, const float* a,
              blasint lda, const float* b, blasint ldb, float beta, float* c, blasint ldc) {
  cblas_sgemm(CblasRowMajor, flag(trans_a), flag(trans_b), m, n, k, 1, a, lda, b, ldb, beta, c,
              ldc);
}
void openblas(bool trans_a, bool trans_b, blasint m, blasint n, blasint k, const double* a,
              blasint lda, const double* b, blasint ldb, double beta, double* c, blasint ldc) {
  cblas_dgemm(CblasRowMajor, flag(trans_a), flag(trans_b), m, n, k, 1, a, lda, b, ldb, beta, c,
              ldc);
}

template <class T>
void by_openblas(const MatrixProduct<T>& p) {
  for (int64_t i = 0; p.start && i < p.m; ++i) std::copy_n(p.start, p.n, p.c + i * p.ldc);
  const SingleThreadedBlas guard;
  const auto integer = [](int64_t value) { return static_cast<blasint>(value); };
  openblas(p.trans_a, p.trans_b, integer(p.m), integer(p.n), integer(p.k), p.a, integer(p.lda), p.b,
           integer(p.ldb), p.start ? T(1) : T(0), p.c, integer(p.ldc));
}

constexpr int64_t kParallelWork = 1 << 18;  // multiply-adds worth a second thread

}  // namespace

template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
          const T* b, int64_t ldb, const T* start, T* c, int64_t ldc) {
  const MatrixProduct<T> p{trans_a, trans_b, m, n, k, a, lda, b, ldb, start, c, ldc};
  if (plain_kernels()) return plain::multiply(p);
  if constexpr (std::is_same_v<T, float>) {
    if (has_tiles(p)) {
      const Scratch<float> memory(working_memory(p));
      return multiply(p, memory.data());
    }
  }
  by_openblas(p);
}

template <class T>
void parallel_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                   int64_t lda, const T* b, int64_t ldb, const T* start, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  const MatrixProduct<T> p{trans_a, trans_b, m, n, k, a, lda, b, ldb, start, c, ldc};
  const int64_t work = m * n * k;
  if (plain_kernels() || work < 2 * kParallelWork || get_num_threads() == 1) {
    return gemm(trans_a, trans_b, m, n, k, a, lda, b, ldb, start, c, ldc);
  }
  // Strips of 16 columns or rows, so that the kernels' tiles stay whole. What the parts share is
  // packed by each of them: the smaller matrix should be.
  const bool by_columns = n >= 64 && 4 * n >= m;
  const int64_t length = by_columns ? n : m;
  const int64_t strips = (length + 15) / 16;
  const int64_t grain = std::max<int64_t>(1, kParallelWork / std::max<int64_t>(1, work / strips));
  const auto part = [&](int64_t begin, int64_t end) {
    const int64_t first = begin * 16, count = std::min(end * 16, length) - first;
    return by_columns ? p.part(0, m, first, count) : p.part(first, count, 0, n);
  };
  if constexpr (std::is_same_v<T, float>) {
    if (has_tiles(p)) {
      // Chosen by the whole product: the result does not depend on the number of threads.
      const int64_t each = working_memory(p);
      const int parts = parallel_parts(strips, grain);
      const Scratch<float> memory(each * parts);
      return parallel_parts_for(strips, grain, [&](int64_t begin, int64_t end, int index) {
        multiply(part(begin, end), memory.data() + each * index);
      });
    }
  }
  parallel_for(strips, grain, [&](int64_t begin, int64_t end) { by_openblas(part(begin, end)); });
}

template void gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t, const float*,
                   int64_t, const float*, float*, int64_t);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t, const double*,
                   int64_t, const double*, double*, int64_t);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t,
                            const float*, int64_t, const float*, float*, int64_t);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t,
                            const double*, int64_t, const double*, double*, int64_t);

}  // namespace norma::kernels
