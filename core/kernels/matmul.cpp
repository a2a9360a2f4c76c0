// Fast products of matrices; their plain twin is plain/matmul.h. Which way one is computed is
// decided here:
//
//     deterministic algorithms                             | ordered_product
//     at most kTiny multiplications                         | tiny_product
//     AVX2 or wider, at most 8 rows or columns (is_thin)    | thin_product
//     AVX2 or wider                                         | gemm: Norma's register tiles
//     anything else                                         | OpenBLAS
//
// A layer's product is never thin: a row's sums would not be those of the same row among others.
#include "norma/core/kernels/matmul.h"

#include <cblas.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/ordered_product.h"
#include "norma/core/kernels/plain/matmul.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/thin_product.h"
#include "norma/core/platform/fork.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

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

template <class T>
void by_openblas(const MatrixProduct<T>& p) {
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

constexpr int64_t kParallelWork = 1 << 18;  // multiply-adds worth a second thread

constexpr int64_t kTiny = 216;  // multiplications that cost less than to begin with tiles

template <class T>
bool is_tiny(const MatrixProduct<T>& p) {
  return std::max({p.m, p.n, p.k}) <= kTiny && p.m * p.n * p.k <= kTiny;
}

template <class T>
void tiny_product(const MatrixProduct<T>& p) {
  const int64_t row = p.trans_a ? 1 : p.lda, step_a = p.trans_a ? p.lda : 1;
  const int64_t column = p.trans_b ? p.ldb : 1, step_b = p.trans_b ? 1 : p.ldb;
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      const T *a = p.a + i * row, *b = p.b + j * column;
      T sum = p.start ? p.start[j] : T(0);
      for (int64_t q = 0; q < p.k; ++q, a += step_a, b += step_b) sum += *a * *b;
      p.c[i * p.ldc + j] = sum;
    }
  }
}

template <class T>
bool suits_thin(const MatrixProduct<T>& p) {
  return simd_level() > SimdLevel::Baseline && is_thin(p);
}

template <class T>
bool suits_gemm(const MatrixProduct<T>& p) {
  return simd_level() > SimdLevel::Baseline && p.k > 0;
}

/// How a product is split over threads: strips of its columns or rows, so that the tiles of the
/// kernels stay whole.
template <class T>
struct Strips {
  const MatrixProduct<T>& product;
  bool by_columns;
  int64_t width, grain = 0;

  Strips(const MatrixProduct<T>& p, bool columns, int64_t strip_width)
      : product(p), by_columns(columns), width(strip_width) {
    const auto per_strip = static_cast<int64_t>(p.multiplications() / static_cast<double>(count()));
    grain = rows_grain(kParallelWork, per_strip);
  }
  int64_t length() const { return by_columns ? product.n : product.m; }
  int64_t count() const { return ceil_div(length(), width); }
  MatrixProduct<T> part(int64_t begin, int64_t end) const {
    const int64_t first = begin * width, some = std::min(end * width, length()) - first;
    return by_columns ? product.part(0, product.m, first, some)
                      : product.part(first, some, 0, product.n);
  }
};

// What the parts share is packed by each of them: the smaller matrix should be.
template <class T>
Strips<T> strips_of(const MatrixProduct<T>& p) {
  return {p, p.n >= 64 && 4 * p.n >= p.m, 16};
}

template <class T>
void parallel_gemm(const MatrixProduct<T>& p, const Strips<T>& strips, const Panels<T>& panels) {
  const int64_t each = gemm_memory(p), count = strips.count();
  const int parts = parallel_parts(count, strips.grain);
  Scratch<T> memory(each * parts);
  parallel_parts_for(parts, count, [&](int64_t begin, int64_t end, int index) {
    Panels<T> some = panels;
    if (strips.by_columns) some.first = begin * strips.width;
    gemm(strips.part(begin, end), memory.data() + each * index, some);
  });
}

}  // namespace

template <class T>
void matmul(const MatrixProduct<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  if (plain_kernels()) return plain::multiply(p);
  if (deterministic()) return ordered_product(p);
  if (is_tiny(p)) return tiny_product(p);
  if (suits_thin(p)) return thin_product(p, few_of(p));
  if (!suits_gemm(p)) return by_openblas(p);
  Scratch<T> memory(gemm_memory(p));
  gemm(p, memory.data());
}

template <class T>
void parallel_matmul(const MatrixProduct<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  const bool small = p.multiplications() < 2 * kParallelWork;
  if (plain_kernels() || small || get_num_threads() == 1) return matmul(p);
  const Strips<T> strips = strips_of(p);
  // Chosen by the whole product: the result does not depend on the number of threads.
  const bool thin = suits_thin(p);
  if (!thin && suits_gemm(p)) return parallel_gemm(p, strips, {});
  parallel_for(strips.count(), strips.grain, [&](int64_t begin, int64_t end) {
    if (thin) return thin_product(strips.part(begin, end), few_of(p));
    if (deterministic()) return ordered_product(strips.part(begin, end));
    by_openblas(strips.part(begin, end));
  });
}

template <class T>
void layer_product(const MatrixProduct<T>& p, Storage* weight) {
  if (p.m == 0 || p.n == 0) return;
  if (!suits_gemm(p)) return parallel_matmul(p);
  static constexpr char kOrder[] = "panels";
  const auto pack = [&p](void* memory) { pack_panels(p, static_cast<T*>(memory)); };
  Ref<Storage> copy;
  if (weight) {
    const auto bytes = static_cast<std::size_t>(panels_size(p)) * sizeof(T);
    const auto layout = static_cast<int64_t>(16 * sizeof(T)) + static_cast<int64_t>(simd_level());
    copy = weight->prepared({p.b, kOrder, {p.n, p.k, layout}}, bytes, pack);
  }
  if (!copy) return parallel_gemm(p, strips_of(p), {});
  // Nothing is packed twice: rows are shared out, where there are enough.
  const bool by_columns = p.m < 32;
  const Strips<T> strips(p, by_columns, by_columns ? kPanelColumns : 16);
  parallel_gemm(p, strips, {static_cast<const T*>(copy->data()), Panels<T>::whole_columns(p.n)});
}

#define NORMA_MATMUL(T)                                   \
  template void matmul(const MatrixProduct<T>&);          \
  template void parallel_matmul(const MatrixProduct<T>&); \
  template void layer_product(const MatrixProduct<T>&, Storage*);
NORMA_MATMUL(float)
NORMA_MATMUL(double)
#undef NORMA_MATMUL

}  // namespace norma::kernels
