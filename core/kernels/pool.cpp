#include "norma/core/kernels/pool.h"

#include <algorithm>
#include <limits>

#include "norma/core/kernels/conv.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

int64_t plane_grain(const Pool2dShape& s) {
  const int64_t work = s.in_h * s.in_w + s.out_h * s.out_w * s.kernel_h * s.kernel_w;
  return 30'000 / std::max<int64_t>(work, 1) + 1;
}

// Calls f(output, input, count, cell) for every run of outputs of row `row` whose window has its
// `cell` inside the image; offsets are within the plane, inputs stride_w apart.
template <class F>
NORMA_INLINE inline void each_run(const Pool2dShape& s, int64_t row, F f) {
  for (int64_t i = 0; i < s.kernel_h; ++i) {
    const int64_t y = row * s.stride_h + i * s.dilation_h - s.pad_h;
    if (y < 0 || y >= s.in_h) continue;
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const int64_t shift = j * s.dilation_w - s.pad_w;
      const Span cols = valid_positions(s.out_w, s.stride_w, shift, s.in_w);
      f(row * s.out_w + cols.first, y * s.in_w + cols.first * s.stride_w + shift,
        cols.last - cols.first, i * s.kernel_w + j);
    }
  }
}

// Whether every window is a 2×2 tile of its own, inside the image.
bool is_tiling(const Pool2dShape& s) {
  return s.kernel_h == 2 && s.kernel_w == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 &&
         s.pad_w == 0 && s.dilation_h == 1 && s.dilation_w == 1 && s.out_h * 2 <= s.in_h &&
         s.out_w * 2 <= s.in_w;
}

// A later cell wins when it is larger, or when it is NaN.
template <class T>
NORMA_INLINE inline bool beats(T later, T best) {
  return later > best || later != later;
}

template <class T, class Index>
NORMA_INLINE inline void max_tiles(const Pool2dShape& s, const T* x, T* y, Index* choice) {
  for (int64_t row = 0; row < s.out_h; ++row) {
    const T* top = x + 2 * row * s.in_w;
    const T* bottom = top + s.in_w;
    T* out = y + row * s.out_w;
    Index* pick = choice ? choice + row * s.out_w : nullptr;
    if (pick) {
      for (int64_t k = 0; k < s.out_w; ++k) {
        T best = top[2 * k];
        int32_t cell = 0;
        cell = beats(top[2 * k + 1], best) ? 1 : cell;
        best = beats(top[2 * k + 1], best) ? top[2 * k + 1] : best;
        cell = beats(bottom[2 * k], best) ? 2 : cell;
        best = beats(bottom[2 * k], best) ? bottom[2 * k] : best;
        cell = beats(bottom[2 * k + 1], best) ? 3 : cell;
        best = beats(bottom[2 * k + 1], best) ? bottom[2 * k + 1] : best;
        out[k] = best;
        pick[k] = static_cast<Index>(cell);
      }
    } else {
      for (int64_t k = 0; k < s.out_w; ++k) {
        T best = top[2 * k];
        best = beats(top[2 * k + 1], best) ? top[2 * k + 1] : best;
        best = beats(bottom[2 * k], best) ? bottom[2 * k] : best;
        out[k] = beats(bottom[2 * k + 1], best) ? bottom[2 * k + 1] : best;
      }
    }
  }
}

// The first cell of each window that lies in the image: where the gradient goes when all of them
// are -inf.
template <class Index>
void first_cells(const Pool2dShape& s, Index* choice) {
  for (int64_t row = 0; row < s.out_h; ++row) {
    const int64_t y = row * s.stride_h - s.pad_h;
    const int64_t i = y < 0 ? (s.dilation_h - 1 - y) / s.dilation_h : 0;
    for (int64_t col = 0; col < s.out_w; ++col) {
      const int64_t x = col * s.stride_w - s.pad_w;
      const int64_t j = x < 0 ? (s.dilation_w - 1 - x) / s.dilation_w : 0;
      choice[row * s.out_w + col] =
          static_cast<Index>(i < s.kernel_h && j < s.kernel_w ? i * s.kernel_w + j : 0);
    }
  }
}

