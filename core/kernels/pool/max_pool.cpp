// Fast max pooling; its plain twin is plain/pool.h.
//
//     windows                            forward            backward
//     2×2 tiles inside the image         max_tiles          max_tiles_backward
//     far larger than the image,
//     or of 2^31 cells                   the plain twin     the plain twin
//     any others                         max_windows        max_windows_backward
//       (of lines without a rest,
//       several lines are one)
#include "norma/core/kernels/pool/max_pool.h"

#include <algorithm>
#include <limits>

#include "norma/core/kernels/plain/pool.h"
#include "norma/core/kernels/pool/window_runs.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

// Whether every window is a 2×2 tile of its own, inside the image.
bool is_tiling(const Pool2dShape& s) {
  return s.kernel_h == 2 && s.kernel_w == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 &&
         s.pad_w == 0 && s.dilation_h == 1 && s.dilation_w == 1 && s.out_h * 2 <= s.in_h &&
         s.out_w * 2 <= s.in_w;
}

/// Lines that windows of their own fill without a rest are one line together: longer loops.
Pool2dShape joined_lines(Pool2dShape s) {
  constexpr int64_t kMany = 32, kLong = 512;
  const bool filled = s.in_h == 1 && s.kernel_h == 1 && s.pad_h == 0 && s.pad_w == 0 &&
                      s.in_w == s.out_w * s.stride_w &&
                      (s.kernel_w - 1) * s.dilation_w < s.stride_w;
  int64_t lines = filled ? std::min(kMany, kLong / s.out_w) : 1;
  while (lines > 1 && s.planes % lines != 0) --lines;
  if (lines > 1) s.planes /= lines, s.in_w *= lines, s.out_w *= lines;
  return s;
}

// As wide as T, so that values and cells fill the same number of lanes.
template <class T>
using Cell = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

// Vector code for float; double, for reference runs, spares its size.
template <class T>
using Widest = std::conditional_t<sizeof(T) == 4, Level512, Level128>;

// The largest of a window so far, and its cell. A later one wins when it is larger, or NaN.
template <class T>
struct Best {
  T value;
  Cell<T> cell = 0;

  NORMA_INLINE void offer(T later, Cell<T> later_cell) {
    const bool wins = later > value || later != later;
    cell = wins ? later_cell : cell;
    value = wins ? later : value;
  }
};

// The cell of each window that won, in the smaller type that holds all of a window.
class Choice {
 public:
  explicit Choice(uint8_t* cells) : narrow_(cells) {}
  explicit Choice(int32_t* cells) : wide_(cells) {}

  template <class C>
  NORMA_INLINE void store(int64_t at, int64_t count, const C* cells) const {
    if (narrow_) {
      NORMA_INDEPENDENT
      for (int64_t k = 0; k < count; ++k) narrow_[at + k] = static_cast<uint8_t>(cells[k]);
    } else {
      for (int64_t k = 0; k < count; ++k) wide_[at + k] = static_cast<int32_t>(cells[k]);
    }
  }
  template <class C>
  NORMA_INLINE void load(int64_t at, int64_t count, C* cells) const {
    if (narrow_) {
      for (int64_t k = 0; k < count; ++k) cells[k] = narrow_[at + k];
    } else {
      for (int64_t k = 0; k < count; ++k) cells[k] = wide_[at + k];
    }
  }
  NORMA_INLINE int64_t cell(int64_t at) const { return narrow_ ? narrow_[at] : wide_[at]; }

 private:
  uint8_t* narrow_ = nullptr;
  int32_t* wide_ = nullptr;
};

// Rows shorter than kLongRow are gathered, up to kGathered tiles at a time: loops over a few tiles
// would be all beginning and end.
constexpr int64_t kLongRow = 64, kGathered = 512;

// `count` tiles side by side, the first of them number `to` of the results. `Pick`: with the cells.
template <bool Pick, class T>
NORMA_INLINE inline void max_tile_row(const T* top, const T* bottom, int64_t count, T* y,
                                      Choice choice, int64_t to) {
  Cell<T> cells[kGathered];
  for (int64_t first = 0; first < count; first += kGathered) {
    const int64_t here = std::min(kGathered, count - first);
    const T *const upper = top + 2 * first, *const lower = bottom + 2 * first;
    T* const out = y + to + first;
    for (int64_t k = 0; k < here; ++k) {
      Best<T> best{upper[2 * k]};
      best.offer(upper[2 * k + 1], 1);
      best.offer(lower[2 * k], 2);
      best.offer(lower[2 * k + 1], 3);
      out[k] = best.value;
      if constexpr (Pick) cells[k] = best.cell;
    }
    if constexpr (Pick) choice.store(to + first, here, cells);
  }
}

