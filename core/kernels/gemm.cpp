// Fast products of floats; their plain twin is plain/matmul.h.
//
//     rows or columns that collide in the cache, incomplete tiles, … | packed first (plan_for)
//     whole tiles                                                    | register_tile
//     tiles at the edge                                              | the same, through a copy
#include "norma/core/kernels/gemm.h"

#include <algorithm>
#include <cstring>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"

namespace norma::kernels {
namespace {

// The vectors of a level, of which the registers hold kRows × 3 sums, 3 of one row of b, and one
// element of a.
template <class Level>
using Floats = Vector<float, Level::kBytes>;

// --- Cutting the product into parts that fit the caches ---

constexpr int64_t kDepth = 208;      // a panel of b, kDepth × 48, stays in the first-level cache
constexpr int64_t kBlockRows = 256;  // so many rows of a, kDepth long, and
constexpr int64_t kColumns = 1024;   // columns of c in the second-level cache

/// The steps of a loop over `length`, all about as long.
int64_t even_step(int64_t length, int64_t most, int64_t multiple) {
  return round_up(ceil_div(length, ceil_div(length, most)), multiple);
}

int64_t packed_row(int64_t depth) { return round_up(depth, 16) + 16; }

struct Plan {
  int64_t rows, columns, depth;
  bool pack_a, pack_b;
  int64_t ld_a;  // between packed rows of a
};

Plan plan_for(const MatrixProduct<float>& m) {
  Plan plan{};
  plan.rows = even_step(m.m, kBlockRows, kGemmRows);
  plan.columns = even_step(m.n, kColumns, 48);
  plan.depth = even_step(m.k, kDepth, 1);
  // Rows that lie a multiple of 1 KiB apart compete for the same places in the cache.
  const auto collide = [](int64_t ld) { return ld % 256 == 0; };
  plan.pack_a = m.m % kGemmRows != 0 || collide(m.lda) || (m.trans_a && plan.depth * m.lda > 8192);
  plan.pack_b = m.trans_b || m.n % 16 != 0 || collide(m.ldb) || m.m > 256;
  plan.ld_a = packed_row(plan.depth);
  return plan;
}

template <class Level>
NORMA_INLINE inline int64_t panel_vectors(int64_t columns) {
  const int64_t vectors = ceil_div(columns, Floats<Level>::kLanes);
  return vectors == 4 ? 2 : std::min<int64_t>(vectors, 3);
}

// --- Packing ---

/// Four elements from each row in + 4 * i * ld, one row in each quarter of the vector.
template <class Level>
NORMA_INLINE inline void load_quarters(const float* in, int64_t ld,
                                       typename Floats<Level>::Value& out) {
  // Not used in place: GCC would forget that they may lie anywhere.
  Vector<float, 16>::Value part[Floats<Level>::kLanes / 4];
  unrolled<Floats<Level>::kLanes / 4>([&](int i) NORMA_INLINE {
    part[i] = *reinterpret_cast<const Vector<float, 16>::Loose*>(in + 4 * i * ld);
  });
  const Vector<float, 32>::Value low =
      __builtin_shufflevector(part[0], part[1], 0, 1, 2, 3, 4, 5, 6, 7);
  if constexpr (Floats<Level>::kLanes == 8) {
    out = low;
  } else {
    const Vector<float, 32>::Value high =
        __builtin_shufflevector(part[2], part[3], 0, 1, 2, 3, 4, 5, 6, 7);
    out = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

/// Every quarter of `out` is the elements A, B, C, D of that quarter of (x, y): 4 to 7 are of y.
template <int A, int B, int C, int D, class V>
NORMA_INLINE inline void shuffle_quarters(const V& x, const V& y, V& out) {
  constexpr int kLanes = static_cast<int>(sizeof(V) / sizeof(float));
  constexpr auto at = [](int element) { return element < 4 ? element : kLanes + element - 4; };
  constexpr int a = at(A), b = at(B), c = at(C), d = at(D);
  if constexpr (kLanes == 8) {
    out = __builtin_shufflevector(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4);
  } else {
    out = __builtin_shufflevector(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8,
                                  d + 8, a + 12, b + 12, c + 12, d + 12);
  }
}

/// out[p * ld_out + j] = in[j * ld + p] for j < kLanes, p < depth; columns past `count` are zeros.
template <class Level>
NORMA_INLINE inline void pack_transposed(const float* in, int64_t ld, int64_t depth, int64_t count,
                                         float* out, int64_t ld_out) {
  using V = typename Floats<Level>::Value;
  constexpr int kLanes = Floats<Level>::kLanes;
  int64_t p = 0;
  for (; count >= kLanes && p + 4 <= depth; p += 4) {
    V row[4], ab_low, ab_high, cd_low, cd_high, column[4];
    unrolled<4>([&](int i) NORMA_INLINE { load_quarters<Level>(in + i * ld + p, ld, row[i]); });
    shuffle_quarters<0, 4, 1, 5>(row[0], row[1], ab_low);
    shuffle_quarters<2, 6, 3, 7>(row[0], row[1], ab_high);
    shuffle_quarters<0, 4, 1, 5>(row[2], row[3], cd_low);
    shuffle_quarters<2, 6, 3, 7>(row[2], row[3], cd_high);
    shuffle_quarters<0, 1, 4, 5>(ab_low, cd_low, column[0]);
    shuffle_quarters<2, 3, 6, 7>(ab_low, cd_low, column[1]);
    shuffle_quarters<0, 1, 4, 5>(ab_high, cd_high, column[2]);
    shuffle_quarters<2, 3, 6, 7>(ab_high, cd_high, column[3]);
    unrolled<4>([&](int i)
                    NORMA_INLINE { Floats<Level>::at(out + (p + i) * ld_out).value = column[i]; });
  }
  for (; p < depth; ++p) {
    for (int64_t j = 0; j < kLanes; ++j) out[p * ld_out + j] = j < count ? in[j * ld + p] : 0.0F;
  }
}

/// The columns of b from j on, of which `count` exist, at depths [p, p + depth).
template <class Level, int Vectors>
NORMA_INLINE inline void pack_panel(const MatrixProduct<float>& m, int64_t p, int64_t depth,
                                    int64_t j, int64_t count, float* out) {
  using V = Floats<Level>;
  constexpr int64_t kLanes = V::kLanes, kWidth = Vectors * kLanes;
  if (m.trans_b) {
    for (int64_t v = 0; v < kWidth; v += kLanes) {
      pack_transposed<Level>(m.b + (j + v) * m.ldb + p, m.ldb, depth, count - v, out + v, kWidth);
    }
    return;
  }
  const float* in = m.b + p * m.ldb + j;
  for (int64_t i = 0; i < depth; ++i, in += m.ldb, out += kWidth) {
    if (count >= kWidth) {
      unrolled<Vectors>([&](int v) NORMA_INLINE {
        V::at(out + v * kLanes).value = V::at(in + v * kLanes).value;
      });
    } else {
      for (int64_t l = 0; l < kWidth; ++l) out[l] = l < count ? in[l] : 0.0F;
    }
  }
}

/// Rows [i, i + rows) of a; those that are missing in the last block are zeros.
NORMA_INLINE inline void pack_rows(const MatrixProduct<float>& m, const Plan& plan, int64_t p,
                                   int64_t depth, int64_t i, int64_t rows, float* out) {
  using Eight = Vector<float, 32>;
  if (m.trans_a) {
    for (int64_t q = 0; q < depth; ++q) {
      const float* in = m.a + (p + q) * m.lda + i;
      float* to = out + q * kGemmRows;
      int64_t r = 0;
      for (; r + kGemmRows <= rows; r += kGemmRows, to += kGemmRows * plan.ld_a) {
        Eight::at(to).value = Eight::at(in + r).value;
      }
      if (r < rows) {
        for (int64_t l = 0; l < kGemmRows; ++l) to[l] = r + l < rows ? in[r + l] : 0.0F;
      }
    }
    return;
  }
  for (int64_t l = 0; l < round_up(rows, kGemmRows); ++l, out += plan.ld_a) {
    if (l < rows) {
      std::memcpy(out, m.a + (i + l) * m.lda + p, static_cast<std::size_t>(depth) * sizeof(float));
    } else {
      std::fill_n(out, depth, 0.0F);
    }
  }
}

// --- Tiles ---

/// The operands of one tile: element (r, q) of a is a[r * ld_a + q], or a[q * ld_a + r] where it is
/// transposed.
struct Operands {
  const float* a;
  int64_t ld_a;
  const float* b;
  int64_t ld_b, depth;
};

/// c = base + a b, where `base` has rows `ld_base` apart; null: zeros.
template <class Level, int Rows, int Vectors, bool TransA>
NORMA_INLINE inline void tile(const Operands& o, const float* base, int64_t ld_base, float* c,
                              int64_t ldc) {
  constexpr int kLanes = Floats<Level>::kLanes;
  const float *a = o.a, *b = o.b;
  const int64_t ld_a = o.ld_a, ld_b = o.ld_b;
  register_tile<Floats<Level>, Rows, Vectors>(
      o.depth,
      [=](int r, int64_t q) NORMA_INLINE { return TransA ? a[q * ld_a + r] : a[r * ld_a + q]; },
      [=](int64_t q) NORMA_INLINE { return b + q * ld_b; },
      [=](int r, int v, const typename Floats<Level>::Value& sum) NORMA_INLINE {
        auto& out = Floats<Level>::at(c + r * ldc + v * kLanes);
        if (base) {
          out.value = sum + Floats<Level>::at(base + r * ld_base + v * kLanes).value;
        } else {
          out.value = sum;
        }
      });
}

/// One tile, of which at least `rows` rows and `count` columns exist. A smaller one goes through
/// memory of its own.
template <class Level, int Rows, int Vectors, bool TransA>
NORMA_INLINE inline void part_tile(const Operands& o, int64_t rows, int64_t count,
                                   const float* base, int64_t ld_base, float* c, int64_t ldc) {
  constexpr int64_t kWidth = Vectors * Floats<Level>::kLanes;
  if (rows >= Rows && count >= kWidth) {
    return tile<Level, Rows, Vectors, TransA>(o, base, ld_base, c, ldc);
  }
  alignas(64) float whole[Rows * kWidth];
  tile<Level, Rows, Vectors, TransA>(o, nullptr, 0, whole, kWidth);
  for (int64_t r = 0; r < std::min<int64_t>(rows, Rows); ++r) {
    for (int64_t j = 0; j < std::min(count, kWidth); ++j) {
      c[r * ldc + j] = (base ? base[r * ld_base + j] : 0.0F) + whole[r * kWidth + j];
    }
  }
}

/// A block of the product: rows [i, i + rows), columns from j on, of which `columns` are left,
/// depths from p on.
struct Block {
  int64_t i, rows, j, columns, p;
};

/// As many columns of the block as one panel of b has; o holds the rows of a.
template <class Level, int Vectors, bool TransA>
NORMA_INLINE inline void multiply_panel(const MatrixProduct<float>& m, const Plan& plan,
                                        const Block& block, Operands o, float* packed_b) {
  constexpr int kHere = Level::kRows;
  if (plan.pack_b) {
    pack_panel<Level, Vectors>(m, block.p, o.depth, block.j, block.columns, packed_b);
    o.b = packed_b;
    o.ld_b = Vectors * Floats<Level>::kLanes;
  } else {
    o.b = m.b + block.p * m.ldb + block.j;
    o.ld_b = m.ldb;
  }
  float* c = m.c + block.i * m.ldc + block.j;
  const float* base = block.p > 0 ? c : m.start ? m.start + block.j : nullptr;
  const int64_t ld_base = block.p > 0 ? m.ldc : 0;
  const int64_t step_a = plan.pack_a ? kGemmRows * plan.ld_a
                         : TransA    ? kGemmRows
                                     : kGemmRows * m.lda;
  for (int64_t r = 0; r < block.rows; r += kGemmRows, o.a += step_a) {
    Operands some = o;
    for (int64_t s = r; s < std::min(r + kGemmRows, block.rows); s += kHere) {
      part_tile<Level, kHere, Vectors, TransA>(some, block.rows - s, block.columns, base, ld_base,
                                               c, m.ldc);
      some.a += TransA ? kHere : kHere * o.ld_a;
      c += kHere * m.ldc;
      if (base) base += kHere * ld_base;
    }
  }
}

template <class Level, bool TransA>
NORMA_INLINE inline void multiply_at(const MatrixProduct<float>& m, const Plan& plan,
                                     float* memory) {
  float* packed_b = memory + (plan.pack_a ? plan.rows * plan.ld_a : 0);
  for (int64_t left = 0; left < m.n; left += plan.columns) {
    const int64_t right = std::min(left + plan.columns, m.n);
    for (int64_t i = 0; i < m.m; i += plan.rows) {
      const int64_t rows = std::min(plan.rows, m.m - i);
      for (int64_t p = 0; p < m.k; p += plan.depth) {
        Operands o{};
        o.depth = std::min(plan.depth, m.k - p);
        if (plan.pack_a) {
          pack_rows(m, plan, p, o.depth, i, rows, memory);
          o.a = memory;
          o.ld_a = TransA ? kGemmRows : plan.ld_a;
        } else {
          o.a = TransA ? m.a + p * m.lda + i : m.a + i * m.lda + p;
          o.ld_a = m.lda;
        }
        for (int64_t j = left; j < right;) {
          const Block block{i, rows, j, right - j, p};
          const int64_t vectors = panel_vectors<Level>(right - j);
          if (vectors == 3) {
            multiply_panel<Level, 3, TransA>(m, plan, block, o, packed_b);
          } else if (vectors == 2) {
            multiply_panel<Level, 2, TransA>(m, plan, block, o, packed_b);
          } else {
            multiply_panel<Level, 1, TransA>(m, plan, block, o, packed_b);
          }
          j += vectors * Floats<Level>::kLanes;
        }
      }
    }
  }
}

}  // namespace

int64_t gemm_memory(const MatrixProduct<float>& m) {
  // Enough for every part of the product, too, whatever its plan.
  return std::min(round_up(m.m, kGemmRows), kBlockRows) * packed_row(plan_for(m).depth) +
         kDepth * 48;
}

void gemm(const MatrixProduct<float>& m, float* memory) {
  for_level([=, plan = plan_for(m)]<class Level>() NORMA_INLINE {
    if constexpr (Level::kBytes >= Level256::kBytes) {
      if (m.trans_a) {
        multiply_at<Level, true>(m, plan, memory);
      } else {
        multiply_at<Level, false>(m, plan, memory);
      }
    }
  });
}

}  // namespace norma::kernels