template <class T, class Index>
NORMA_INLINE inline void max_windows(const Pool2dShape& s, const T* x, T* y, Index* choice) {
  const int64_t step = s.stride_w;
  for (int64_t row = 0; row < s.out_h; ++row) {
    each_run(s, row, [=](int64_t to, int64_t from, int64_t count, int64_t cell) NORMA_INLINE {
      const T* in = x + from;
      T* out = y + to;
      if (choice) {
        Index* pick = choice + to;
        for (int64_t k = 0; k < count; ++k) {
          const T value = in[k * step], best = out[k];
          pick[k] = beats(value, best) ? static_cast<Index>(cell) : pick[k];
          out[k] = beats(value, best) ? value : best;
        }
      } else {
        for (int64_t k = 0; k < count; ++k) {
          const T value = in[k * step], best = out[k];
          out[k] = beats(value, best) ? value : best;
        }
      }
    });
  }
}

// Writes every cell of the tiles, and zeros to the last row and column where the size is odd.
template <class T, class Index>
NORMA_INLINE inline void max_tiles_backward(const Pool2dShape& s, const T* dy, const Index* choice,
                                            T* dx) {
  for (int64_t row = 0; row < s.out_h; ++row) {
    T* top = dx + 2 * row * s.in_w;
    T* bottom = top + s.in_w;
    const T* grad = dy + row * s.out_w;
    const Index* pick = choice + row * s.out_w;
    for (int64_t k = 0; k < s.out_w; ++k) {
      const int32_t cell = pick[k];
      top[2 * k] = cell == 0 ? grad[k] : T(0);
      top[2 * k + 1] = cell == 1 ? grad[k] : T(0);
      bottom[2 * k] = cell == 2 ? grad[k] : T(0);
      bottom[2 * k + 1] = cell == 3 ? grad[k] : T(0);
    }
    for (int64_t k = 2 * s.out_w; k < s.in_w; ++k) top[k] = bottom[k] = T(0);
  }
  std::fill(dx + 2 * s.out_h * s.in_w, dx + s.in_h * s.in_w, T(0));
}

template <class T, class Index>
void max_windows_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx) {
  std::fill_n(dx, s.in_h * s.in_w, T(0));
  for (int64_t row = 0; row < s.out_h; ++row) {
    for (int64_t col = 0; col < s.out_w; ++col) {
      const int64_t at = row * s.out_w + col, cell = choice[at];
      const int64_t y = row * s.stride_h - s.pad_h + cell / s.kernel_w * s.dilation_h;
      const int64_t x = col * s.stride_w - s.pad_w + cell % s.kernel_w * s.dilation_w;
      // A dilated window may have no cell in the image at all.
      if (y >= 0 && y < s.in_h && x >= 0 && x < s.in_w) dx[y * s.in_w + x] += dy[at];
    }
  }
}

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

template <class T, class Index>
void max_pool_forward(const Pool2dShape& s, const T* x, T* y, Index* choice) {
  const int64_t in_size = s.in_h * s.in_w, out_size = s.out_h * s.out_w;
  parallel_for(s.planes, plane_grain(s), [&](int64_t first, int64_t last) {
    simd([=]() NORMA_INLINE {
      if (is_tiling(s)) {
        for (int64_t p = first; p < last; ++p) {
          max_tiles(s, x + p * in_size, y + p * out_size, choice ? choice + p * out_size : nullptr);
        }
        return;
      }
      for (int64_t p = first; p < last; ++p) {
        Index* pick = choice ? choice + p * out_size : nullptr;
        std::fill_n(y + p * out_size, out_size, -std::numeric_limits<T>::infinity());
        if (pick) first_cells(s, pick);
        max_windows(s, x + p * in_size, y + p * out_size, pick);
      }
    });
  });
}

