#include "norma/core/kernels/tile.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"

namespace norma::kernels {
namespace {

int64_t rows_of_level() { return simd_level() == SimdLevel::Avx512 ? Level512::kRows : 4; }

// The first Rows rows of a block of BlockRows. Every kDepthBlock terms are summed by themselves:
// one long chain of additions would lose digits.
constexpr int64_t kDepthBlock = 32;

template <class T, int Bytes, int BlockRows, int Rows, int Vectors>
NORMA_INLINE inline void product_tile(const Product<T>& p, const T* packed, const T* b, T* c,
                                      int64_t ldc) {
  using V = Vector<T, Bytes>;
  int64_t begin = 0;
  do {
    const int64_t end = std::min(p.depth, begin + kDepthBlock);
    const T* weights = packed + (begin + 1) * BlockRows;
    const int64_t* offsets = p.offsets + begin;
    register_tile<V, Rows, Vectors>(
        end - begin, [=](int m, int64_t k) NORMA_INLINE { return weights[k * BlockRows + m]; },
        [=](int64_t k) NORMA_INLINE { return b + offsets[k]; },
        [=](int m, int v, const typename V::Value& sum) NORMA_INLINE {
          auto& out = V::at(c + m * ldc + v * V::kLanes);
          if (begin > 0) {
            out.value += sum;
          } else if (p.biased) {
            out.value = packed[m] + sum;
          } else {
            out.value = sum;
          }
        });
    begin = end;
  } while (begin < p.depth);
}

// `rows` <= Rows rows at `count` positions, of which those that Vectors hold are done. A tile with
// fewer goes through memory of its own: one tile that is told where to store is 10 % slower.
template <class T, int Bytes, int BlockRows, int Rows, int Vectors>
NORMA_INLINE inline void product_rows(const Product<T>& p, const T* packed, int64_t rows, int64_t q,
                                      int64_t count, T* c) {
  constexpr int64_t kWidth = Vectors * Vector<T, Bytes>::kLanes;
  if (rows == Rows && count >= kWidth) {
    return product_tile<T, Bytes, BlockRows, Rows, Vectors>(p, packed, p.b + q, c + q, p.ldc);
  }
  alignas(64) T whole[Rows * kWidth];
  product_tile<T, Bytes, BlockRows, Rows, Vectors>(p, packed, p.b + q, whole, kWidth);
  for (int64_t m = 0; m < rows; ++m) {
    std::copy_n(whole + m * kWidth, std::min(count, kWidth), c + m * p.ldc + q);
  }
}

template <class T, class Level, int Vectors>
NORMA_INLINE inline void product_block(const Product<T>& p, const T* packed, int64_t rows,
                                       int64_t q, int64_t count, T* c) {
  constexpr int kRows = Level::kRows;
  if (kRows > 4 && rows <= 4) {
    return product_rows<T, Level::kBytes, kRows, 4, Vectors>(p, packed, rows, q, count, c);
  }
  product_rows<T, Level::kBytes, kRows, kRows, Vectors>(p, packed, rows, q, count, c);
}

template <class T, class Level>
NORMA_INLINE inline void multiply_at(const Product<T>& p) {
  constexpr int kRows = Level::kRows;
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  for (int64_t q = 0; q < p.count;) {
    const int64_t left = p.count - q, vectors = ceil_div(left, kLanes);
    // Three vectors at a time; four go as two and two.
    const int64_t take = vectors == 4 || Level::kVectors == 2 ? std::min<int64_t>(vectors, 2)
                                                              : std::min<int64_t>(vectors, 3);
    const T* packed = p.packed;
    for (int64_t m = 0; m < p.rows; m += kRows, packed += kRows * (p.depth + 1)) {
      const int64_t rows = std::min<int64_t>(kRows, p.rows - m);
      T* c = p.c + m * p.ldc;
      if (take == 1) {
        product_block<T, Level, 1>(p, packed, rows, q, left, c);
      } else if (take == 2) {
        product_block<T, Level, 2>(p, packed, rows, q, left, c);
      } else if constexpr (Level::kVectors == 3) {
        product_block<T, Level, 3>(p, packed, rows, q, left, c);
      }
    }
    q += take * kLanes;
  }
}

template <class T, int Bytes, int Vectors>
NORMA_INLINE inline void outer_tile(const OuterSum<T>& s, const int64_t* offsets, int64_t begin,
                                    int64_t end, int64_t stride, const T* d, T* out) {
  using V = Vector<T, Bytes>;
  constexpr int kTerms = static_cast<int>(kTermBlock);
  const T* in[kTerms];
  unrolled<kTerms>([&](int k) NORMA_INLINE { in[k] = s.b + offsets[k] + begin; });
  d += begin * stride;
  register_tile<V, kTerms, Vectors>(
      end - begin, [&](int k, int64_t p) NORMA_INLINE { return in[k][p]; },
      [=](int64_t p) NORMA_INLINE { return d + p * stride; },
      [=](int k, int v, const typename V::Value& sum)
          NORMA_INLINE { V::at(out + k * stride + v * V::kLanes).value += sum; });
}

// So many positions stay in the first-level cache while all sums pass by. Each chunk is summed by
// itself: one long chain of additions would lose digits.
constexpr int64_t kChunk = 32;

template <class T, class Level>
NORMA_INLINE inline void add_outer_at(const OuterSum<T>& s) {
  constexpr int kBytes = Level::kBytes;
  constexpr int64_t kLanes = Vector<T, kBytes>::kLanes;
  const int64_t stride = round_up(s.columns, kColumnBlock);
  for (int64_t begin = 0; begin < s.count; begin += kChunk) {
    const int64_t end = std::min(s.count, begin + kChunk);
    for (int64_t k = 0; k < s.terms; k += kTermBlock) {
      T* out = s.sums + k * stride;
      int64_t o = 0;
      if constexpr (Level::kColumnVectors == 2) {
        for (; o + kLanes < s.columns; o += 2 * kLanes) {
          outer_tile<T, kBytes, 2>(s, s.offsets + k, begin, end, stride, s.d + o, out + o);
        }
      }
      for (; o < s.columns; o += kLanes) {
        outer_tile<T, kBytes, 1>(s, s.offsets + k, begin, end, stride, s.d + o, out + o);
      }
    }
  }
}

template <class T, class Level, int Terms, int Vectors>
NORMA_INLINE inline void transposed_tile(const TransposedSum<T>& s, int64_t begin, int64_t end,
                                         int64_t k, int64_t o) {
  using V = Vector<T, Level::kBytes>;
  const T* b = s.b + begin * s.b_columns + k;
  const T* d = s.d + begin * s.d_columns + o;
  T* sums = s.sums + k * s.d_columns + o;
  register_tile<V, Terms, Vectors>(
      end - begin, [=](int i, int64_t p) NORMA_INLINE { return b[p * s.b_columns + i]; },
      [=](int64_t p) NORMA_INLINE { return d + p * s.d_columns; },
      [=](int i, int v, const typename V::Value& sum)
          NORMA_INLINE { V::at(sums + i * s.d_columns + v * V::kLanes).value += sum; });
}

template <class T, class Level, int Vectors>
NORMA_INLINE inline void transposed_tiles(const TransposedSum<T>& s, int64_t begin, int64_t end,
                                          int64_t o) {
  constexpr int kMost = Level::kBytes == 64 && Vectors == 1 ? 16 : 12;
  int64_t k = 0;
  for (; k + kMost <= s.terms; k += kMost) {
    transposed_tile<T, Level, kMost, Vectors>(s, begin, end, k, o);
  }
  for (; k + 4 < s.terms; k += 8) transposed_tile<T, Level, 8, Vectors>(s, begin, end, k, o);
  if (k < s.terms) transposed_tile<T, Level, 4, Vectors>(s, begin, end, k, o);
}

template <class T, class Level>
NORMA_INLINE inline void add_transposed_at(const TransposedSum<T>& s) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  for (int64_t begin = 0; begin < s.count; begin += kChunk) {
    const int64_t end = std::min(s.count, begin + kChunk);
    int64_t o = 0;
    if constexpr (Level::kColumnVectors == 2) {
      for (; o + kLanes < s.d_columns; o += 2 * kLanes) {
        transposed_tiles<T, Level, 2>(s, begin, end, o);
      }
    }
    for (; o < s.d_columns; o += kLanes) transposed_tiles<T, Level, 1>(s, begin, end, o);
  }
}

}  // namespace

