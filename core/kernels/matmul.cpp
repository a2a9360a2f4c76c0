// Fast products of matrices; their plain twin is plain/matmul.h. Which way one is computed is
// decided here:
//
//     deterministic algorithms                             | ordered_product
//     at most kTiny multiplications                         | tiny_product
//     own products, at most 8 rows or columns (is_thin)     | thin_product
//     own products                                          | gemm: Norma's register tiles
//     anything else                                         | OpenBLAS
//
// Products are Norma's own where the vectors are wider than the baseline's, and without OpenBLAS.
//
// A layer's product is never thin: a row's sums would not be those of the same row among others.
#include "norma/core/kernels/matmul.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/blas.h"
#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/ordered_product.h"
#include "norma/core/kernels/plain/matmul.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/thin_product.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

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
  return own_products() && is_thin(p);
}

template <class T>
bool suits_gemm(const MatrixProduct<T>& p) {
  return own_products() && p.k > 0;
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
  if (!suits_gemm(p)) return blas_product(p);
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
    blas_product(strips.part(begin, end));
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
