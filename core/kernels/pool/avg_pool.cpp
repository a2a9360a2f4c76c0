// Fast average pooling; its plain twin is plain/pool.h.
//
//     windows                    path
//     one for the whole image    sum_middle; its gradient is one value
//     any others                 the rows of a window are summed, then the columns of the sums:
//         of one size, many      column by column of the windows, each for a row of outputs
//         few, or shares         window by window
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

/// The windows along one axis: the cells that each sees, and how many of them count.
template <class T>
struct Axis {
  Scratch<Span> seen;
  Scratch<T> counted;

  explicit Axis(int64_t count) : seen(count), counted(count) {}
  void set(int64_t i, Span cells, int64_t count) {
    seen.data()[i] = cells;
    counted.data()[i] = static_cast<T>(count);
  }
};
/// A window's sum is divided by the product of what counts along both axes.
template <class T>
struct Windows {
  Axis<T> rows, columns;
  WindowColumns runs;
  bool in_runs = false;

  /// Windows that share an image out.
  explicit Windows(const Pool2dShape& s) : rows(s.out_h), columns(s.out_w), runs(s) {
    const auto share = [](Axis<T>& axis, int64_t in, int64_t out) {
      for (int64_t i = 0; i < out; ++i) {
        const Span cells = plain::adaptive_window(i, in, out);
        axis.set(i, cells, cells.last - cells.first);
      }
    };
    share(rows, s.in_h, s.out_h);
    share(columns, s.in_w, s.out_w);
  }
  Windows(const Pool2dShape& s, const AvgPoolRule& rule)
      : rows(s.out_h), columns(s.out_w), runs(s), in_runs(s.out_w >= 8 && s.stride_w <= 2) {
    const auto lay = [&](Axis<T>& axis, int64_t out, int64_t stride, int64_t pad, int64_t kernel,
                         int64_t in, int64_t divisor) {
      for (int64_t i = 0; i < out; ++i) {
        const int64_t first = i * stride - pad,
                      count =
                          plain::counted_cells(i, stride, pad, kernel, in, rule.count_include_pad);
        axis.set(i, {std::max<int64_t>(first, 0), std::min(first + kernel, in)},
                 rule.divisor ? divisor : count);
      }
    };
    lay(rows, s.out_h, s.stride_h, s.pad_h, s.kernel_h, s.in_h, rule.divisor);
    lay(columns, s.out_w, s.stride_w, s.pad_w, s.kernel_w, s.in_w, 1);
  }
  Windows(const Windows&) = delete;

  /// Calls f(output, column of the image, step, count) for runs of outputs and what they see.
  template <class F>
  NORMA_INLINE void each_run(const Pool2dShape& s, F f) const {
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const Span run = runs.spans()[j];
      if (run.first == run.last) continue;
      with_step(s.stride_w, [=](auto step) NORMA_INLINE {
        f(run.first, run.first * s.stride_w + j - s.pad_w, step, run.last - run.first);
      });
    }
  }
};

template <class T>
void pool_windows(const Pool2dShape& s, const Windows<T>& windows, const T* x, T* y) {
  each_plane<Level512, T>(s, s.in_w, [=, w = &windows](int64_t p, T* sums) NORMA_INLINE {
    const Span *const rows = w->rows.seen.data(), *const columns = w->columns.seen.data();
    for (int64_t row = 0; row < s.out_h; ++row) {
      const int64_t width = columns[s.out_w - 1].last;
      const T* const in = x + p * s.in_h * s.in_w;
      NORMA_INDEPENDENT
      for (int64_t k = 0; k < width; ++k) sums[k] = in[rows[row].first * s.in_w + k];
      for (int64_t i = rows[row].first + 1; i < rows[row].last; ++i) {
        NORMA_INDEPENDENT
        for (int64_t k = 0; k < width; ++k) sums[k] += in[i * s.in_w + k];
      }
      T* const out = y + (p * s.out_h + row) * s.out_w;
      const T high = w->rows.counted.data()[row], *const wide = w->columns.counted.data();
      if (w->in_runs) {
        std::fill_n(out, s.out_w, T(0));
        w->each_run(s, [=](int64_t to, int64_t from, auto step, int64_t count) NORMA_INLINE {
          NORMA_INDEPENDENT
          for (int64_t k = 0; k < count; ++k) out[to + k] += sums[from + k * step];
        });
        for (int64_t col = 0; col < s.out_w; ++col) out[col] /= high * wide[col];
        continue;
      }
      for (int64_t col = 0; col < s.out_w; ++col) {
        T total = 0;
        for (int64_t k = columns[col].first; k < columns[col].last; ++k) total += sums[k];
        out[col] = total / (high * wide[col]);
      }
    }
  });
}
template <class T>
void pool_windows_backward(const Pool2dShape& s, const Windows<T>& windows, const T* dy, T* dx) {
  const int64_t both = s.in_w + s.out_w;
  each_plane<Level512, T>(s, both, [=, w = &windows](int64_t p, T* sums) NORMA_INLINE {
    const Span *const rows = w->rows.seen.data(), *const columns = w->columns.seen.data();
    T *const out = dx + p * s.in_h * s.in_w, *const share = sums + s.in_w;
    std::fill_n(out, s.in_h * s.in_w, T(0));
    for (int64_t row = 0; row < s.out_h; ++row) {
      const T high = w->rows.counted.data()[row], *const wide = w->columns.counted.data();
      const T* const grad = dy + (p * s.out_h + row) * s.out_w;
      for (int64_t col = 0; col < s.out_w; ++col) share[col] = grad[col] / (high * wide[col]);
      std::fill_n(sums, s.in_w, T(0));
      if (w->in_runs)
        w->each_run(s, [=](int64_t from, int64_t to, auto step, int64_t count) NORMA_INLINE {
          NORMA_INDEPENDENT
          for (int64_t k = 0; k < count; ++k) sums[to + k * step] += share[from + k];
        });
      for (int64_t col = 0; !w->in_runs && col < s.out_w; ++col) {
        for (int64_t k = columns[col].first; k < columns[col].last; ++k) sums[k] += share[col];
      }
      for (int64_t i = rows[row].first; i < rows[row].last; ++i) {
        NORMA_INDEPENDENT
        for (int64_t k = 0; k < s.in_w; ++k) out[i * s.in_w + k] += sums[k];
      }
    }
  });
}

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
  pool_windows(s, Windows<T>(s, rule), x, y);
}

template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx) {
  if (plain_kernels() || s.sees_little()) return plain::avg_pool_backward(s, rule, dy, dx);
  if (is_global(s)) return global_avg_pool_backward(s, global_divisor(s, rule), dy, dx);
  pool_windows_backward(s, Windows<T>(s, rule), dy, dx);
}

template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y) {
  if (plain_kernels()) return plain::adaptive_avg_pool_forward(s, x, y);
  if (s.out_h * s.out_w == 1) return global_avg_pool(s, s.in_h * s.in_w, x, y);
  pool_windows(s, Windows<T>(s), x, y);
}

template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx) {
  if (plain_kernels()) return plain::adaptive_avg_pool_backward(s, dy, dx);
  if (s.out_h * s.out_w == 1) return global_avg_pool_backward(s, s.in_h * s.in_w, dy, dx);
  pool_windows_backward(s, Windows<T>(s), dy, dx);
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
