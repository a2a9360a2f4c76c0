// Fast products of matrices; their plain twin is plain/matmul.h. Which way one is computed is
// decided here:
//
//     float, AVX2 or wider, more than 8 rows, many multiplications | gemm: Norma's register tiles
//     float, AVX-512, more than 8 rows, bᵀ of 16 columns or more   | gemm
//     anything else                                                | OpenBLAS
#include "norma/core/kernels/matmul.h"

#include <cblas.h>

#include <algorithm>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
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

template <class T>
void by_openblas(const MatrixProduct<T>& p) {
  for (int64_t i = 0; p.start && i < p.m; ++i) std::copy_n(p.start, p.n, p.c + i * p.ldc);
  const SingleThreadedBlas guard;
  const auto flag = [](bool transposed) { return transposed ? CblasTrans : CblasNoTrans; };
  const auto integer = [](int64_t value) { return static_cast<blasint>(value); };
  const auto call = [&](auto function) {
    function(CblasRowMajor, flag(p.trans_a), flag(p.trans_b), integer(p.m), integer(p.n),
             integer(p.k), T(1), p.a, integer(p.lda), p.b, integer(p.ldb), p.start ? T(1) : T(0),
             p.c, integer(p.ldc));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_sgemm);
  } else {
    call(cblas_dgemm);
  }
}

constexpr int64_t kParallelWork = 1 << 18;  // multiply-adds worth a second thread

bool suits_gemm(const MatrixProduct<float>& p) {
  if (simd_level() <= SimdLevel::Baseline || p.m <= kGemmRows) return false;
  // OpenBLAS does small products well where it has AVX-512, but for a bᵀ of whole vectors.
  const bool wide = simd_level() == SimdLevel::Avx512;
  if (wide && p.trans_b && !p.trans_a && p.n >= kGemmColumns && p.k > 0) return true;
  return p.m * p.n * p.k >= (wide ? 1 << 20 : 1 << 15);
}

}  // namespace

template <class T>
void matmul(const MatrixProduct<T>& p) {
  if (plain_kernels()) return plain::multiply(p);
  if constexpr (std::is_same_v<T, float>) {
    if (suits_gemm(p)) {
      Scratch<float> memory(gemm_memory(p));
      return gemm(p, memory.data());
    }
  }
  by_openblas(p);
}

template <class T>
void parallel_matmul(const MatrixProduct<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  const int64_t work = p.m * p.n * p.k;
  if (plain_kernels() || work < 2 * kParallelWork || get_num_threads() == 1) return matmul(p);
  // Strips of 16 columns or rows, so that the kernels' tiles stay whole. What the parts share is
  // packed by each of them: the smaller matrix should be.
  const bool by_columns = p.n >= 64 && 4 * p.n >= p.m;
  const int64_t length = by_columns ? p.n : p.m, strips = ceil_div(length, 16);
  const int64_t grain = rows_grain(kParallelWork, work / strips);
  const auto part = [&](int64_t begin, int64_t end) {
    const int64_t first = begin * 16, count = std::min(end * 16, length) - first;
    return by_columns ? p.part(0, p.m, first, count) : p.part(first, count, 0, p.n);
  };
  if constexpr (std::is_same_v<T, float>) {
    if (suits_gemm(p)) {
      // Chosen by the whole product: the result does not depend on the number of threads.
      const int64_t each = gemm_memory(p);
      Scratch<float> memory(each * parallel_parts(strips, grain));
      return parallel_parts_for(strips, grain, [&](int64_t begin, int64_t end, int index) {
        gemm(part(begin, end), memory.data() + each * index);
      });
    }
  }
  parallel_for(strips, grain, [&](int64_t begin, int64_t end) { by_openblas(part(begin, end)); });
}

template void matmul(const MatrixProduct<float>&);
template void matmul(const MatrixProduct<double>&);
template void parallel_matmul(const MatrixProduct<float>&);
template void parallel_matmul(const MatrixProduct<double>&);

}  // namespace norma::kernels
