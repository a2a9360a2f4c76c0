// Fast average pooling; its plain twin is plain/pool.h.
//
//     windows                    path
//     of one size                cell by cell of the window, each for a row of outputs
//     that share an image out    the rows of a window are summed, then the columns of the sums
//     one for the whole image    sum_middle; its gradient is one value
#include "norma/core/kernels/pool/avg_pool.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/kernels/plain/pool.h"
#include "norma/core/kernels/pool/window_runs.h"
#include "norma/core/kernels/reduce.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// What a window's sum is divided by: at(row) times its column's.
template <class T>
class Divisors {
 public:
  Divisors(const Pool2dShape& s, const AvgPoolRule& rule)
      : shape_(s), rule_(rule), columns_(s.out_w) {
    for (int64_t col = 0; col < s.out_w; ++col) {
      const int64_t count = plain::counted_cells(col, s.stride_w, s.pad_w, s.kernel_w, s.in_w,
                                                 rule.count_include_pad);
      columns_.data()[col] = static_cast<T>(rule.divisor ? 1 : count);
    }
  }
  const T* columns() const { return columns_.data(); }
  T at(int64_t row) const {
    const Pool2dShape& s = shape_;
    if (rule_.divisor) return static_cast<T>(rule_.divisor);
    return static_cast<T>(plain::counted_cells(row, s.stride_h, s.pad_h, s.kernel_h, s.in_h,
                                               rule_.count_include_pad));
  }

 private:
  const Pool2dShape& shape_;
  const AvgPoolRule& rule_;
  Scratch<T> columns_;
};

/// Whether the only window is the whole image.
bool is_global(const Pool2dShape& s) {
  return s.out_h * s.out_w == 1 && s.kernel_h == s.in_h && s.kernel_w == s.in_w && s.pad_h == 0 &&
         s.pad_w == 0;
}
template <class T>
void global_avg_pool(const Pool2dShape& s, int64_t divisor, const T* x, T* y) {
  sum_middle(y, x, {s.planes, s.in_h * s.in_w, 1}, static_cast<double>(divisor));
}
template <class T>
void global_avg_pool_backward(const Pool2dShape& s, int64_t divisor, const T* dy, T* dx) {
  const int64_t size = s.in_h * s.in_w;
  parallel_for(s.planes, rows_grain(kElementGrain, size), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      std::fill_n(dx + p * size, size, dy[p] / static_cast<T>(divisor));
  });
}
int64_t global_divisor(const Pool2dShape& s, const AvgPoolRule& rule) {
  return rule.divisor ? rule.divisor : s.in_h * s.in_w;
}

}  // namespace

template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y) {
  if (plain_kernels() || s.sees_little()) return plain::avg_pool_forward(s, rule, x, y);
  if (is_global(s)) return global_avg_pool(s, global_divisor(s, rule), x, y);
  const Divisors<T> divisors(s, rule);
  const WindowColumns columns(s);
  each_plane<Level512, T>(
      s, 0, [=, d = &divisors, spans = columns.spans()](int64_t p, T*) NORMA_INLINE {
        T* const sums = y + p * s.out_h * s.out_w;
        std::fill_n(sums, s.out_h * s.out_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          T* const out = sums + row * s.out_w;
          each_run(s, spans, row,
                   [=](int64_t to, int64_t from, auto step, int64_t count, int64_t) NORMA_INLINE {
                     const T* in = x + p * s.in_h * s.in_w + from;
                     for (int64_t k = 0; k < count; ++k) out[to + k] += in[k * step];
                   });
          const T divisor = d->at(row);
          const T* const column = d->columns();
          for (int64_t k = 0; k < s.out_w; ++k) out[k] /= divisor * column[k];
        }
      });
}

template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx) {
  if (plain_kernels() || s.sees_little()) return plain::avg_pool_backward(s, rule, dy, dx);
  if (is_global(s)) return global_avg_pool_backward(s, global_divisor(s, rule), dy, dx);
  const Divisors<T> divisors(s, rule);
  const WindowColumns columns(s);
  each_plane<Level512, T>(
      s, s.out_w, [=, d = &divisors, spans = columns.spans()](int64_t p, T* share) NORMA_INLINE {
        T* const plane = dx + p * s.in_h * s.in_w;
        std::fill_n(plane, s.in_h * s.in_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          const T divisor = d->at(row);
          const T *const column = d->columns(), *grad = dy + (p * s.out_h + row) * s.out_w;
          for (int64_t k = 0; k < s.out_w; ++k) share[k] = grad[k] / (divisor * column[k]);
          each_run(s, spans, row,
                   [=](int64_t from, int64_t to, auto step, int64_t count, int64_t) NORMA_INLINE {
                     T* out = plane + to;
                     for (int64_t k = 0; k < count; ++k) out[k * step] += share[from + k];
                   });
        }
      });
}

template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y) {
  if (plain_kernels()) return plain::adaptive_avg_pool_forward(s, x, y);
  if (s.out_h * s.out_w == 1) return global_avg_pool(s, s.in_h * s.in_w, x, y);
  each_plane<Level512, T>(s, s.in_w, [=](int64_t p, T* sums) NORMA_INLINE {
    for (int64_t row = 0; row < s.out_h; ++row) {
      const Span ys = plain::adaptive_window(row, s.in_h, s.out_h);
      std::fill_n(sums, s.in_w, T(0));
      for (int64_t i = ys.first; i < ys.last; ++i) {
        const T* in = x + (p * s.in_h + i) * s.in_w;
        for (int64_t k = 0; k < s.in_w; ++k) sums[k] += in[k];
      }
      for (int64_t col = 0; col < s.out_w; ++col) {
        const Span xs = plain::adaptive_window(col, s.in_w, s.out_w);
        T total = 0;
        for (int64_t k = xs.first; k < xs.last; ++k) total += sums[k];
        y[(p * s.out_h + row) * s.out_w + col] =
            total / static_cast<T>((ys.last - ys.first) * (xs.last - xs.first));
      }
    }
  });
}

template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx) {
  if (plain_kernels()) return plain::adaptive_avg_pool_backward(s, dy, dx);
  if (s.out_h * s.out_w == 1) return global_avg_pool_backward(s, s.in_h * s.in_w, dy, dx);
  each_plane<Level512, T>(s, s.in_w, [=](int64_t p, T* sums) NORMA_INLINE {
    std::fill_n(dx + p * s.in_h * s.in_w, s.in_h * s.in_w, T(0));
    for (int64_t row = 0; row < s.out_h; ++row) {
      const Span ys = plain::adaptive_window(row, s.in_h, s.out_h);
      std::fill_n(sums, s.in_w, T(0));
      for (int64_t col = 0; col < s.out_w; ++col) {
        const Span xs = plain::adaptive_window(col, s.in_w, s.out_w);
        const T share = dy[(p * s.out_h + row) * s.out_w + col] /
                        static_cast<T>((ys.last - ys.first) * (xs.last - xs.first));
        for (int64_t k = xs.first; k < xs.last; ++k) sums[k] += share;
      }
      for (int64_t i = ys.first; i < ys.last; ++i) {
        T* out = dx + (p * s.in_h + i) * s.in_w;
        for (int64_t k = 0; k < s.in_w; ++k) out[k] += sums[k];
      }
    }
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
