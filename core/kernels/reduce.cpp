// Fast sums; their plain twin is plain/reduce.h. Which way they are taken:
//
//     integers                  element by element
//     all to one                sum_long: runs of fixed length, a task each
//     the last dimension        sum_run, row by row
//     the first dimension       sum_columns, a thread some columns
//     one in the middle         sum_columns, a thread some of the outer ones
#include "norma/core/kernels/reduce.h"

#include <algorithm>
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

/// Sums columns [begin, end) of `length` rows of `inner` values each, a strip at a time.
template <class T>
void sum_columns(T* out, const T* x, int64_t length, int64_t inner, int64_t begin, int64_t end,
                 double divisor) {
  constexpr int64_t kStrip = 32;
  simd<Level256>([=]() NORMA_INLINE {
    for (int64_t c = begin; c < end; c += kStrip) {
      double total[kStrip] = {};
      const auto add_rows = [&](auto width) NORMA_INLINE {
        for (int64_t i = 0; i < length; ++i) {
          const T* const row = x + i * inner + c;
          for (int64_t j = 0; j < width; ++j) total[j] += static_cast<double>(row[j]);
        }
      };
      const int64_t width = std::min(kStrip, end - c);
      if (width == kStrip) {
        add_rows(std::integral_constant<int64_t, kStrip>());
      } else {
        add_rows(width);
      }
      for (int64_t j = 0; j < width; ++j) out[c + j] = static_cast<T>(total[j] / divisor);
    }
  });
}

}  // namespace

template <class T>
void sum_middle(T* out, const T* x, MiddleShape s, double divisor) {
  if (plain_kernels()) return plain::sum_middle(out, x, s.outer, s.length, s.inner, divisor);
  if constexpr (!std::is_floating_point_v<T>) {
    for_each_line(x, s, [=](Line<T> line, int64_t at) {
      uint64_t total = 0;  // wraps around
      for (int64_t i = 0; i < line.length; ++i) total += static_cast<uint64_t>(line[i]);
      out[at] = static_cast<T>(total);
    });
  } else if (s.lines() == 1) {
    *out = static_cast<T>(sum_long(x, s.length) / divisor);
  } else if (s.inner == 1) {
    for_each_line(x, s, [=](Line<T> line, int64_t at) {
      out[at] = static_cast<T>(sum_run(line.first, line.length) / divisor);
    });
  } else if (s.outer == 1) {
    parallel_for(s.inner, std::max<int64_t>(16, rows_grain(kElementGrain, s.length)),
                 [=](int64_t begin, int64_t end) {
                   sum_columns(out, x, s.length, s.inner, begin, end, divisor);
                 });
  } else {
    const int64_t size = s.length * s.inner;
    parallel_for(s.outer, rows_grain(kElementGrain, size), [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        sum_columns(out + o * s.inner, x + o * size, s.length, s.inner, 0, s.inner, divisor);
      }
    });
  }
}

template <class T>
void sum_rows(T* out, const T* x, int64_t rows, int64_t cols) {
  if (plain_kernels()) return plain::sum_middle(out, x, 1, rows, cols, 1);
  parallel_for(cols, std::max<int64_t>(16, rows_grain(kElementGrain, rows)),
               [=](int64_t begin, int64_t end) {
                 constexpr int64_t kStrip = 64, kBlock = 256;
                 for (int64_t c = begin; c < end; c += kStrip) {
                   const int64_t width = std::min(kStrip, end - c);
                   simd([=]() NORMA_INLINE {
                     double total[kStrip] = {};
                     for (int64_t r = 0; r < rows; r += kBlock) {
                       T part[kStrip] = {};
                       const int64_t stop = std::min(r + kBlock, rows);
                       for (int64_t i = r; i < stop; ++i) {
                         const T* line = x + i * cols + c;
                         for (int64_t j = 0; j < width; ++j) part[j] += line[j];
                       }
                       for (int64_t j = 0; j < width; ++j) total[j] += static_cast<double>(part[j]);
                     }
                     for (int64_t j = 0; j < width; ++j) out[c + j] = static_cast<T>(total[j]);
                   });
                 }
               });
}

template void sum_rows<float>(float*, const float*, int64_t, int64_t);
template void sum_rows<double>(double*, const double*, int64_t, int64_t);
template void sum_middle<float>(float*, const float*, MiddleShape, double);
template void sum_middle<double>(double*, const double*, MiddleShape, double);
template void sum_middle<int64_t>(int64_t*, const int64_t*, MiddleShape, double);

}  // namespace norma::kernels