template <bool Pick, class T>
NORMA_INLINE inline void max_tiles(const Pool2dShape& s, int64_t plane, const T* images, T* y,
                                   Choice choice) {
  const T* const x = images + plane * s.in_h * s.in_w;
  const int64_t width = 2 * s.out_w, to = plane * s.out_h * s.out_w;
  T top[2 * kGathered], bottom[2 * kGathered];
  const int64_t step = s.out_w >= kLongRow ? 1 : kGathered / s.out_w;
  for (int64_t first = 0; first < s.out_h; first += step) {
    const int64_t rows = std::min(step, s.out_h - first), at = to + first * s.out_w;
    const T* const in = x + 2 * first * s.in_w;
    if (step == 1) {
      max_tile_row<Pick>(in, in + s.in_w, s.out_w, y, choice, at);
      continue;
    }
    for (int64_t row = 0; row < rows; ++row) {
      std::copy_n(in + 2 * row * s.in_w, width, top + row * width);
      std::copy_n(in + (2 * row + 1) * s.in_w, width, bottom + row * width);
    }
    max_tile_row<Pick>(top, bottom, rows * s.out_w, y, choice, at);
  }
}

template <class T>
NORMA_INLINE inline void spread_tile_row(const T* dy, Choice choice, int64_t from, int64_t count,
                                         T* top, T* bottom) {
  const T* const grad = dy + from;
  Cell<T> cells[kGathered];
  for (int64_t first = 0; first < count; first += kGathered) {
    const int64_t here = std::min(kGathered, count - first);
    choice.load(from + first, here, cells);
    T* top_here = top + 2 * first;
    for (int64_t k = 0; k < here; ++k) {
      const T value = grad[first + k];
      top_here[2 * k] = cells[k] == 0 ? value : T(0);
      top_here[2 * k + 1] = cells[k] == 1 ? value : T(0);
    }
    T* bottom_here = bottom + 2 * first;
    for (int64_t k = 0; k < here; ++k) {
      const T value = grad[first + k];
      bottom_here[2 * k] = cells[k] == 2 ? value : T(0);
      bottom_here[2 * k + 1] = cells[k] == 3 ? value : T(0);
    }
  }
}

// Writes every cell of the tiles, and zeros to the last row and column where the size is odd.
template <class T>
NORMA_INLINE inline void max_tiles_backward(const Pool2dShape& s, int64_t plane, const T* dy,
                                            Choice choice, T* grads) {
  T* const dx = grads + plane * s.in_h * s.in_w;
  const int64_t width = 2 * s.out_w;
  T top[2 * kGathered], bottom[2 * kGathered];
  const int64_t step = s.out_w >= kLongRow ? 1 : kGathered / s.out_w;
  for (int64_t first = 0; first < s.out_h; first += step) {
    const int64_t rows = std::min(step, s.out_h - first), at = (plane * s.out_h + first) * s.out_w;
    T* out = dx + 2 * first * s.in_w;
    if (step == 1) {
      spread_tile_row(dy, choice, at, s.out_w, out, out + s.in_w);
    } else {
      spread_tile_row(dy, choice, at, rows * s.out_w, top, bottom);
      for (int64_t row = 0; row < rows; ++row) {
        std::copy_n(top + row * width, width, out + 2 * row * s.in_w);
        std::copy_n(bottom + row * width, width, out + (2 * row + 1) * s.in_w);
      }
    }
    for (int64_t row = 0; width < s.in_w && row < 2 * rows; ++row) {
      std::fill(out + row * s.in_w + width, out + (row + 1) * s.in_w, T(0));
    }
  }
  std::fill(dx + 2 * s.out_h * s.in_w, dx + s.in_h * s.in_w, T(0));
}

// The first row, or column, of each window that lies in the image: where the gradient goes when all
// of its cells are -inf. 0 where none does.
template <class C>
void first_cells(int64_t count, int64_t stride, int64_t pad, int64_t kernel, int64_t dilation,
                 C* first) {
  for (int64_t k = 0; k < count; ++k) {
    const int64_t before = std::max<int64_t>(pad - k * stride, 0);
    const int64_t cell = (before + dilation - 1) / dilation;
    first[k] = static_cast<C>(cell < kernel ? cell : 0);
  }
}

// `cells`: working memory for a row.
template <bool Pick, class T>
NORMA_INLINE inline void max_windows(const Pool2dShape& s, const Span* columns,
                                     const Cell<T>* first_row, const Cell<T>* first_column,
                                     int64_t plane, const T* images, T* y, Choice choice,
                                     Cell<T>* cells) {
  const T* const x = images + plane * s.in_h * s.in_w;
  for (int64_t row = 0; row < s.out_h; ++row) {
    const int64_t at = (plane * s.out_h + row) * s.out_w;
    T* const values = y + at;
    const auto above = static_cast<Cell<T>>(first_row[row] * s.kernel_w);
    NORMA_INDEPENDENT
    for (int64_t k = 0; k < s.out_w; ++k) {
      values[k] = -std::numeric_limits<T>::infinity();
      if constexpr (Pick) cells[k] = above + first_column[k];
    }
    each_run(s, columns, row,
             [=](int64_t to, int64_t from, auto step, int64_t count, int64_t cell) NORMA_INLINE {
               const T* const in = x + from;
               T* const out = values + to;
               Cell<T>* const picked = cells + to;
               NORMA_INDEPENDENT
               for (int64_t k = 0; k < count; ++k) {
                 Best<T> best{out[k], Pick ? picked[k] : 0};
                 best.offer(in[k * step], static_cast<Cell<T>>(cell));
                 out[k] = best.value;
                 if constexpr (Pick) picked[k] = best.cell;
               }
             });
    if constexpr (Pick) choice.store(at, s.out_w, cells);
  }
}

