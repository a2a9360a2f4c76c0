// The plain version: core/kernels/plain/reduce.h.
#include "norma/core/kernels/reduce.h"

#include <type_traits>
#include <vector>

#include "norma/core/integers.h"
#include "norma/core/kernels/plain/reduce.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/simd.h"

namespace norma::kernels {

namespace {

template <class T>
double sum_run(const T* x, int64_t n) {
  double total = 0;
  double* const result = &total;
  simd<Level256>([=]() NORMA_INLINE {
    *result =
        sum_in_lanes<32>(n, [=](int64_t i) NORMA_INLINE { return static_cast<double>(x[i]); });
  });
  return total;
}

// One task of a long sum: fixed, so that the result is the same for every number of threads.
constexpr int64_t kRun = 16384;

template <class T>
double sum_long(const T* x, int64_t n) {
  const int64_t runs = ceil_div(n, kRun);
  if (runs <= 1) return sum_run(x, n);
  std::vector<double> parts(static_cast<std::size_t>(runs));
  double* const out = parts.data();
  parallel_for(runs, rows_grain(kElementGrain, kRun), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      out[r] = sum_run(x + r * kRun, std::min(kRun, n - r * kRun));
  });
  double total = 0;
  for (double part : parts) total += part;
  return total;
}

/// Sums `length` rows of `inner` values each, a strip of columns at a time.
template <class T>
void sum_columns(T* out, const T* x, int64_t length, int64_t inner, int64_t begin, int64_t end,
                 double divisor) {
  constexpr int64_t kStrip = 32;
  simd<Level256>([=]() NORMA_INLINE {
    for (int64_t c = begin; c < end; c += kStrip) {
      double total[kStrip] = {};
      if (end - c >= kStrip) {
        for (int64_t i = 0; i < length; ++i) {
          for (int64_t j = 0; j < kStrip; ++j)
            total[j] += static_cast<double>(x[i * inner + c + j]);
        }
      } else {
        for (int64_t i = 0; i < length; ++i) {
          for (int64_t j = 0; j < end - c; ++j)
            total[j] += static_cast<double>(x[i * inner + c + j]);
        }
      }
      for (int64_t j = 0; j < std::min(kStrip, end - c); ++j) {
        out[c + j] = static_cast<T>(total[j] / divisor);
      }
    }
  });
}

}  // namespace

template <class T>
void sum_middle(T* out, const T* x, int64_t outer, int64_t length, int64_t inner, double divisor) {
  if (plain_kernels()) return plain::sum_middle(out, x, outer, length, inner, divisor);
  if constexpr (!std::is_floating_point_v<T>) {
    for_each_middle(x, outer, length, inner, [=](const T* first, int64_t stride, int64_t at) {
      uint64_t total = 0;  // wraps around
      for (int64_t i = 0; i < length; ++i) total += static_cast<uint64_t>(first[i * stride]);
      out[at] = static_cast<T>(total);
    });
  } else if (inner == 1 && outer == 1) {
    *out = static_cast<T>(sum_long(x, length) / divisor);
  } else if (inner == 1) {
    const int64_t grain = rows_grain(kElementGrain, length);
    parallel_for(outer, grain, [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        out[o] = static_cast<T>(sum_run(x + o * length, length) / divisor);
    });
  } else if (outer == 1) {
    parallel_for(inner, std::max<int64_t>(16, rows_grain(kElementGrain, length)),
                 [=](int64_t begin, int64_t end) {
                   sum_columns(out, x, length, inner, begin, end, divisor);
                 });
  } else {
    const int64_t grain = rows_grain(kElementGrain, length * inner);
    parallel_for(outer, grain, [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        sum_columns(out + o * inner, x + o * length * inner, length, inner, 0, inner, divisor);
      }
    });
  }
}

template void sum_middle<float>(float*, const float*, int64_t, int64_t, int64_t, double);
template void sum_middle<double>(double*, const double*, int64_t, int64_t, int64_t, double);
template void sum_middle<int64_t>(int64_t*, const int64_t*, int64_t, int64_t, int64_t, double);

}  // namespace norma::kernels
