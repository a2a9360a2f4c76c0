// Fast products for convolutions, whose plain twin is plain/conv.h.
//
//     multiply, whole tiles                       | straight from and to memory
//     multiply, rows or positions short of a tile | through a copy of the tile
//     add_outer, with offsets                     | terms lie in rows of their own
//     add_outer, without                          | terms of a position lie side by side
//
// All of them end in register_tile.
#include "norma/core/kernels/tile.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"

namespace norma::kernels {
namespace {

// So many terms, of few at most half, and of a gradient so many positions are summed by themselves:
// one long chain of additions would lose digits. The baseline's are in the bits of deterministic
// algorithms.
template <class Level>
constexpr int64_t kTerms = Level::kFused ? 128 : 32;
template <class Level>
constexpr int64_t kChunk = Level::kFused ? 64 : 32;

// Terms [begin, end) of a product, whose `offsets` begin with that of `begin`.
template <class T>
struct Terms {
  int64_t begin, end, chunk;
  const T* b;
  const int64_t* offsets;
};

// The first Rows rows of a block of kBlockRows, whose weights are `packed` from the first term on.
template <class T, class Level, int Rows, int Vectors>
NORMA_INLINE inline void product_tile(const Terms<T>& terms, const T* packed, const T* bias, T* c,
                                      int64_t ldc) {
  using V = LevelVector<T, Level>;
  constexpr int kBlockRows = Level::kRows;
  const T* const b = terms.b;
  int64_t begin = terms.begin;
  do {
    const int64_t end = std::min(terms.end, begin + terms.chunk);
    const T* weights = packed + begin * kBlockRows;
    const int64_t* offsets = terms.offsets + (begin - terms.begin);
    register_tile<V, Rows, Vectors>(
        end - begin, [=](int m, int64_t k) NORMA_INLINE { return weights[k * kBlockRows + m]; },
        [=](int64_t k) NORMA_INLINE { return b + offsets[k]; },
        [=](int m, int v, const typename V::Value& sum) NORMA_INLINE {
          auto& out = V::at(c + m * ldc + v * V::kLanes);
          if (begin > 0) {
            out.value += sum;
          } else if (bias) {
            out.value = bias[m] + sum;
          } else {
            out.value = sum;
          }
        });
    begin = end;
  } while (begin < terms.end);
}

// `rows` <= Rows rows at `count` positions, of which those that Vectors hold are done. A tile with
// fewer goes through memory of its own: one tile that is told where to store is 10 % slower.
template <class T, class Level, int Rows, int Vectors>
NORMA_INLINE inline void product_rows(const Terms<T>& terms, const T* packed, const T* bias,
                                      int64_t rows, int64_t count, T* c, int64_t ldc) {
  constexpr int64_t kWidth = Vectors * Vector<T, Level::kBytes>::kLanes;
  if (rows == Rows && count >= kWidth) {
    return product_tile<T, Level, Rows, Vectors>(terms, packed, bias, c, ldc);
  }
  alignas(64) T whole[Rows * kWidth];
  const int64_t some = std::min(count, kWidth);
  for (int64_t m = 0; terms.begin > 0 && m < rows; ++m) {
    copy_row<T, Level>(c + m * ldc, some, whole + m * kWidth);
  }
  product_tile<T, Level, Rows, Vectors>(terms, packed, bias, whole, kWidth);
  for (int64_t m = 0; m < rows; ++m) copy_row<T, Level>(whole + m * kWidth, some, c + m * ldc);
}

// A tile's part of b, of so many bytes, stays in the first-level cache while blocks of rows pass
// by, and so many rows of weights in the second-level cache while positions do. Where it lies far
// apart, it pays from so many weights on to write it side by side first.
constexpr int64_t kNearBytes = 24 * 1024, kFarBytes = 64 * 1024, kNearRows = 128, kPackRows = 96;

// Rows [first, last) at the `count` positions from q on that Vectors hold; with memory for it, b is
// packed there.
template <class T, class Level, int Vectors>
NORMA_INLINE inline void product_columns(const Product<T>& p, int64_t begin, int64_t end,
                                         int64_t first, int64_t last, int64_t q, int64_t count,
                                         T* near, const int64_t* near_offsets) {
  using V = Vector<T, Level::kBytes>;
  constexpr int kRows = Level::kRows;
  const int64_t half = round_up((p.end - p.begin) / 2, 32);
  Terms<T> terms{begin, end, std::clamp<int64_t>(half, 32, kTerms<Level>), p.b + q,
                 p.offsets + (begin - p.begin)};
  if (near) {
    T* to = near;
    const bool whole = !p.exact || count >= Vectors * V::kLanes;
    for (int64_t k = 0; k < end - begin; ++k, to += Level::kVectors * V::kLanes) {
      const T* from = terms.b + terms.offsets[k];
      if (whole) {
        unrolled<Vectors>([=](int v) NORMA_INLINE {
          V::at(to + v * V::kLanes).value = V::at(from + v * V::kLanes).value;
        });
      } else {
        copy_row<T, Level>(from, count, to);
      }
    }
    terms.b = near, terms.offsets = near_offsets;
  }
  const T* packed = p.packed + first * p.depth;
  T* c = p.c + first * p.ldc + q;
  for (int64_t m = first; m < last; m += kRows, packed += kRows * p.depth, c += kRows * p.ldc) {
    const int64_t rows = std::min<int64_t>(kRows, last - m);
    const T* bias = p.bias ? p.bias + m : nullptr;
    if (kRows > 4 && rows <= 4) {
      product_rows<T, Level, 4, Vectors>(terms, packed, bias, rows, count, c, p.ldc);
    } else {
      product_rows<T, Level, kRows, Vectors>(terms, packed, bias, rows, count, c, p.ldc);
    }
  }
}

template <class T, class Level>
NORMA_INLINE inline void multiply_at(const Product<T>& p) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  constexpr int64_t kWidth = Level::kVectors * kLanes;
  constexpr int64_t kMost = kNearBytes / (kWidth * static_cast<int64_t>(sizeof(T)));
  alignas(64) T memory[kMost * kWidth];
  int64_t offsets[kMost];
  const int64_t depth = p.end - p.begin, parts = std::max<int64_t>(ceil_div(depth, kMost), 1);
  const int64_t step = round_up(std::max<int64_t>(ceil_div(depth, parts), 1), 32);
  const int64_t span = depth > 0 ? p.offsets[depth - 1] - p.offsets[0] : 0;
  const bool far = span * static_cast<int64_t>(sizeof(T)) > kFarBytes;
  T* const near = p.exact || (far && p.rows >= kPackRows) ? memory : nullptr;
  for (int64_t i = 0; near && i < step; ++i) offsets[i] = i * kWidth;
  for (int64_t first = 0; first < p.rows; first += kNearRows) {
    const int64_t last = std::min(p.rows, first + kNearRows);
    for (int64_t begin = p.begin; begin == 0 || begin < p.end; begin += step) {
      const int64_t end = std::min(p.end, begin + step);
      for (int64_t q = 0; q < p.count;) {
        const int64_t left = p.count - q, vectors = ceil_div(left, kLanes);
        // Three vectors at a time; four go as two and two.
        const int64_t take = vectors == 4 || Level::kVectors == 2 ? std::min<int64_t>(vectors, 2)
                                                                  : std::min<int64_t>(vectors, 3);
        if (take == 1) {
          product_columns<T, Level, 1>(p, begin, end, first, last, q, left, near, offsets);
        } else if (take == 2) {
          product_columns<T, Level, 2>(p, begin, end, first, last, q, left, near, offsets);
        } else if constexpr (Level::kVectors == 3) {
          product_columns<T, Level, 3>(p, begin, end, first, last, q, left, near, offsets);
        }
        q += take * kLanes;
      }
    }
  }
}

template <class T, class Level, bool Offsets, int Terms, int Vectors>
NORMA_INLINE inline void outer_tile(const OuterSum<T>& s, int64_t stride, int64_t begin,
                                    int64_t end, int64_t k, int64_t o) {
  using V = LevelVector<T, Level>;
  const T* d = s.d + begin * stride + o;
  T* sums = s.sums + k * stride + o;
  const auto line = [=](int64_t p) NORMA_INLINE { return d + p * stride; };
  const auto add = [=](int i, int v, const typename V::Value& sum)
                       NORMA_INLINE { V::at(sums + i * stride + v * V::kLanes).value += sum; };
  if constexpr (Offsets) {
    const T* in[Terms];
    unrolled<Terms>([&](int i) NORMA_INLINE { in[i] = s.b + s.offsets[k + i] + begin; });
    register_tile<V, Terms, Vectors>(
        end - begin, [&](int i, int64_t p) NORMA_INLINE { return in[i][p]; }, line, add);
  } else {
    const T* b = s.b + begin * s.ldb + k;
    register_tile<V, Terms, Vectors>(
        end - begin, [=](int i, int64_t p) NORMA_INLINE { return b[p * s.ldb + i]; }, line, add);
  }
}

template <class T, class Level, bool Offsets, int Terms>
NORMA_INLINE inline void outer_tiles(const OuterSum<T>& s, int64_t begin, int64_t end, int64_t k) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  const int64_t stride = round_up(s.columns, kColumnBlock);
  int64_t o = 0;
  if constexpr (Level::kColumnVectors == 3 && Terms == 4) {
    for (; ceil_div(s.columns - o, kLanes) > 4 || ceil_div(s.columns - o, kLanes) == 3;
         o += 3 * kLanes) {
      outer_tile<T, Level, Offsets, Terms, 3>(s, stride, begin, end, k, o);
    }
  }
  if constexpr (Level::kColumnVectors >= 2 && Terms <= (Level::kRegisters == 32 ? 12 : 4)) {
    for (; o + kLanes < s.columns; o += 2 * kLanes) {
      outer_tile<T, Level, Offsets, Terms, 2>(s, stride, begin, end, k, o);
    }
  }
  for (; o < s.columns; o += kLanes) {
    outer_tile<T, Level, Offsets, Terms, 1>(s, stride, begin, end, k, o);
  }
}

