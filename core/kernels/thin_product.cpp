// Fast thin products: a few lines of one operand meet the many of the other, which is read once
// for every kGroup of them. The plain twin is plain/matmul.h.
//
//     the many lie along k, side by side  | dots: vectors along k, summed across at the end
//     the many lie across k               | columns: vectors of results
//     the same, one line of the few       | rows: row after row, into results in the cache
#include "norma/core/kernels/thin_product.h"

#include <algorithm>
#include <type_traits>

#include "norma/core/integers.h"
#include "norma/core/kernels/blas.h"
#include "norma/core/kernels/register_tile.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"

namespace norma::kernels {
namespace {

constexpr int kGroup = 4;        // of the few, taken together
constexpr int64_t kDepth = 256;  // of a chain of additions: a long one would lose digits

/// out[f * out_few + m * out_many] = start + Σ_p few[f * ld_few + p] many(m, p), where many(m, p)
/// is many[m * ld + p], or many[p * ld + m] where they lie across.
template <class T>
struct Thin {
  int64_t count, length, k;  // of the few, of the many, terms
  const T* few;
  int64_t ld_few;
  const T* many;
  int64_t ld;
  bool across;
  const T* start;
  int64_t start_few, start_many;
  T* out;
  int64_t out_few, out_many;

  NORMA_INLINE void store(int64_t f, int64_t m, T sum) const {
    const T first = start ? start[f * start_few + m * start_many] : T(0);
    out[f * out_few + m * out_many] = first + sum;
  }
};

/// `packed` has room for the few where they do not lie along k.
template <class T>
Thin<T> as_thin(const MatrixProduct<T>& p, Few few, T* packed) {
  const bool rows = few == Few::Rows, packs = !few_lie_along(p, few);
  const int64_t count = rows ? p.m : p.n, length = rows ? p.n : p.m;
  const int64_t ld_few = rows ? p.lda : p.ldb, ld = rows ? p.ldb : p.lda;
  const T* const from = rows ? p.a : p.b;
  for (int64_t f = 0; packs && f < count; ++f)
    for (int64_t t = 0; t < p.k; ++t) packed[f * p.k + t] = from[t * ld_few + f];
  return {.count = count,
          .length = length,
          .k = p.k,
          .few = packs ? packed : from,
          .ld_few = packs ? p.k : ld_few,
          .many = rows ? p.b : p.a,
          .ld = ld,
          .across = (rows ? !p.trans_b : p.trans_a) && !(length == 1 && ld == 1),
          .start = p.start,
          .start_few = rows ? 0 : 1,
          .start_many = rows ? 1 : 0,
          .out = p.c,
          .out_few = rows ? p.ldc : 1,
          .out_many = rows ? 1 : p.ldc};
}

/// The last `rest` elements of a line of k, at the end of a vector whose others are zeros.
template <class T, class Level>
NORMA_INLINE inline void load_rest(const T* line, int64_t k, int64_t rest,
                                   typename Vector<T, Level::kBytes>::Value& out) {
  using V = LevelVector<T, Level>;
  constexpr int kLanes = V::kLanes;
  alignas(64) T last[kLanes] = {};
  if (k < kLanes) {
    std::copy_n(line + k - rest, rest, last + kLanes - rest);
    out = V::at(last).value;
    return;
  }
  // No matter what stands in the elements that were summed before: infinity times zero is NaN.
  using Bits = Vector<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>, Level::kBytes>;
  typename Bits::Value place{};
  unrolled<kLanes>([&](int l) NORMA_INLINE { place[l] = l; });
  const auto keep = place >= static_cast<decltype(place[0] + 0)>(kLanes - rest);
  out = (typename V::Value)((typename Bits::Value)V::at(line + k - kLanes).value & keep);
}

/// Few lines of the few from f on, Many of the many from m on.
template <class T, class Level, int Few, int Many>
NORMA_INLINE inline void dot_tile(const Thin<T>& p, int64_t f, int64_t m) {
  using V = LevelVector<T, Level>;
  constexpr int kLanes = V::kLanes;
  typename V::Value sums[Few][Many], x[Few];
  alignas(64) T lanes[Few][Many][kLanes] = {};
  const int64_t k = p.k, ld = p.ld, ld_few = p.ld_few, rest = k % kLanes, whole = k - rest;
  const T* const few = p.few + f * ld_few;
  const T* const many = p.many + m * ld;
  int64_t t = 0;
  do {
    unrolled<Few>([&](int i) NORMA_INLINE {
      unrolled<Many>([&](int j) NORMA_INLINE { sums[i][j] = typename V::Value{}; });
    });
    for (const int64_t end = std::min(whole, t + kDepth * kLanes); t < end; t += kLanes) {
      unrolled<Few>([&](int i) NORMA_INLINE { x[i] = V::at(few + i * ld_few + t).value; });
      unrolled<Many>([&](int j) NORMA_INLINE {
        const typename V::Value w = V::at(many + j * ld + t).value;
        unrolled<Few>([&](int i) NORMA_INLINE { V::add_product(sums[i][j], x[i], w); });
      });
    }
    if (t == whole && rest > 0) {
      unrolled<Few>([&](int i)
                        NORMA_INLINE { load_rest<T, Level>(few + i * ld_few, k, rest, x[i]); });
      unrolled<Many>([&](int j) NORMA_INLINE {
        typename V::Value w;
        load_rest<T, Level>(many + j * ld, k, rest, w);
        unrolled<Few>([&](int i) NORMA_INLINE { V::add_product(sums[i][j], x[i], w); });
      });
    }
    unrolled<Few>([&](int i) NORMA_INLINE {
      unrolled<Many>([&](int j) NORMA_INLINE { V::at(lanes[i][j]).value += sums[i][j]; });
    });
  } while (t < whole);
  for (int i = 0; i < Few; ++i) {
    for (int j = 0; j < Many; ++j) {
      halve_lanes<1>(lanes[i][j]);
      p.store(f + i, m + j, lanes[i][j][0]);
    }
  }
}

template <class T, class Level, int Few>
NORMA_INLINE inline void dots(const Thin<T>& p, int64_t f) {
  constexpr int kMany = Few == 1 ? 8 : 4;
  int64_t m = 0;
  for (; m + kMany <= p.length; m += kMany) dot_tile<T, Level, Few, kMany>(p, f, m);
  for (; m < p.length; ++m) dot_tile<T, Level, Few, 1>(p, f, m);
}

/// Results of Few lines at Vectors vectors of the many, of which `count` elements exist.
template <class T, class Level, int Few, int Vectors, bool Whole>
NORMA_INLINE inline void column_tile(const Thin<T>& p, int64_t f, int64_t m, int64_t count) {
  using V = LevelVector<T, Level>;
  constexpr int kLanes = V::kLanes, kWidth = Vectors * kLanes;
  alignas(64) T results[Few][kWidth] = {};
  alignas(64) T line[kWidth] = {};
  const int64_t k = p.k, ld_few = p.ld_few;
  const T* const few = p.few + f * ld_few;
  for (int64_t begin = 0; begin < k; begin += kDepth) {
    const int64_t terms = std::min(k - begin, kDepth);
    const T* const from = p.many + begin * p.ld + m;
    const int64_t ld = p.ld;
    register_tile<V, Few, Vectors>(
        terms, [=](int i, int64_t t) NORMA_INLINE { return few[i * ld_few + begin + t]; },
        [=, &line](int64_t t) NORMA_INLINE {
          if constexpr (Whole) return from + t * ld;
          std::copy_n(from + t * ld, count, line);
          return static_cast<const T*>(line);
        },
        [&](int i, int v, const typename V::Value& sum)
            NORMA_INLINE { V::at(results[i] + v * kLanes).value += sum; });
  }
  for (int i = 0; i < Few; ++i) {
    for (int64_t j = 0; j < (Whole ? kWidth : count); ++j) p.store(f + i, m + j, results[i][j]);
  }
}

template <class T, class Level, int Few>
NORMA_INLINE inline void columns(const Thin<T>& p, int64_t f) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  if (p.length < kLanes) return column_tile<T, Level, Few, 1, false>(p, f, 0, p.length);
  int64_t m = 0;
  for (; m + 3 * kLanes <= p.length; m += 3 * kLanes) {
    column_tile<T, Level, Few, 3, true>(p, f, m, 3 * kLanes);
  }
  if (m + 2 * kLanes <= p.length) {
    column_tile<T, Level, Few, 2, true>(p, f, m, 2 * kLanes);
    m += 2 * kLanes;
  }
  // The last one may do some of its neighbour's once more.
  for (; m < p.length; m += kLanes) {
    column_tile<T, Level, Few, 1, true>(p, f, std::min(m, p.length - kLanes), kLanes);
  }
}

/// One line of the few, row after row of the many: tiles would read long rows too far apart.
template <class T>
NORMA_INLINE inline void rows(const Thin<T>& p, int64_t f) {
  constexpr int64_t kBlock = 512;
  T results[kBlock], sums[kBlock];
  const T* const x = p.few + f * p.ld_few;
  for (int64_t m = 0; m < p.length; m += kBlock) {
    const int64_t count = std::min(kBlock, p.length - m);
    std::fill_n(results, count, T(0));
    for (int64_t begin = 0; begin < p.k; begin += kDepth) {
      const int64_t end = std::min(p.k, begin + kDepth);
      const T* row = p.many + begin * p.ld + m;
      std::fill_n(sums, count, T(0));
      int64_t t = begin;
      for (; t + 4 <= end; t += 4, row += 4 * p.ld) {
        const T *second = row + p.ld, *third = second + p.ld, *fourth = third + p.ld;
        for (int64_t j = 0; j < count; ++j) {
          const T sum = sums[j] + x[t] * row[j] + x[t + 1] * second[j];
          sums[j] = sum + x[t + 2] * third[j] + x[t + 3] * fourth[j];
        }
      }
      for (; t < end; ++t, row += p.ld) {
        for (int64_t j = 0; j < count; ++j) sums[j] += x[t] * row[j];
      }
      for (int64_t j = 0; j < count; ++j) results[j] += sums[j];
    }
    for (int64_t j = 0; j < count; ++j) p.store(f, m + j, results[j]);
  }
}

template <class T, class Level, int Few>
NORMA_INLINE inline void group(const Thin<T>& p, int64_t f) {
  if (p.across && Few == 1) {
    rows(p, f);
  } else if (p.across) {
    columns<T, Level, Few>(p, f);
  } else {
    dots<T, Level, Few>(p, f);
  }
}

}  // namespace

template <class T>
void thin_product(const MatrixProduct<T>& p, Few few) {
  if (p.m == 0 || p.n == 0) return;
  Scratch<T> packed(few_lie_along(p, few) ? 0 : (few == Few::Rows ? p.m : p.n) * p.k);
  const Thin<T> thin = as_thin(p, few, packed.data());
  for_level([thin]<class Level>() NORMA_INLINE {
    if constexpr (kOwnProducts<Level>) {
      int64_t f = 0;
      for (; f + kGroup <= thin.count; f += kGroup) group<T, Level, kGroup>(thin, f);
      if (thin.count - f >= 2) {
        group<T, Level, 2>(thin, f);
        f += 2;
      }
      if (f < thin.count) group<T, Level, 1>(thin, f);
    }
  });
}

template void thin_product(const MatrixProduct<float>&, Few);
template void thin_product(const MatrixProduct<double>&, Few);

}  // namespace norma::kernels
