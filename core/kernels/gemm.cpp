// Fast products; their plain twin is plain/matmul.h.
//
//     rows or columns that collide in the cache, incomplete tiles, … | packed first (plan_for)
//     one term                                                       | outer_product, row by row
//     whole tiles                                                    | register_tile
//     tiles at the edge                                              | the same, through a copy
//     of floats, fewer rows than a tile has                          | few_rows
//
// Every element is summed in one order, which k alone decides.
#include "norma/core/kernels/gemm.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "norma/core/integers.h"
#include "norma/core/kernels/blas.h"
#include "norma/core/kernels/register_tile.h"

namespace norma::kernels {
namespace {

// The vectors of a level, of which the registers hold kRows × 3 sums, 3 of one row of b, and one
// element of a.
template <class T, class Level>
using Lanes = LevelVector<T, Level>;

// --- Cutting the product into parts that fit the caches ---

constexpr int64_t kDepth = 208;     // a panel of b, so deep, stays in the first-level cache
constexpr int64_t kColumns = 1024;  // of c in the second-level cache
constexpr int64_t kFewPanels = 4;   // that meet few rows side by side
/// Rows of a, kDepth long, that stay in the second-level cache.
template <class T>
constexpr int64_t kBlockRows = 1024 / sizeof(T);

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

template <class T>
Plan plan_for(const MatrixProduct<T>& m) {
  Plan plan{};
  plan.rows = even_step(m.m, kBlockRows<T>, kGemmRows);
  plan.columns = even_step(m.n, kColumns, kPanelColumns);
  plan.depth = even_step(m.k, kDepth, 1);
  // Rows that lie a multiple of 1 KiB apart compete for the same places in the cache.
  const auto collide = [](int64_t ld) { return ld % int64_t{1024 / sizeof(T)} == 0; };
  plan.pack_a = m.m % kGemmRows != 0 || collide(m.lda) || (m.trans_a && plan.depth * m.lda > 8192);
  plan.pack_b = m.trans_b || m.n % 16 != 0 || collide(m.ldb) || m.m > 256;
  plan.ld_a = packed_row(plan.depth);
  return plan;
}

/// Vectors of the panel that begins with column j of n. None crosses a multiple of kPanelColumns,
/// where b may be cut for threads and caches.
template <class T, class Level>
NORMA_INLINE inline int64_t panel_vectors(int64_t j, int64_t n) {
  const int64_t columns = std::min(n - j, kPanelColumns - j % kPanelColumns);
  const int64_t vectors = ceil_div(columns, Lanes<T, Level>::kLanes);
  return vectors == 4 ? 2 : std::min<int64_t>(vectors, Level::kVectors);
}

/// f.operator()<Vectors>() for so many vectors of a panel.
template <class Level, class F>
NORMA_INLINE inline void with_vectors(int64_t vectors, const F& f) {
  if (Level::kVectors == 3 && vectors == 3) return f.template operator()<Level::kVectors>();
  if (vectors == 2) return f.template operator()<2>();
  f.template operator()<1>();
}

// --- Packing ---

/// Four elements from each row in + 4 * i * ld, one row in each quarter of the vector.
template <class Level>
NORMA_INLINE inline void load_quarters(const float* in, int64_t ld,
                                       typename Lanes<float, Level>::Value& out) {
  // Not used in place: GCC would forget that they may lie anywhere.
  Vector<float, 16>::Value part[Lanes<float, Level>::kLanes / 4];
  unrolled<Lanes<float, Level>::kLanes / 4>([&](int i) NORMA_INLINE {
    part[i] = *reinterpret_cast<const Vector<float, 16>::Loose*>(in + 4 * i * ld);
  });
  if constexpr (Lanes<float, Level>::kLanes == 4) {
    out = part[0];
  } else if constexpr (Lanes<float, Level>::kLanes == 8) {
    out = __builtin_shufflevector(part[0], part[1], 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    const Vector<float, 32>::Value low =
        __builtin_shufflevector(part[0], part[1], 0, 1, 2, 3, 4, 5, 6, 7);
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
  if constexpr (kLanes == 4) {
    out = __builtin_shufflevector(x, y, a, b, c, d);
  } else if constexpr (kLanes == 8) {
    out = __builtin_shufflevector(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4);
  } else {
    out = __builtin_shufflevector(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8,
                                  d + 8, a + 12, b + 12, c + 12, d + 12);
  }
}

/// out[p * ld_out + j] = in[j * ld + p] for j < kLanes and p < 4.
template <class Level>
NORMA_INLINE inline void transpose_four(const float* in, int64_t ld, float* out, int64_t ld_out) {
  using V = Lanes<float, Level>;
  typename V::Value row[4], ab_low, ab_high, cd_low, cd_high, column[4];
  unrolled<4>([&](int i) NORMA_INLINE { load_quarters<Level>(in + i * ld, ld, row[i]); });
  shuffle_quarters<0, 4, 1, 5>(row[0], row[1], ab_low);
  shuffle_quarters<2, 6, 3, 7>(row[0], row[1], ab_high);
  shuffle_quarters<0, 4, 1, 5>(row[2], row[3], cd_low);
  shuffle_quarters<2, 6, 3, 7>(row[2], row[3], cd_high);
  shuffle_quarters<0, 1, 4, 5>(ab_low, cd_low, column[0]);
  shuffle_quarters<2, 3, 6, 7>(ab_low, cd_low, column[1]);
  shuffle_quarters<0, 1, 4, 5>(ab_high, cd_high, column[2]);
  shuffle_quarters<2, 3, 6, 7>(ab_high, cd_high, column[3]);
  unrolled<4>([&](int i) NORMA_INLINE { V::at(out + i * ld_out).value = column[i]; });
}
template <class Level>
NORMA_INLINE inline void transpose_four(const double* in, int64_t ld, double* out, int64_t ld_out) {
  using V = Lanes<double, Level>;
  if constexpr (V::kLanes == 2) {
    unrolled<2>([=](int i) NORMA_INLINE {
      const typename V::Value a = V::at(in + 2 * i).value, b = V::at(in + ld + 2 * i).value;
      V::at(out + 2 * i * ld_out).value = __builtin_shufflevector(a, b, 0, 2);
      V::at(out + (2 * i + 1) * ld_out).value = __builtin_shufflevector(a, b, 1, 3);
    });
  } else {
    unrolled<V::kLanes / 4>(
        [=](int i) NORMA_INLINE { transpose_block(in + 4 * i * ld, ld, out + 4 * i, ld_out); });
  }
}

/// The same for p < depth; columns past `count` are zeros.
template <class T, class Level>
NORMA_INLINE inline void pack_transposed(const T* in, int64_t ld, int64_t depth, int64_t count,
                                         T* out, int64_t ld_out) {
  constexpr int kLanes = Lanes<T, Level>::kLanes;
  int64_t p = 0;
  for (; count >= kLanes && p + 4 <= depth; p += 4) {
    transpose_four<Level>(in + p, ld, out + p * ld_out, ld_out);
  }
  for (; p < depth; ++p) {
    for (int64_t j = 0; j < kLanes; ++j) out[p * ld_out + j] = j < count ? in[j * ld + p] : T(0);
  }
}

/// The columns of b from j on, of which `count` exist, at depths [p, p + depth).
template <class T, class Level, int Vectors>
NORMA_INLINE inline void pack_panel(const MatrixProduct<T>& m, int64_t p, int64_t depth, int64_t j,
                                    int64_t count, T* out) {
  using V = Lanes<T, Level>;
  constexpr int64_t kLanes = V::kLanes, kWidth = Vectors * kLanes;
  if (m.trans_b) {
    for (int64_t v = 0; v < kWidth; v += kLanes) {
      pack_transposed<T, Level>(m.b + (j + v) * m.ldb + p, m.ldb, depth, count - v, out + v,
                                kWidth);
    }
    return;
  }
  const T* in = m.b + p * m.ldb + j;
  for (int64_t i = 0; i < depth; ++i, in += m.ldb, out += kWidth) {
    if (count >= kWidth) {
      unrolled<Vectors>([&](int v) NORMA_INLINE {
        V::at(out + v * kLanes).value = V::at(in + v * kLanes).value;
      });
    } else {
      for (int64_t l = 0; l < kWidth; ++l) out[l] = l < count ? in[l] : T(0);
    }
  }
}

/// Rows [i, i + rows) of a; those that are missing in the last block are zeros.
template <class T>
NORMA_INLINE inline void pack_rows(const MatrixProduct<T>& m, const Plan& plan, int64_t p,
                                   int64_t depth, int64_t i, int64_t rows, T* out) {
  using Eight = Vector<T, kGemmRows * sizeof(T)>;
  if (m.trans_a) {
    for (int64_t q = 0; q < depth; ++q) {
      const T* in = m.a + (p + q) * m.lda + i;
      T* to = out + q * kGemmRows;
      int64_t r = 0;
      for (; r + kGemmRows <= rows; r += kGemmRows, to += kGemmRows * plan.ld_a) {
        Eight::at(to).value = Eight::at(in + r).value;
      }
      if (r < rows) {
        for (int64_t l = 0; l < kGemmRows; ++l) to[l] = r + l < rows ? in[r + l] : T(0);
      }
    }
    return;
  }
  for (int64_t l = 0; l < round_up(rows, kGemmRows); ++l, out += plan.ld_a) {
    if (l < rows) {
      std::memcpy(out, m.a + (i + l) * m.lda + p, static_cast<std::size_t>(depth) * sizeof(T));
    } else {
      std::fill_n(out, depth, T(0));
    }
  }
}

// --- Tiles ---

/// The operands of one tile: element (r, q) of a is a[r * row + q * step].
template <class T>
struct Operands {
  const T* a;
  int64_t row, step;
  const T* b;
  int64_t ld_b, depth;
};

/// c = base + a b (null: zeros) at panels of b that follow each other, each Vectors wide. Few rows
/// take several: one sum alone would wait for itself.
template <class T, class Level, int Rows, int Vectors, int Panels = 1>
NORMA_INLINE inline void tile(const Operands<T>& o, const T* base, int64_t ld_base, T* c,
                              int64_t ldc) {
  constexpr int kLanes = Lanes<T, Level>::kLanes;
  const T *a = o.a, *b = o.b;
  const int64_t row = o.row, step = o.step, ld_b = o.ld_b, panel = o.depth * Vectors * kLanes;
  register_tile<Lanes<T, Level>, Rows, Vectors * Panels>(
      o.depth, [=](int r, int64_t q) NORMA_INLINE { return a[r * row + q * step]; },
      [=](int64_t q) NORMA_INLINE { return b + q * ld_b; },
      [=](int r, int v, const typename Lanes<T, Level>::Value& sum) NORMA_INLINE {
        auto& out = Lanes<T, Level>::at(c + r * ldc + v * kLanes);
        if (base) {
          out.value = sum + Lanes<T, Level>::at(base + r * ld_base + v * kLanes).value;
        } else {
          out.value = sum;
        }
      },
      [=](int v) NORMA_INLINE { return v / Vectors * panel + v % Vectors * kLanes; });
}

/// One tile, of which at least `rows` rows and `count` columns exist. A smaller one goes through
/// memory of its own.
template <class T, class Level, int Rows, int Vectors>
NORMA_INLINE inline void part_tile(const Operands<T>& o, int64_t rows, int64_t count, const T* base,
                                   int64_t ld_base, T* c, int64_t ldc) {
  constexpr int64_t kWidth = Vectors * Lanes<T, Level>::kLanes;
  if (rows >= Rows && count >= kWidth) {
    return tile<T, Level, Rows, Vectors>(o, base, ld_base, c, ldc);
  }
  alignas(64) T whole[Rows * kWidth];
  tile<T, Level, Rows, Vectors>(o, nullptr, 0, whole, kWidth);
  for (int64_t r = 0; r < std::min<int64_t>(rows, Rows); ++r) {
    for (int64_t j = 0; j < std::min(count, kWidth); ++j) {
      c[r * ldc + j] = (base ? base[r * ld_base + j] : T(0)) + whole[r * kWidth + j];
    }
  }
}

/// A block of the product: rows [i, i + rows), columns from j on, of which `columns` are left,
/// depths from p on.
struct Block {
  int64_t i, rows, j, columns, p;
};

/// As many columns of the block as one panel of b has; o holds the rows of a.
template <class T, class Level, int Vectors>
NORMA_INLINE inline void multiply_panel(const MatrixProduct<T>& m, const Plan& plan,
                                        const Panels<T>& panels, const Block& block, Operands<T> o,
                                        T* packed_b) {
  constexpr int kHere = Level::kRows;
  if (panels.data) {
    o.b = panels.at(block.p, o.depth, block.j);
    o.ld_b = Vectors * Lanes<T, Level>::kLanes;
  } else if (plan.pack_b) {
    pack_panel<T, Level, Vectors>(m, block.p, o.depth, block.j, block.columns, packed_b);
    o.b = packed_b;
    o.ld_b = Vectors * Lanes<T, Level>::kLanes;
  } else {
    o.b = m.b + block.p * m.ldb + block.j;
    o.ld_b = m.ldb;
  }
  T* c = m.c + block.i * m.ldc + block.j;
  const T* base = block.p > 0 ? c : m.start ? m.start + block.j : nullptr;
  const int64_t ld_base = block.p > 0 ? m.ldc : 0;
  const int64_t step_a = kGemmRows * (plan.pack_a ? plan.ld_a : o.row);
  for (int64_t r = 0; r < block.rows; r += kGemmRows, o.a += step_a) {
    Operands<T> some = o;
    for (int64_t s = r; s < std::min(r + kGemmRows, block.rows); s += kHere) {
      part_tile<T, Level, kHere, Vectors>(some, block.rows - s, block.columns, base, ld_base, c,
                                          m.ldc);
      some.a += kHere * o.row;
      c += kHere * m.ldc;
      if (base) base += kHere * ld_base;
    }
  }
}

/// The rows of a, fewer than a tile has, at kFewPanels panels: two rows at one half of them after
/// the other, the last row at all of them.
template <class Level>
NORMA_INLINE inline void few_rows_at(int64_t rows, Operands<float> o, const float* base,
                                     int64_t ld_base, float* c, int64_t ldc) {
  constexpr int64_t kHalf = kFewPanels / 2;
  constexpr int64_t kHalfWidth = kHalf * Level::kVectors * Lanes<float, Level>::kLanes;
  for (; rows >= 2; rows -= 2) {
    for (int64_t j = 0; j < 2 * kHalfWidth; j += kHalfWidth) {
      Operands<float> half = o;
      half.b += o.depth * j;
      tile<float, Level, 2, Level::kVectors, kHalf>(half, base ? base + j : base, ld_base, c + j,
                                                    ldc);
    }
    o.a += 2 * o.row;
    c += 2 * ldc;
    if (base) base += 2 * ld_base;
  }
  if (rows > 0) tile<float, Level, 1, Level::kVectors, kFewPanels>(o, base, ld_base, c, ldc);
}

template <class Level>
NORMA_INLINE inline void few_rows(const MatrixProduct<float>& m, const Plan& plan,
                                  const Panels<float>& panels, float* memory) {
  constexpr int64_t kWidth = Level::kVectors * Lanes<float, Level>::kLanes;
  for (int64_t p = 0; p < m.k; p += plan.depth) {
    Operands<float> o{};
    o.a = m.a + p;
    o.row = m.lda;
    o.step = 1;
    o.depth = std::min(plan.depth, m.k - p);
    for (int64_t j = 0; j < m.n;) {
      const float* base = p > 0 ? m.c + j : m.start ? m.start + j : nullptr;
      const int64_t ld_base = p > 0 ? m.ldc : 0, left = m.n - j;
      o.b = panels.data ? panels.at(p, o.depth, j) : memory;
      int64_t whole = 0;
      while (whole < kFewPanels && left >= (whole + 1) * kWidth &&
             panel_vectors<float, Level>(j + whole * kWidth, m.n) == Level::kVectors) {
        ++whole;
      }
      if (whole == kFewPanels) {
        for (int64_t i = 0; !panels.data && i < whole; ++i) {
          pack_panel<float, Level, Level::kVectors>(m, p, o.depth, j + i * kWidth, kWidth,
                                                    memory + i * o.depth * kWidth);
        }
        o.ld_b = kWidth;
        few_rows_at<Level>(m.m, o, base, ld_base, m.c + j, m.ldc);
        j += whole * kWidth;
        continue;
      }
      const auto one_panel = [&]<int Vectors>() NORMA_INLINE {
        if (!panels.data) pack_panel<float, Level, Vectors>(m, p, o.depth, j, left, memory);
        o.ld_b = Vectors * Lanes<float, Level>::kLanes;
        for (int64_t r = 0; r < m.m; ++r, o.a += m.lda) {
          part_tile<float, Level, 1, Vectors>(o, 1, left, base ? base + r * ld_base : nullptr, 0,
                                              m.c + r * m.ldc + j, m.ldc);
        }
        o.a = m.a + p;
        j += o.ld_b;
      };
      with_vectors<Level>(panel_vectors<float, Level>(j, m.n), one_panel);
    }
  }
}

template <class T>
NORMA_INLINE inline void outer_product(const MatrixProduct<T>& m) {
  const T* const b = m.b;
  for (int64_t i = 0; i < m.m; ++i) {
    const T factor = m.a[i * (m.trans_a ? 1 : m.lda)];
    T* const c = m.c + i * m.ldc;
    // A sum that begins with 0 is never -0.
    NORMA_INDEPENDENT for (int64_t j = 0; j < m.n; ++j) c[j] = T(0) + factor * b[j];
  }
}

template <class T, class Level>
NORMA_INLINE inline void multiply_at(const MatrixProduct<T>& m, const Plan& plan,
                                     const Panels<T>& panels, T* memory) {
  T* packed_b = memory + (plan.pack_a ? plan.rows * plan.ld_a : 0);
  for (int64_t left = 0; left < m.n; left += plan.columns) {
    const int64_t right = std::min(left + plan.columns, m.n);
    for (int64_t i = 0; i < m.m; i += plan.rows) {
      const int64_t rows = std::min(plan.rows, m.m - i);
      for (int64_t p = 0; p < m.k; p += plan.depth) {
        Operands<T> o{};
        o.depth = std::min(plan.depth, m.k - p);
        if (plan.pack_a) {
          pack_rows(m, plan, p, o.depth, i, rows, memory);
          o.a = memory;
          o.row = m.trans_a ? 1 : plan.ld_a;
          o.step = m.trans_a ? kGemmRows : 1;
        } else {
          o.row = m.trans_a ? 1 : m.lda;
          o.step = m.trans_a ? m.lda : 1;
          o.a = m.a + i * o.row + p * o.step;
        }
        for (int64_t j = left; j < right;) {
          const Block block{i, rows, j, right - j, p};
          const int64_t vectors = panel_vectors<T, Level>(j, m.n);
          with_vectors<Level>(vectors, [&]<int Vectors>() NORMA_INLINE {
            multiply_panel<T, Level, Vectors>(m, plan, panels, block, o, packed_b);
          });
          j += vectors * Lanes<T, Level>::kLanes;
        }
      }
    }
  }
}

}  // namespace

bool own_products() {
  return simd_level() > SimdLevel::Baseline || (!kHasBlas && simd_level() == SimdLevel::Baseline);
}

template <class T>
int64_t gemm_memory(const MatrixProduct<T>& m) {
  // Enough for every part of the product, too, whatever its plan.
  const int64_t depth = plan_for(m).depth;
  return std::min(round_up(m.m, kGemmRows), kBlockRows<T>) * packed_row(depth) +
         std::min(round_up(m.n, kGemmColumns), kFewPanels * kPanelColumns) * depth;
}

template <class T>
void gemm(const MatrixProduct<T>& m, T* memory, const Panels<T>& panels) {
  for_level([=, plan = plan_for(m)]<class Level>() NORMA_INLINE {
    if constexpr (kOwnProducts<Level>) {
      if (m.k == 1 && !m.start && (!m.trans_b || m.ldb == 1)) return outer_product(m);
      if constexpr (std::is_same_v<T, float>) {
        if (m.m < Level::kRows && !m.trans_a) return few_rows<Level>(m, plan, panels, memory);
      }
      multiply_at<T, Level>(m, plan, panels, memory);
    }
  });
}

template <class T>
int64_t panels_size(const MatrixProduct<T>& m) {
  return Panels<T>::whole_columns(m.n) * m.k;
}

template <class T>
Panels<T> pack_panels(const MatrixProduct<T>& m, T* out) {
  const Panels<T> panels{out, Panels<T>::whole_columns(m.n)};
  for_level([=, plan = plan_for(m)]<class Level>() NORMA_INLINE {
    if constexpr (kOwnProducts<Level>) {
      for (int64_t p = 0; p < m.k; p += plan.depth) {
        const int64_t depth = std::min(plan.depth, m.k - p);
        T* to = out + p * panels.columns;
        for (int64_t j = 0; j < m.n;) {
          const int64_t vectors = panel_vectors<T, Level>(j, m.n);
          with_vectors<Level>(vectors, [&]<int Vectors>() NORMA_INLINE {
            pack_panel<T, Level, Vectors>(m, p, depth, j, m.n - j, to);
          });
          j += vectors * Lanes<T, Level>::kLanes;
          to += vectors * Lanes<T, Level>::kLanes * depth;
        }
      }
    }
  });
  return panels;
}

#define NORMA_GEMM(T)                                                \
  template int64_t gemm_memory(const MatrixProduct<T>&);             \
  template void gemm(const MatrixProduct<T>&, T*, const Panels<T>&); \
  template int64_t panels_size(const MatrixProduct<T>&);             \
  template Panels<T> pack_panels(const MatrixProduct<T>&, T*);
NORMA_GEMM(float)
NORMA_GEMM(double)
#undef NORMA_GEMM

}  // namespace norma::kernels