// Positions [begin, end) of the terms [first, last).
template <class T, class Level, bool Offsets>
NORMA_INLINE inline void add_chunk(const OuterSum<T>& s, int64_t first, int64_t last, int64_t begin,
                                   int64_t end) {
  int64_t k = first;
  if constexpr (Level::kColumnVectors == 3) {
    const bool narrow = s.columns <= Vector<T, Level::kBytes>::kLanes;
    for (; !narrow && k < last; k += 4) outer_tiles<T, Level, Offsets, 4>(s, begin, end, k);
  }
  if constexpr (Level::kRegisters == 32 && !Offsets) {
    const bool narrow = s.columns <= Vector<T, Level::kBytes>::kLanes;
    for (; narrow && k + 16 <= last; k += 16) {
      outer_tiles<T, Level, Offsets, 16>(s, begin, end, k);
    }
  }
  for (; k + 8 < last; k += 12) outer_tiles<T, Level, Offsets, 12>(s, begin, end, k);
  for (; k + 4 < last; k += 8) outer_tiles<T, Level, Offsets, 8>(s, begin, end, k);
  if (k < last) outer_tiles<T, Level, Offsets, 4>(s, begin, end, k);
}

// So many bytes of sums stay in the second-level cache while all positions pass by.
constexpr int64_t kSumBytes = 128 * 1024;