template <class T>
int64_t row_block() {
  return rows_of_level();
}

template <class T>
int64_t packed_size(int64_t rows, int64_t depth) {
  return round_up(rows, rows_of_level()) * (depth + 1);
}

template <class T>
void pack_weights(const WeightView<T>& weights, int64_t rows, int64_t channels, int64_t kernel_h,
                  int64_t kernel_w, const T* bias, T* packed) {
  const int64_t block = rows_of_level();
  for (int64_t m = 0; m < rows; m += block) {
    const int64_t here = std::min(block, rows - m);
    for (int64_t r = 0; r < block; ++r) *packed++ = bias && r < here ? bias[m + r] : T(0);
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < kernel_h; ++i) {
        for (int64_t j = 0; j < kernel_w; ++j) {
          const T* from = weights.data + m * weights.row + c * weights.channel + i * weights.tap_h +
                          j * weights.tap_w;
          for (int64_t r = 0; r < here; ++r) *packed++ = from[r * weights.row];
          for (int64_t r = here; r < block; ++r) *packed++ = T(0);
        }
      }
    }
  }
}

template <class T>
void multiply(const Product<T>& product) {
  for_level([product]<class Level>() NORMA_INLINE { multiply_at<T, Level>(product); });
}

template <class T>
void add_outer(const OuterSum<T>& sum) {
  for_level([sum]<class Level>() NORMA_INLINE { add_outer_at<T, Level>(sum); });
}

