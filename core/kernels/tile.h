// The inner loops of convolution, as explicit vector code for every width:
//
//     multiply       | weights times unrolled rows or Winograd's tiles     | forward, gradient of x
//     add_outer      | unrolled rows times dy                              | gradient of w
//     add_transposed | Winograd's tiles of x times those of dy             | gradient of w
//
// All three, and the product of matrices in gemm.h, end in the tile of register_tile.h.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// How far behind their last element the operands of `multiply` must be readable.
inline constexpr int64_t kTileSlack = 16;

/// Where the weight of output `row`, input channel c and tap (i, j) lies; strides in elements.
template <class T>
struct WeightView {
  const T* data;
  int64_t row, channel, tap_h, tap_w;
};

/// Weights in the order `multiply` reads them: blocks of rows, each beginning with their start
/// values (`bias`, or zeros where it is null), then one run per term (channel, i, j).
template <class T>
int64_t packed_size(int64_t rows, int64_t depth);
template <class T>
void pack_weights(const WeightView<T>& weights, int64_t rows, int64_t channels, int64_t kernel_h,
                  int64_t kernel_w, const T* bias, T* packed);
/// Rows per block; the packed weights of block i begin at i * packed_size(block, depth).
template <class T>
int64_t row_block();

/// c[m, q] = start[m] + Σ_k weight[m, k] b[offsets[k] + q] for m < rows, q < count.
template <class T>
struct Product {
  int64_t rows, depth, count;
  bool biased;  // false: start values are zero, whatever `packed` says
  const T* packed;
  const int64_t* offsets;
  const T* b;
  T* c;
  int64_t ldc;
};
template <class T>
void multiply(const Product<T>& product);

/// sums[k, o] += Σ_p b[offsets[k] + p] d[p, o] for k < terms, p < count, o < columns. `terms` and
/// `columns` are rounded up to multiples of kTermBlock and kColumnBlock: those beyond the end are
/// computed, too, and are of no meaning.
inline constexpr int64_t kTermBlock = 12;
inline constexpr int64_t kColumnBlock = 16;
template <class T>
struct OuterSum {
  int64_t terms, count, columns;
  const int64_t* offsets;
  const T* b;
  const T* d;
  T* sums;
};
template <class T>
void add_outer(const OuterSum<T>& sum);

/// sums[k, o] += Σ_p b[p, k] d[p, o] for p < count, o < d_columns and k < terms, which is rounded
/// up to a multiple of 4. Rows of `b` and `d` are b_columns and d_columns long, multiples of
/// kColumnBlock, those of `sums` d_columns.
template <class T>
struct TransposedSum {
  int64_t terms, count;
  const T* b;
  int64_t b_columns;
  const T* d;
  int64_t d_columns;
  T* sums;
};
template <class T>
void add_transposed(const TransposedSum<T>& sum);

/// out[p, o] = in[o, p]: rows of `in` are `ld` apart, those of `out` `columns`, of which the ones
/// past `rows` become zero.
template <class T>
void transpose(int64_t rows, int64_t count, const T* in, int64_t ld, int64_t columns, T* out);

}  // namespace norma::kernels