// `down` and `across`: where each cell of a window lies.
template <class T>
void max_windows_backward(const Pool2dShape& s, const int64_t* down, const int64_t* across,
                          int64_t plane, const T* dy, Choice choice, T* grads) {
  T* const dx = grads + plane * s.in_h * s.in_w;
  std::fill_n(dx, s.in_h * s.in_w, T(0));
  for (int64_t row = 0; row < s.out_h; ++row) {
    const int64_t top = row * s.stride_h - s.pad_h;
    for (int64_t col = 0; col < s.out_w; ++col) {
      const int64_t at = (plane * s.out_h + row) * s.out_w + col, cell = choice.cell(at);
      const int64_t y = top + down[cell], x = col * s.stride_w - s.pad_w + across[cell];
      // A dilated window may have no cell in the image at all.
      if (y >= 0 && y < s.in_h && x >= 0 && x < s.in_w) dx[y * s.in_w + x] += dy[at];
    }
  }
}

template <bool Pick, class T>
void forward(const Pool2dShape& shape, const T* x, T* y, Choice choice) {
  const Pool2dShape s = joined_lines(shape);
  if (is_tiling(s)) {
    return each_plane<Widest<T>, T>(
        s, 0, [=](int64_t p, T*) NORMA_INLINE { max_tiles<Pick>(s, p, x, y, choice); });
  }
  const WindowColumns columns(s);
  Scratch<Cell<T>> firsts(s.out_h + s.out_w);
  Cell<T>* const first_row = firsts.data();
  Cell<T>* const first_column = first_row + s.out_h;
  first_cells(s.out_h, s.stride_h, s.pad_h, s.kernel_h, s.dilation_h, first_row);
  first_cells(s.out_w, s.stride_w, s.pad_w, s.kernel_w, s.dilation_w, first_column);
  each_plane<Widest<T>, Cell<T>>(
      s, s.out_w, [=, spans = columns.spans()](int64_t p, Cell<T>* cells) NORMA_INLINE {
        max_windows<Pick>(s, spans, first_row, first_column, p, x, y, choice, cells);
      });
}

template <class T>
void backward(const Pool2dShape& s, const T* dy, Choice choice, T* dx) {
  if (is_tiling(s)) {
    return each_plane<Widest<T>, T>(
        s, 0, [=](int64_t p, T*) NORMA_INLINE { max_tiles_backward(s, p, dy, choice, dx); });
  }
  const int64_t window = s.kernel_h * s.kernel_w;
  Scratch<int64_t> places(2 * window);
  int64_t *const down = places.data(), *const across = down + window;
  for (int64_t cell = 0; cell < window; ++cell) {
    down[cell] = cell / s.kernel_w * s.dilation_h;
    across[cell] = cell % s.kernel_w * s.dilation_w;
  }
  each_plane<Level128, T>(
      s, 0, [=](int64_t p, T*) { max_windows_backward(s, down, across, p, dy, choice, dx); });
}

}  // namespace

template <class T, class Index>
void max_pool_forward(const Pool2dShape& s, const T* x, T* y, Index* choice) {
  constexpr bool kPlaces = sizeof(Index) == sizeof(int64_t);
  if (kPlaces || plain_kernels() || s.sees_little()) {
    return plain::max_pool_forward(s, x, y, choice);
  }
  if constexpr (!kPlaces) {
    choice ? forward<true>(s, x, y, Choice(choice)) : forward<false>(s, x, y, Choice(choice));
  }
}

template <class T, class Index>
void max_pool_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx) {
  constexpr bool kPlaces = sizeof(Index) == sizeof(int64_t);
  if (kPlaces || plain_kernels() || s.sees_little()) {
    return plain::max_pool_backward(s, dy, choice, dx);
  }
  if constexpr (!kPlaces) backward(s, dy, Choice(const_cast<Index*>(choice)), dx);
}

#define NORMA_MAX_POOL(T, Index)                                                      \
  template void max_pool_forward<T, Index>(const Pool2dShape&, const T*, T*, Index*); \
  template void max_pool_backward<T, Index>(const Pool2dShape&, const T*, const Index*, T*);
NORMA_MAX_POOL(float, uint8_t)
NORMA_MAX_POOL(float, int32_t)
NORMA_MAX_POOL(float, int64_t)
NORMA_MAX_POOL(double, uint8_t)
NORMA_MAX_POOL(double, int32_t)
NORMA_MAX_POOL(double, int64_t)
#undef NORMA_MAX_POOL

}  // namespace norma::kernels
