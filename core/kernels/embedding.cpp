// Fast loops over the rows of a table; their plain twin is plain/embedding.h.
#include "norma/core/kernels/embedding.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "norma/core/dtype.h"
#include "norma/core/kernels/plain/embedding.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

constexpr int64_t kLeastColumns = 16;  // of a thread's own: a line of the cache

}  // namespace

template <class T>
void pick_rows(const T* table, const int64_t* index, int64_t count, int64_t width, T* out) {
  if (plain_kernels()) return plain::pick_rows(table, index, count, width, out);
  parallel_for(count, kElementGrain / (width + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      std::copy_n(table + index[i] * width, width, out + i * width);
    }
  });
}

template <class T>
void add_to_rows(const T* from, const int64_t* index, int64_t count, int64_t rows, int64_t width,
                 bool by_frequency, int64_t skip, T* table) {
  if (plain_kernels())
    return plain::add_to_rows(from, index, count, rows, width, by_frequency, skip, table);
  // Row r is looked up at uses[ends[r - 1]], …, uses[ends[r] - 1].
  std::vector<int64_t> ends(static_cast<std::size_t>(rows + 1));
  std::vector<int64_t> uses(static_cast<std::size_t>(count));
  for (int64_t i = 0; i < count; ++i) ++ends[static_cast<std::size_t>(index[i] + 1)];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  for (int64_t i = 0; i < count; ++i) {
    uses[static_cast<std::size_t>(ends[static_cast<std::size_t>(index[i])]++)] = i;
  }
  // Every thread has columns of its own, in all rows.
  const int64_t grain = std::max(kLeastColumns, kElementGrain / (count + rows + 1));
  parallel_for(width, grain, [&](int64_t first, int64_t last) {
    const int64_t *end = ends.data(), *use = uses.data();
    simd<Level256>([=]() NORMA_INLINE {
      const auto sum_strip = [=]<int64_t columns>(int64_t r, int64_t c) NORMA_INLINE {
        const int64_t begin = r > 0 ? end[r - 1] : 0, times = end[r] - begin;
        double total[columns] = {};
        for (int64_t u = begin; u < end[r] && r != skip; ++u) {
          const T* const line = from + use[u] * width + c;
          for (int64_t k = 0; k < columns; ++k) total[k] += static_cast<double>(line[k]);
        }
        if (by_frequency && times > 1) {
          for (int64_t k = 0; k < columns; ++k) total[k] /= static_cast<double>(times);
        }
        T* const to = table + r * width + c;
        for (int64_t k = 0; k < columns; ++k) to[k] = static_cast<T>(total[k]);
      };
      for (int64_t r = 0; r < rows; ++r) {
        if (end[r] == (r > 0 ? end[r - 1] : 0)) {  // most rows of a large table
          std::fill(table + r * width + first, table + r * width + last, T(0));
          continue;
        }
        int64_t c = first;
        for (; c + 32 <= last; c += 32) sum_strip.template operator()<32>(r, c);
        for (; c + 4 <= last; c += 4) sum_strip.template operator()<4>(r, c);
        for (; c < last; ++c) sum_strip.template operator()<1>(r, c);
      }
    });
  });
}

template <class T>
bool limit_norms(T* table, int64_t row_stride, int64_t column_stride, const int64_t* index,
                 int64_t count, int64_t width, double max_norm, double p) {
  if (plain_kernels()) {
    return plain::limit_norms(table, row_stride, column_stride, index, count, width, max_norm, p);
  }
  std::atomic<bool> changed = false;
  parallel_for(count, kElementGrain / (4 * width + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      T* row = table + index[i] * row_stride;
      const double size = power_norm(Line<T>{row, column_stride, width}, p);
      if (!(size > max_norm)) continue;
      const T scale = static_cast<T>(max_norm / (size + 1e-7));
      for (int64_t k = 0; k < width; ++k) row[k * column_stride] *= scale;
      changed = true;
    }
  });
  return changed;
}

#define NORMA_INSTANTIATE(T) \
  template void pick_rows<T>(const T*, const int64_t*, int64_t, int64_t, T*);
NORMA_INSTANTIATE(bool)
NORMA_INSTANTIATE(uint8_t)
NORMA_INSTANTIATE(int32_t)
NORMA_INSTANTIATE(int64_t)
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

#define NORMA_INSTANTIATE(T)                                                                       \
  template void add_to_rows<T>(const T*, const int64_t*, int64_t, int64_t, int64_t, bool, int64_t, \
                               T*);                                                                \
  template bool limit_norms<T>(T*, int64_t, int64_t, const int64_t*, int64_t, int64_t, double,     \
                               double);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
