// Explicit vectors of every width.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "norma/core/simd.h"
#include "norma/core/simd_fused.h"

namespace norma::kernels {

/// `Fused`: whether the level rounds a product and a sum once.
template <class T, int Bytes, bool Fused = false>
struct Vector {
  typedef T Value __attribute__((vector_size(Bytes)));
  // The same anywhere in memory.
  typedef T Loose __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
  static constexpr int kLanes = Bytes / static_cast<int>(sizeof(T));

  // The vector at any address, as a member: Clang takes a reference to `Loose` for one to an
  // aligned vector, and how a function returns a vector depends on the level.
  struct __attribute__((packed, may_alias)) Unaligned {
    Value value;
  };
  NORMA_INLINE static const Unaligned& at(const T* from) {
    return *reinterpret_cast<const Unaligned*>(from);
  }
  NORMA_INLINE static Unaligned& at(T* to) { return *reinterpret_cast<Unaligned*>(to); }

  /// sum += a b, where a is a number or a vector.
  template <class A>
  NORMA_INLINE static void add_product(Value& sum, const A& a, const Value& b) {
    if constexpr (Fused) {
      add_fused(sum, a, b);
    } else {
      sum += a * b;
    }
  }
};

/// The vectors of a level.
template <class T, class Level>
using LevelVector = Vector<T, Level::kBytes, Level::kFused>;

/// out = inᵀ, a block of 4×4.
template <class T>
NORMA_INLINE inline void transpose_block(const T* in, int64_t ld, T* out, int64_t stride) {
  using V = Vector<T, 4 * static_cast<int>(sizeof(T))>;
  const auto load = [=](int64_t row) NORMA_INLINE {
    return reinterpret_cast<const typename V::Loose*>(in + row * ld);
  };
  const typename V::Value a = *load(0), b = *load(1), c = *load(2), d = *load(3);
  const typename V::Value ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const typename V::Value ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const typename V::Value cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const typename V::Value cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const auto store = [=](int64_t row) NORMA_INLINE {
    return reinterpret_cast<typename V::Loose*>(out + row * stride);
  };
  *store(0) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  *store(1) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  *store(2) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  *store(3) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/// The same of 8×8 floats.
NORMA_INLINE inline void transpose_large_block(const float* in, int64_t ld, float* out,
                                               int64_t stride) {
  using V = Vector<float, 32>;
  asm("" : "+r"(in), "+r"(out));  // else every row of every block gets an address of its own
  typename V::Value a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) a[i] = V::at(in + i * ld).value;
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const int k = i / 2 * 4 + i % 2;  // pairs of rows, two apart
    a[2 * i] = __builtin_shufflevector(b[k], b[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    a[2 * i + 1] = __builtin_shufflevector(b[k], b[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    V::at(out + i * stride).value =
        __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    V::at(out + (i + 4) * stride).value =
        __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/// out[p, o] = in[o, p] for o < rows, p < count; rows of `in` are `ld` apart, those of `out`
/// `stride`. Rows of `out` are written whole: many of them may share one place in the cache.
template <class T, int Bytes = 16>
NORMA_INLINE inline void transpose(int64_t rows, int64_t count, const T* in, int64_t ld, T* out,
                                   int64_t stride) {
  constexpr int64_t kBlock = 4, kLarge = 8;
  const int64_t whole = rows / kBlock * kBlock, across = whole ? count / kBlock * kBlock : 0;
  const auto blocks = [=](int64_t p, int64_t first) NORMA_INLINE {
    for (int64_t o = first; o < whole; o += kBlock)
      transpose_block(in + o * ld + p, ld, out + p * stride + o, stride);
  };
  int64_t p = 0;
  if constexpr (Bytes >= 32 && std::is_same_v<T, float>) {
    const int64_t large = rows / kLarge * kLarge;
    for (; large > 0 && p + kLarge <= count; p += kLarge) {
      for (int64_t o = 0; o < large; o += kLarge)
        transpose_large_block(in + o * ld + p, ld, out + p * stride + o, stride);
      blocks(p, large), blocks(p + kBlock, large);
    }
  }
  for (; p < across; p += kBlock) blocks(p, 0);
  for (; p < count; ++p) {
    for (int64_t k = 0; k < whole; ++k) out[p * stride + k] = in[k * ld + p];
  }
  for (p = 0; whole < rows && p < count; ++p) {
    for (int64_t k = whole; k < rows; ++k) out[p * stride + k] = in[k * ld + p];
  }
}

/// The same with rows of `columns` side by side, of which those past `rows` become zero.
template <class T>
NORMA_INLINE inline void transpose_padded(int64_t rows, int64_t count, const T* in, int64_t ld,
                                          int64_t columns, T* out) {
  transpose(rows, count, in, ld, out, columns);
  for (int64_t p = 0; rows < columns && p < count; ++p) {
    for (int64_t k = rows; k < columns; ++k) out[p * columns + k] = T(0);
  }
}

/// Calls f.operator()<Bytes>(k) for vectors that cover `count` elements, the last of which may
/// overlap another one; false where `count` is less than the shortest vector holds.
template <class T, int Bytes, class F>
NORMA_INLINE inline bool cover(int64_t count, F f) {
  constexpr int64_t kSize = Vector<T, Bytes>::kLanes;
  if (count >= kSize) {
    for (int64_t k = 0; k < count - kSize; k += kSize) f.template operator()<Bytes>(k);
    f.template operator()<Bytes>(count - kSize);
    return true;
  }
  if constexpr (Bytes > 16) {
    return cover<T, Bytes / 2>(count, f);
  } else {
    return false;
  }
}

/// Even and odd elements taken apart, and put together.
template <class T, int Bytes>
struct Pairs {
  using V = Vector<T, Bytes>;

  /// even[k] = in[2 k], odd[k] = in[2 k + 1] for a vector of k.
  NORMA_INLINE static void split(const T* in, T* even, T* odd) { split(in, even, odd, Indices()); }
  /// out[k] = in[2 k], without reading behind the last of them.
  NORMA_INLINE static void even(const T* in, T* out) { even(in, out, Indices()); }
  /// out[2 k] = even[k], out[2 k + 1] = odd[k].
  NORMA_INLINE static void join(const typename V::Value& even, const typename V::Value& odd,
                                T* out) {
    join(even, odd, out, Indices());
  }

 private:
  using Indices = std::make_integer_sequence<int, V::kLanes>;
  template <int... I>
  NORMA_INLINE static void split(const T* in, T* even, T* odd, std::integer_sequence<int, I...>) {
    const typename V::Value a = V::at(in).value, b = V::at(in + V::kLanes).value;
    V::at(even).value = __builtin_shufflevector(a, b, (2 * I)...);
    V::at(odd).value = __builtin_shufflevector(a, b, (2 * I + 1)...);
  }
  template <int... I>
  NORMA_INLINE static void even(const T* in, T* out, std::integer_sequence<int, I...>) {
    constexpr int kSize = V::kLanes;
    const typename V::Value a = V::at(in).value, b = V::at(in + kSize - 1).value;
    V::at(out).value = __builtin_shufflevector(a, b, (2 * I + (2 * I >= kSize))...);
  }
  template <int... I>
  NORMA_INLINE static void join(const typename V::Value& even, const typename V::Value& odd, T* out,
                                std::integer_sequence<int, I...>) {
    constexpr int kSize = V::kLanes, kHalf = kSize / 2;
    V::at(out).value = __builtin_shufflevector(even, odd, (I / 2 + I % 2 * kSize)...);
    V::at(out + kSize).value =
        __builtin_shufflevector(even, odd, (kHalf + I / 2 + I % 2 * kSize)...);
  }
};

/// out[k] = in[k] for the few elements of a row.
template <class T, class Level>
NORMA_INLINE inline void copy_row(const T* in, int64_t count, T* out) {
  const auto copy = [=]<int Bytes>(int64_t k) NORMA_INLINE {
    using V = Vector<T, Bytes>;
    V::at(out + k).value = V::at(in + k).value;
  };
  if (cover<T, Level::kBytes>(count, copy)) return;
  for (int64_t k = 0; k < count; ++k) out[k] = in[k];
}

/// out[k] = in[k * step], likewise.
template <class T, class Level>
NORMA_INLINE inline void copy_steps(const T* in, int64_t step, int64_t count, T* out) {
  if (step == 1) return copy_row<T, Level>(in, count, out);
  const auto copy = [=]<int Bytes>(int64_t k)
                        NORMA_INLINE { Pairs<T, Bytes>::even(in + k * 2, out + k); };
  if (step == 2 && cover<T, Level::kBytes>(count, copy)) return;
  for (int64_t k = 0; k < count; ++k) out[k] = in[k * step];
}

}  // namespace norma::kernels
