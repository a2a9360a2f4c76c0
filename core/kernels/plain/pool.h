// Pooling, by its definition. The fast versions: core/kernels/pool/.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/plain/sums.h"
#include "norma/core/kernels/pool_shape.h"

namespace norma::kernels::plain {

/// Calls f(y, x, i, j) for each cell of each window that lies in the image, with where the output
/// and the input lie. Cell (i, j) of window (row, col) is in the image's row
/// row * stride + i * dilation - pad, and its column likewise.
template <class F>
void each_cell(const Pool2dShape& s, F f) {
  int64_t y = 0;
  for (int64_t p = 0; p < s.planes; ++p) {
    for (int64_t row = 0; row < s.out_h; ++row) {
      for (int64_t col = 0; col < s.out_w; ++col, ++y) {
        const int64_t top = row * s.stride_h - s.pad_h, left = col * s.stride_w - s.pad_w;
        const Span rows = valid_positions(s.kernel_h, s.dilation_h, top, s.in_h);
        const Span cols = valid_positions(s.kernel_w, s.dilation_w, left, s.in_w);
        for (int64_t i = rows.first; i < rows.last; ++i) {
          for (int64_t j = cols.first; j < cols.last; ++j) {
            const int64_t h = top + i * s.dilation_h, w = left + j * s.dilation_w;
            f(y, (p * s.in_h + h) * s.in_w + w, i, j);
          }
        }
      }
    }
  }
}

/// What `choice` notes of cell (i, j) at x: its number in the window; x, in a type as wide as that.
template <class Index>
Index note_of(const Pool2dShape& s, int64_t x, int64_t i, int64_t j) {
  return static_cast<Index>(sizeof(Index) == sizeof(x) ? x : i * s.kernel_w + j);
}

/// y = the largest cell: the first of equals, the last of NaN. `choice` (may be null) tells which.
template <class T, class Index>
void max_pool_forward(const Pool2dShape& s, const T* x, T* y, Index* choice) {
  const T lowest = -std::numeric_limits<T>::infinity();
  std::fill_n(y, s.planes * s.out_h * s.out_w, lowest);
  if (choice) std::fill_n(choice, s.planes * s.out_h * s.out_w, Index(0));
  int64_t window = -1;
  each_cell(s, [&](int64_t to, int64_t from, int64_t i, int64_t j) {
    const bool first = to != window;
    window = to;
    if (!first && !(x[from] > y[to]) && !std::isnan(x[from])) return;
    y[to] = x[from];
    if (choice) choice[to] = note_of<Index>(s, from, i, j);
  });
}

/// The whole gradient goes to the cell that won.
template <class T, class Index>
void max_pool_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx) {
  Sums sum(s.planes * s.in_h * s.in_w);
  each_cell(s, [&](int64_t from, int64_t to, int64_t i, int64_t j) {
    if (choice[from] == note_of<Index>(s, to, i, j)) sum[to] += double(dy[from]);
  });
  sum.store(dx);
}

/// What y is where the same cells win again.
template <class T, class Index>
void max_pool_pick(const Pool2dShape& s, const T* x, const Index* choice, T* y) {
  std::fill_n(y, s.planes * s.out_h * s.out_w, T(0));  // some windows have no cell
  each_cell(s, [&](int64_t from, int64_t to, int64_t i, int64_t j) {
    if (choice[from] == note_of<Index>(s, to, i, j)) y[from] = x[to];
  });
}

/// to[places[i]] += from[i], zeros elsewhere; and its adjoint, to[i] = from[places[i]].
template <class T>
void put(int64_t count, const int64_t* places, const T* from, int64_t size, T* to) {
  std::fill_n(to, size, T(0));
  for (int64_t i = 0; i < count; ++i) to[places[i]] += from[i];
}
template <class T>
void take(int64_t count, const int64_t* places, const T* from, T* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = from[places[i]];
}

/// How many cells of window i count along one axis: those in the image, or in image and padding.
inline int64_t counted_cells(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t size,
                             bool include_pad) {
  const int64_t begin = i * stride - pad, end = std::min(begin + kernel, size + pad);
  return include_pad ? end - begin : std::min(end, size) - std::max<int64_t>(begin, 0);
}

/// The averages: calls f(y, x, divisor) for each cell, y being Σ x / divisor. The divisor is that
/// of the rule, or how many cells of the window count.
template <class F>
void each_share(const Pool2dShape& s, const AvgPoolRule& rule, F f) {
  const bool pad = rule.count_include_pad;
  each_cell(s, [&](int64_t y, int64_t x, int64_t, int64_t) {
    const int64_t row = y / s.out_w % s.out_h, col = y % s.out_w;
    const int64_t rows = counted_cells(row, s.stride_h, s.pad_h, s.kernel_h, s.in_h, pad);
    const int64_t cols = counted_cells(col, s.stride_w, s.pad_w, s.kernel_w, s.in_w, pad);
    f(y, x, rule.divisor ? double(rule.divisor) : double(rows) * double(cols));
  });
}

/// Window i of `out` that share out an axis of `in` cells: from i in / out, rounded down, to
/// (i + 1) in / out, rounded up.
inline Span adaptive_window(int64_t i, int64_t in, int64_t out) {
  const auto end = (Wide(i + 1) * in + out - 1) / out;
  return {static_cast<int64_t>(Wide(i) * in / out), static_cast<int64_t>(end)};
}

/// The same for windows that share an image out.
template <class F>
void each_share(const Pool2dShape& s, F f) {
  for (int64_t y = 0; y < s.planes * s.out_h * s.out_w; ++y) {
    const int64_t plane = y / s.out_w / s.out_h;
    const Span rows = adaptive_window(y / s.out_w % s.out_h, s.in_h, s.out_h);
    const Span cols = adaptive_window(y % s.out_w, s.in_w, s.out_w);
    const auto count = static_cast<double>((rows.last - rows.first) * (cols.last - cols.first));
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) {
        f(y, (plane * s.in_h + h) * s.in_w + w, count);
      }
    }
  }
}

/// The largest cell of each such window: the first of equals, the last of NaN. `choice`: where.
template <class T>
void adaptive_max_pool_forward(const Pool2dShape& s, const T* x, T* y, int64_t* choice) {
  int64_t window = -1;
  each_share(s, [&](int64_t to, int64_t from, double) {
    if (to == window && !(x[from] > y[to]) && !std::isnan(x[from])) return;
    window = to;
    y[to] = x[from];
    choice[to] = from;
  });
}

template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y) {
  Sums sum(s.planes * s.out_h * s.out_w);
  each_share(s, rule, [&](int64_t to, int64_t from, double n) { sum[to] += double(x[from]) / n; });
  sum.store(y);
}
template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y) {
  Sums sum(s.planes * s.out_h * s.out_w);
  each_share(s, [&](int64_t to, int64_t from, double n) { sum[to] += double(x[from]) / n; });
  sum.store(y);
}

/// Each cell gets its share of dy.
template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx) {
  Sums sum(s.planes * s.in_h * s.in_w);
  each_share(s, rule, [&](int64_t from, int64_t to, double n) { sum[to] += double(dy[from]) / n; });
  sum.store(dx);
}
template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx) {
  Sums sum(s.planes * s.in_h * s.in_w);
  each_share(s, [&](int64_t from, int64_t to, double n) { sum[to] += double(dy[from]) / n; });
  sum.store(dx);
}

}  // namespace norma::kernels::plain