template <class T>
void add_transposed(const TransposedSum<T>& sum) {
  for_level([sum]<class Level>() NORMA_INLINE { add_transposed_at<T, Level>(sum); });
}

template <class T>
void transpose(int64_t rows, int64_t count, const T* in, int64_t ld, int64_t columns, T* out) {
  simd([=]() NORMA_INLINE {
    constexpr int64_t kBlock = 4, kStrip = 16;
    for (int64_t p = 0; p < count; p += kStrip) {
      const int64_t end = std::min(count, p + kStrip);
      int64_t o = 0;
      for (; o + kBlock <= rows; o += kBlock) {
        int64_t q = p;
        for (; q + kBlock <= end; q += kBlock) {
          transpose_block(in + o * ld + q, ld, out + q * columns + o, columns);
        }
        for (; q < end; ++q) {
          for (int64_t k = o; k < o + kBlock; ++k) out[q * columns + k] = in[k * ld + q];
        }
      }
      for (int64_t q = p; q < end; ++q) {
        for (int64_t k = o; k < rows; ++k) out[q * columns + k] = in[k * ld + q];
        for (int64_t k = rows; k < columns; ++k) out[q * columns + k] = T(0);
      }
    }
  });
}

#define NORMA_TILES(T)                                                                           \
  template int64_t row_block<T>();                                                               \
  template int64_t packed_size<T>(int64_t, int64_t);                                             \
  template void pack_weights(const WeightView<T>&, int64_t, int64_t, int64_t, int64_t, const T*, \
                             T*);                                                                \
  template void multiply(const Product<T>&);                                                     \
  template void add_outer(const OuterSum<T>&);                                                   \
  template void add_transposed(const TransposedSum<T>&);                                         \
  template void transpose(int64_t, int64_t, const T*, int64_t, int64_t, T*);
NORMA_TILES(float)
NORMA_TILES(double)
#undef NORMA_TILES

}  // namespace norma::kernels
