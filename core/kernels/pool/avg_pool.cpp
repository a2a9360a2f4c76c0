// The plain version: core/kernels/plain/pool.h.
#include "norma/core/kernels/pool/avg_pool.h"

#include <algorithm>

#include "norma/core/kernels/plain/pool.h"
#include "norma/core/kernels/pool/window_runs.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// How many cells of window `index` count along one axis.
int64_t counted(int64_t index, int64_t stride, int64_t pad, int64_t kernel, int64_t size,
                bool include_pad) {
  const int64_t begin = index * stride - pad;
  const int64_t end = std::min(begin + kernel, size + pad);
  return include_pad ? end - begin : std::min(end, size) - std::max<int64_t>(begin, 0);
}

// Divisors along the width; all 1 where the rule gives one number.
template <class T>
void column_counts(const Pool2dShape& s, const AvgPoolRule& rule, T* counts) {
  for (int64_t col = 0; col < s.out_w; ++col) {
    counts[col] = static_cast<T>(rule.divisor ? 1
                                              : counted(col, s.stride_w, s.pad_w, s.kernel_w,
                                                        s.in_w, rule.count_include_pad));
  }
}

template <class T>
T row_divisor(const Pool2dShape& s, const AvgPoolRule& rule, int64_t row) {
  return static_cast<T>(
      rule.divisor ? rule.divisor
                   : counted(row, s.stride_h, s.pad_h, s.kernel_h, s.in_h, rule.count_include_pad));
}

// Cell i of `out` covers [i in / out, ceil((i+1) in / out)).
Span adaptive_span(int64_t i, int64_t in, int64_t out) {
  return {i * in / out, ((i + 1) * in + out - 1) / out};
}

}  // namespace

template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y) {
  if (plain_kernels()) return plain::avg_pool_forward(s, rule, x, y);
  const Scratch<T> counts(s.out_w);
  column_counts(s, rule, counts.data());
  const T* divisors = counts.data();
  const WindowColumns columns(s);
  const Span* spans = columns.spans();
  parallel_for(s.planes, plane_grain(s), [&](int64_t first, int64_t last) {
    simd([=]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        const T* plane = x + p * s.in_h * s.in_w;
        T* sums = y + p * s.out_h * s.out_w;
        std::fill_n(sums, s.out_h * s.out_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          T* out = sums + row * s.out_w;
          each_run(s, spans, row,
                   [=](int64_t to, int64_t from, int64_t count, int64_t) NORMA_INLINE {
                     with_step(s.stride_w, [=](auto step) NORMA_INLINE {
                       const T* in = plane + from;
                       for (int64_t k = 0; k < count; ++k) out[to + k] += in[k * step];
                     });
                   });
          const T divisor = row_divisor<T>(s, rule, row);
          for (int64_t k = 0; k < s.out_w; ++k) out[k] /= divisor * divisors[k];
        }
      }
    });
  });
}

template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx) {
  if (plain_kernels()) return plain::avg_pool_backward(s, rule, dy, dx);
  const Scratch<T> counts(s.out_w);
  column_counts(s, rule, counts.data());
  const T* divisors = counts.data();
  const WindowColumns columns(s);
  const Span* spans = columns.spans();
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(parallel_parts(s.planes, grain) * s.out_w);
  parallel_parts_for(s.planes, grain, [&](int64_t first, int64_t last, int part) {
    T* scaled = rows.data() + part * s.out_w;
    simd([=]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        T* plane = dx + p * s.in_h * s.in_w;
        std::fill_n(plane, s.in_h * s.in_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          const T divisor = row_divisor<T>(s, rule, row);
          const T* grad = dy + (p * s.out_h + row) * s.out_w;
          for (int64_t k = 0; k < s.out_w; ++k) scaled[k] = grad[k] / (divisor * divisors[k]);
          each_run(s, spans, row,
                   [=](int64_t from, int64_t to, int64_t count, int64_t) NORMA_INLINE {
                     with_step(s.stride_w, [=](auto step) NORMA_INLINE {
                       T* out = plane + to;
                       for (int64_t k = 0; k < count; ++k) out[k * step] += scaled[from + k];
                     });
                   });
        }
      }
    });
  });
}

template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y) {
  if (plain_kernels()) return plain::adaptive_avg_pool_forward(s, x, y);
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(parallel_parts(s.planes, grain) * s.in_w);
  parallel_parts_for(s.planes, grain, [&](int64_t first, int64_t last, int part) {
    T* sums = rows.data() + part * s.in_w;
    simd([=]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        for (int64_t row = 0; row < s.out_h; ++row) {
          const Span ys = adaptive_span(row, s.in_h, s.out_h);
          std::fill_n(sums, s.in_w, T(0));
          for (int64_t i = ys.first; i < ys.last; ++i) {
            const T* in = x + (p * s.in_h + i) * s.in_w;
            for (int64_t k = 0; k < s.in_w; ++k) sums[k] += in[k];
          }
          for (int64_t col = 0; col < s.out_w; ++col) {
            const Span xs = adaptive_span(col, s.in_w, s.out_w);
            T total = 0;
            for (int64_t k = xs.first; k < xs.last; ++k) total += sums[k];
            y[(p * s.out_h + row) * s.out_w + col] =
                total / static_cast<T>((ys.last - ys.first) * (xs.last - xs.first));
          }
        }
      }
    });
  });
}

template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx) {
  if (plain_kernels()) return plain::adaptive_avg_pool_backward(s, dy, dx);
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(parallel_parts(s.planes, grain) * s.in_w);
  parallel_parts_for(s.planes, grain, [&](int64_t first, int64_t last, int part) {
    T* sums = rows.data() + part * s.in_w;
    simd([=]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        std::fill_n(dx + p * s.in_h * s.in_w, s.in_h * s.in_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          const Span ys = adaptive_span(row, s.in_h, s.out_h);
          std::fill_n(sums, s.in_w, T(0));
          for (int64_t col = 0; col < s.out_w; ++col) {
            const Span xs = adaptive_span(col, s.in_w, s.out_w);
            const T share = dy[(p * s.out_h + row) * s.out_w + col] /
                            static_cast<T>((ys.last - ys.first) * (xs.last - xs.first));
            for (int64_t k = xs.first; k < xs.last; ++k) sums[k] += share;
          }
          for (int64_t i = ys.first; i < ys.last; ++i) {
            T* out = dx + (p * s.in_h + i) * s.in_w;
            for (int64_t k = 0; k < s.in_w; ++k) out[k] += sums[k];
          }
        }
      }
    });
  });
}

#define NORMA_AVG_POOL(T)                                                                \
  template void avg_pool_forward(const Pool2dShape&, const AvgPoolRule&, const T*, T*);  \
  template void avg_pool_backward(const Pool2dShape&, const AvgPoolRule&, const T*, T*); \
  template void adaptive_avg_pool_forward(const Pool2dShape&, const T*, T*);             \
  template void adaptive_avg_pool_backward(const Pool2dShape&, const T*, T*);
NORMA_AVG_POOL(float)
NORMA_AVG_POOL(double)
#undef NORMA_AVG_POOL

}  // namespace norma::kernels
