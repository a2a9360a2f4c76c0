// OpenBLAS, which serves the baseline's products.
#include <cblas.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "norma/core/kernels/blas.h"
#include "norma/core/platform/fork.h"
#include "norma/core/simd.h"

extern "C" {
// Present only when OpenBLAS's OpenMP build brought the OpenMP run-time along.
__attribute__((weak)) void omp_set_num_threads(int);
__attribute__((weak)) int omp_get_max_threads(void);
}

namespace norma::kernels {
namespace {

// Norma splits products itself: every OpenBLAS call runs on the calling thread alone, and the
// program around keeps the number of threads that it gave OpenBLAS. The pthread build has one
// number for the process, which is 1 while any product of ours runs; the OpenMP build asks OpenMP,
// which has one per thread.
struct HostThreads {
  std::mutex lock;
  int products = 0, number = 1;
};
constinit HostThreads host;

// A fork beside a product would leave the child a lock that nobody opens. And OpenBLAS, which ends
// its threads before a fork, would begin others when told their number meanwhile: the child took
// those for its own, and waited for them at its next fork.
[[gnu::constructor(101)]] void lock_blas_at_fork() {
  platform::at_fork([] { host.lock.lock(); }, [] { host.lock.unlock(); },
                    [] {
                      host.lock.unlock();
                      host.products = 0;
                    });
}

class SingleThreadedBlas {
 public:
  SingleThreadedBlas() {
    if (by_openmp_) {
      before_ = omp_get_max_threads();
      if (before_ != 1) omp_set_num_threads(1);
      return;
    }
    const std::lock_guard guard(host.lock);
    ++host.products;
    const int now = openblas_get_num_threads();
    if (now == 1) return;
    host.number = now;
    openblas_set_num_threads(1);
  }
  ~SingleThreadedBlas() {
    if (by_openmp_) {
      if (before_ != 1) omp_set_num_threads(before_);
      return;
    }
    const std::lock_guard guard(host.lock);
    if (--host.products > 0 || host.number == 1) return;
    openblas_set_num_threads(std::exchange(host.number, 1));
  }
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  const bool by_openmp_ =
      openblas_get_parallel() == OPENBLAS_OPENMP && omp_set_num_threads && omp_get_max_threads;
  int before_ = 1;
};

template <class T>
NORMA_INLINE inline void call_openblas(const MatrixProduct<T>& p, bool add) {
  const auto flag = [](bool transposed) { return transposed ? CblasTrans : CblasNoTrans; };
  // The distance between rows says nothing where there is one.
  const auto distance = [](int64_t rows, int64_t columns, int64_t ld) {
    return static_cast<blasint>(rows > 1 ? ld : std::max<int64_t>(1, columns));
  };
  const auto call = [&](auto function) {
    function(CblasRowMajor, flag(p.trans_a), flag(p.trans_b), static_cast<blasint>(p.m),
             static_cast<blasint>(p.n), static_cast<blasint>(p.k), T(1), p.a,
             p.trans_a ? distance(p.k, p.m, p.lda) : distance(p.m, p.k, p.lda), p.b,
             p.trans_b ? distance(p.n, p.k, p.ldb) : distance(p.k, p.n, p.ldb), T(add), p.c,
             distance(p.m, p.n, p.ldc));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_sgemm);
  } else {
    call(cblas_dgemm);
  }
}

constexpr int64_t kMost = int64_t{1} << 30;

/// c += a b where `add`, c = a b otherwise, in parts that OpenBLAS can count in 32 bits.
template <class T>
[[gnu::noinline]] void split_for_openblas(const MatrixProduct<T>& p, bool add) {
  const auto too_far = [](int64_t rows, int64_t ld) { return rows > 1 && ld > kMost; };
  const bool far_a = too_far(p.trans_a ? p.k : p.m, p.lda),
             far_b = too_far(p.trans_b ? p.n : p.k, p.ldb);
  if (p.m > kMost || (far_a && !p.trans_a) || too_far(p.m, p.ldc)) {
    const int64_t half = p.m / 2;
    split_for_openblas(p.part(0, half, 0, p.n), add);
    return split_for_openblas(p.part(half, p.m - half, 0, p.n), add);
  }
  if (p.n > kMost || (far_b && p.trans_b)) {
    const int64_t half = p.n / 2;
    split_for_openblas(p.part(0, p.m, 0, half), add);
    return split_for_openblas(p.part(0, p.m, half, p.n - half), add);
  }
  if (p.k > kMost || far_a || far_b) {
    const int64_t half = p.k / 2;
    split_for_openblas(p.terms(0, half), add);
    return split_for_openblas(p.terms(half, p.k - half), true);
  }
  call_openblas(p, add);
}

/// Every row of c becomes `start`.
template <class T>
void fill_rows(const MatrixProduct<T>& p) {
  if (p.ldc != p.n || p.m == 0) {
    for (int64_t i = 0; i < p.m; ++i) std::copy_n(p.start, p.n, p.c + i * p.ldc);
    return;
  }
  std::copy_n(p.start, p.n, p.c);
  for (int64_t rows = 1; rows < p.m; rows *= 2)  // few large copies: rows may be short
    std::copy_n(p.c, std::min(rows, p.m - rows) * p.n, p.c + rows * p.n);
}

}  // namespace

template <class T>
void blas_product(const MatrixProduct<T>& p) {
  if (p.start) fill_rows(p);
  // It runs products as small as this on one thread by itself.
  constexpr double kOwnThread = 65536;
  std::optional<SingleThreadedBlas> guard;
  if (p.multiplications() > kOwnThread) guard.emplace();
  if ((p.m | p.n | p.k | p.lda | p.ldb | p.ldc) < kMost) {
    call_openblas(p, p.start);
  } else {
    split_for_openblas(p, p.start);
  }
}

template void blas_product(const MatrixProduct<float>&);
template void blas_product(const MatrixProduct<double>&);

}  // namespace norma::kernels