template <class T, class Index>
void max_pool_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx) {
  const int64_t in_size = s.in_h * s.in_w, out_size = s.out_h * s.out_w;
  parallel_for(s.planes, plane_grain(s), [&](int64_t first, int64_t last) {
    simd([=]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) {
        if (is_tiling(s)) {
          max_tiles_backward(s, dy + p * out_size, choice + p * out_size, dx + p * in_size);
        } else {
          max_windows_backward(s, dy + p * out_size, choice + p * out_size, dx + p * in_size);
        }
      }
    });
  });
}

template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y) {
  const Scratch<T> counts(s.out_w);
  column_counts(s, rule, counts.data());
  const T* columns = counts.data();
  parallel_for(s.planes, plane_grain(s), [&](int64_t first, int64_t last) {
    simd([=]() NORMA_INLINE {
      const int64_t step = s.stride_w;
      for (int64_t p = first; p < last; ++p) {
        const T* plane = x + p * s.in_h * s.in_w;
        T* sums = y + p * s.out_h * s.out_w;
        std::fill_n(sums, s.out_h * s.out_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          each_run(s, row, [=](int64_t to, int64_t from, int64_t count, int64_t) NORMA_INLINE {
            const T* in = plane + from;
            T* out = sums + to;
            for (int64_t k = 0; k < count; ++k) out[k] += in[k * step];
          });
          const T divisor = row_divisor<T>(s, rule, row);
          T* out = sums + row * s.out_w;
          for (int64_t k = 0; k < s.out_w; ++k) out[k] /= divisor * columns[k];
        }
      }
    });
  });
}

template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx) {
  const Scratch<T> counts(s.out_w);
  column_counts(s, rule, counts.data());
  const T* columns = counts.data();
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(detail::parallel_parts(s.planes, grain) * s.out_w);
  parallel_parts_for(s.planes, grain, [&](int64_t first, int64_t last, int part) {
    T* scaled = rows.data() + part * s.out_w;
    simd([=]() NORMA_INLINE {
      const int64_t step = s.stride_w;
      for (int64_t p = first; p < last; ++p) {
        T* plane = dx + p * s.in_h * s.in_w;
        std::fill_n(plane, s.in_h * s.in_w, T(0));
        for (int64_t row = 0; row < s.out_h; ++row) {
          const T divisor = row_divisor<T>(s, rule, row);
          const int64_t at = row * s.out_w;
          const T* grad = dy + p * s.out_h * s.out_w + at;
          for (int64_t k = 0; k < s.out_w; ++k) scaled[k] = grad[k] / (divisor * columns[k]);
          each_run(s, row, [=](int64_t from, int64_t to, int64_t count, int64_t) NORMA_INLINE {
            const T* in = scaled + (from - at);
            T* out = plane + to;
            for (int64_t k = 0; k < count; ++k) out[k * step] += in[k];
          });
        }
      }
    });
  });
}

template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y) {
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(detail::parallel_parts(s.planes, grain) * s.in_w);
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
  const int64_t grain = plane_grain(s);
  const Scratch<T> rows(detail::parallel_parts(s.planes, grain) * s.in_w);
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

#define NORMA_MAX_POOL(T, Index)                                                      \
  template void max_pool_forward<T, Index>(const Pool2dShape&, const T*, T*, Index*); \
  template void max_pool_backward<T, Index>(const Pool2dShape&, const T*, const Index*, T*);
NORMA_MAX_POOL(float, uint8_t)
NORMA_MAX_POOL(float, int32_t)
NORMA_MAX_POOL(double, uint8_t)
NORMA_MAX_POOL(double, int32_t)
#undef NORMA_MAX_POOL

#define NORMA_AVG_POOL(T)                                                                \
  template void avg_pool_forward(const Pool2dShape&, const AvgPoolRule&, const T*, T*);  \
  template void avg_pool_backward(const Pool2dShape&, const AvgPoolRule&, const T*, T*); \
  template void adaptive_avg_pool_forward(const Pool2dShape&, const T*, T*);             \
  template void adaptive_avg_pool_backward(const Pool2dShape&, const T*, T*);
NORMA_AVG_POOL(float)
NORMA_AVG_POOL(double)
#undef NORMA_AVG_POOL

}  // namespace norma::kernels
