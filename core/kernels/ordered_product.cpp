// The plain twin is plain/matmul.h. Blocks of a and b are packed for the tiles of convolution.
#include "norma/core/kernels/ordered_product.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/tile.h"

namespace norma::kernels {
namespace {

constexpr int64_t kRows = 32, kColumns = 512, kDepth = 256;  // of a block

/// Rows of a as `multiply` reads weights.
template <class T>
void pack_rows(const MatrixProduct<T>& m, T* packed) {
  const int64_t block = row_block();
  for (int64_t i = 0; i < m.m; i += block, packed += block * m.k) {
    for (int64_t p = 0; p < m.k; ++p) {
      for (int64_t r = i; r < i + block; ++r) {
        const T* a = m.trans_a ? m.a + p * m.lda + r : m.a + r * m.lda + p;
        packed[p * block + r - i] = r < m.m ? *a : T(0);
      }
    }
  }
}

/// b as rows of kColumns.
template <class T>
void pack_columns(const MatrixProduct<T>& m, T* rows) {
  for (int64_t p = 0; p < m.k; ++p) {
    for (int64_t j = 0; j < m.n; ++j) {
      rows[p * kColumns + j] = m.trans_b ? m.b[j * m.ldb + p] : m.b[p * m.ldb + j];
    }
  }
}

}  // namespace

template <class T>
void ordered_product(const MatrixProduct<T>& m) {
  for (int64_t i = 0; i < m.m; ++i) {
    if (m.start) std::copy_n(m.start, m.n, m.c + i * m.ldc);
    if (!m.start) std::fill_n(m.c + i * m.ldc, m.n, T(0));
  }
  if (m.m == 0 || m.n == 0 || m.k == 0) return;
  const int64_t depth = std::min(m.k, kDepth), height = std::min(m.m, kRows);
  Scratch<T> a(packed_size(height, depth)), b(depth * kColumns + kTileSlack),
      sums(height * kColumns);
  Scratch<int64_t> offsets(depth);
  for (int64_t p = 0; p < depth; ++p) offsets.data()[p] = p * kColumns;
  for (int64_t p = 0; p < m.k; p += kDepth) {
    const MatrixProduct<T> terms = m.terms(p, std::min(kDepth, m.k - p));
    for (int64_t j = 0; j < m.n; j += kColumns) {
      const int64_t columns = std::min(kColumns, m.n - j);
      pack_columns(terms.part(0, m.m, j, columns), b.data());
      for (int64_t i = 0; i < m.m; i += kRows) {
        const MatrixProduct<T> block = terms.part(i, std::min(kRows, m.m - i), j, columns);
        pack_rows(block, a.data());
        multiply(Product<T>{.rows = block.m,
                            .depth = block.k,
                            .count = columns,
                            .bias = nullptr,
                            .packed = a.data(),
                            .offsets = offsets.data(),
                            .b = b.data(),
                            .c = sums.data(),
                            .ldc = kColumns});
        for (int64_t r = 0; r < block.m; ++r) {
          const T* sum = sums.data() + r * kColumns;
          for (int64_t q = 0; q < columns; ++q) block.c[r * m.ldc + q] += sum[q];
        }
      }
    }
  }
}

template void ordered_product(const MatrixProduct<float>&);
template void ordered_product(const MatrixProduct<double>&);

}  // namespace norma::kernels
