// The inner loops of convolution, as explicit vector code for every width:
//
//     multiply  | weights times unrolled rows or Winograd's tiles                  | y, dx
//     add_outer | unrolled rows times dy, or Winograd's tiles of x times those of dy | dw
//
// Both, and the product of matrices in gemm.h, end in the tile of register_tile.h.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// How far behind their last element the operands of `multiply` must be readable.
inline constexpr int64_t kTileSlack = 16;

/// Bytes of a vector of `multiply`.
int64_t vector_bytes();
/// Rows of weights per block.
int64_t row_block();
/// Elements of `rows` rows of weights in the order in which `multiply` reads them: blocks of
/// row_block() rows, one run per term.
int64_t packed_size(int64_t rows, int64_t depth);

/// c[m, q] = bias[m] + Σ_k weight[m, k] b[offsets[k] + q] for m < rows, q < count. The bits of each
/// depend on its own terms and their number alone. Of more calls, each has its own terms, offsets
/// and b, and those after the first add to c.
template <class T>
struct Product {
  int64_t rows, depth, count;
  const T* bias;  // of whole blocks of rows; null: zeros
  const T* packed;
  const int64_t* offsets;
  const T* b;
  T* c;
  int64_t ldc;
  int64_t begin = 0, end = depth;  // of the terms
  bool exact = false;              // nothing behind the last element of b may be read
};
template <class T>
void multiply(const Product<T>& product);

/// sums[k, o] += Σ_p b(k, p) d[p, o] for k < terms, p < count, o < columns. Rows of `d` and `sums`
/// are round_up(columns, kColumnBlock) long, and there are round_up(terms, kTermBlock) rows of
/// `sums`: what lies beyond the end is computed, too, and is of no meaning.
inline constexpr int64_t kTermBlock = 4;
inline constexpr int64_t kColumnBlock = 16;
template <class T>
struct OuterSum {
  int64_t terms, count, columns;
  const T* b;
  const int64_t* offsets;  // b(k, p) = b[offsets[k] + p]; or null:
  int64_t ldb;             // b(k, p) = b[p * ldb + k]
  const T* d;
  T* sums;
};
template <class T>
void add_outer(const OuterSum<T>& sum);

}  // namespace norma::kernels
