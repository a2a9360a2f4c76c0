#include "norma/core/kernels/embedding.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "norma/core/dtype.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kRowGrain = 32'768;  // elements worth a thread
constexpr int64_t kLeastColumns = 16;  // of a thread's own: a line of the cache

// ‖values‖_p, also for p = 0 (how many are not zero) and ±inf (the extreme absolute values).
template <class T>
double norm(const T* values, int64_t stride, int64_t count, double p) {
  const auto size = [=](int64_t i) { return std::fabs(static_cast<double>(values[i * stride])); };
  double total = 0;
  if (p == 2.0) {
    for (int64_t i = 0; i < count; ++i) total += size(i) * size(i);
    return std::sqrt(total);
  }
  if (std::isinf(p)) {
    total = size(0);
    for (int64_t i = 0; i < count; ++i) {
      if (std::isnan(size(i))) return size(i);
      total = p > 0 ? std::max(total, size(i)) : std::min(total, size(i));
    }
    return total;
  }
  if (p == 0.0) {
    for (int64_t i = 0; i < count; ++i) total += size(i) != 0.0 ? 1.0 : 0.0;
    return total;
  }
  for (int64_t i = 0; i < count; ++i) total += std::pow(size(i), p);
  return std::pow(total, 1.0 / p);
}

}  // namespace

template <class T>
void pick_rows(const T* table, const int64_t* index, int64_t count, int64_t width, T* out) {
  parallel_for(count, kRowGrain / (width + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      std::copy_n(table + index[i] * width, width, out + i * width);
    }
  });
}

template <class T>
void add_rows(const T* rows, const int64_t* index, int64_t count, int64_t width,
              const double* factor, int64_t skip, T* table) {
  // Every thread has columns of its own, in all rows.
  const int64_t grain = std::max(kLeastColumns, kRowGrain / (count + 1));
  parallel_for(width, grain, [&](int64_t first, int64_t last) {
    simd_narrow([=]() NORMA_INLINE {
      for (int64_t i = 0; i < count; ++i) {
        if (index[i] == skip) continue;
        const T* from = rows + i * width;
        T* to = table + index[i] * width;
        if (factor) {
          const T scale = static_cast<T>(factor[index[i]]);
          for (int64_t k = first; k < last; ++k) to[k] += scale * from[k];
        } else {
          for (int64_t k = first; k < last; ++k) to[k] += from[k];
        }
      }
    });
  });
}

template <class T>
bool limit_norms(T* table, int64_t row_stride, int64_t column_stride, const int64_t* index,
                 int64_t count, int64_t width, double max_norm, double p) {
  std::atomic<bool> changed = false;
  parallel_for(count, kRowGrain / (4 * width + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      T* row = table + index[i] * row_stride;
      const double size = norm(row, column_stride, width, p);
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
NORMA_INSTANTIATE(int64_t)
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

#define NORMA_INSTANTIATE(T)                                                                    \
  template void add_rows<T>(const T*, const int64_t*, int64_t, int64_t, const double*, int64_t, \
                            T*);                                                                \
  template bool limit_norms<T>(T*, int64_t, int64_t, const int64_t*, int64_t, int64_t, double,  \
                               double);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