template <class T, class Level, bool Offsets>
NORMA_INLINE inline void add_outer_at(const OuterSum<T>& s) {
  const int64_t row_bytes = round_up(s.columns, kColumnBlock) * static_cast<int64_t>(sizeof(T));
  const int64_t group = round_up(std::max<int64_t>(kSumBytes / row_bytes, 1), 48);
  for (int64_t first = 0; first < s.terms; first += group) {
    const int64_t last = std::min(s.terms, first + group);
    // A chunk of positions stays in the first-level cache while all sums pass by.
    for (int64_t begin = 0; begin < s.count; begin += kChunk<Level>) {
      const int64_t end = std::min(s.count, begin + kChunk<Level>);
      add_chunk<T, Level, Offsets>(s, first, last, begin, end);
    }
  }
}

}  // namespace

int64_t vector_bytes() {
  const SimdLevel level = simd_level();
  return level == SimdLevel::Avx512 ? 64 : level == SimdLevel::Avx2 ? 32 : 16;
}

int64_t row_block() {
  switch (simd_level()) {
    case SimdLevel::Avx512:
      return Level512::kRows;
    case SimdLevel::Avx2:
      return Level256::kRows;
    case SimdLevel::Neon:
      return LevelNeon::kRows;
    default:
      return Level128::kRows;
  }
}

int64_t packed_size(int64_t rows, int64_t depth) { return round_up(rows, row_block()) * depth; }

template <class T>
void multiply(const Product<T>& product) {
  for_level([product]<class Level>() NORMA_INLINE { multiply_at<T, Level>(product); });
}

template <class T>
void add_outer(const OuterSum<T>& sum) {
  for_level([sum]<class Level>() NORMA_INLINE {
    if (sum.offsets) {
      add_outer_at<T, Level, true>(sum);
    } else {
      add_outer_at<T, Level, false>(sum);
    }
  });
}

template void multiply(const Product<float>&);
template void multiply(const Product<double>&);
template void add_outer(const OuterSum<float>&);
template void add_outer(const OuterSum<double>&);

}  // namespace norma::kernels
