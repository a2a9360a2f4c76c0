#include "norma/core/kernels/conv/winograd_tiles.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Working memory of a panel, which has to stay in the second-level cache.
constexpr int64_t kPanelBytes = 512 * 1024;

template <class T, class Level>
NORMA_INLINE inline void copy_row(const T* in, int64_t count, T* out) {
  const auto copy = [=]<int Bytes>(int64_t k) NORMA_INLINE {
    using V = Vector<T, Bytes>;
    V::at(out + k).value = V::at(in + k).value;
  };
  if (cover<T, Level::kBytes>(count, copy)) return;
  for (int64_t k = 0; k < count; ++k) out[k] = in[k];
}

// The cells of even and of odd column; behind the last column lies a zero.
template <class T, class Level>
NORMA_INLINE inline void split_row(const T* in, int64_t width, T* even, T* odd) {
  const int64_t pairs = width / 2;
  if (width % 2 == 1) even[pairs] = in[width - 1], odd[pairs] = T(0);
  const auto split = [=]<int Bytes>(int64_t k)
                         NORMA_INLINE { Pairs<T, Bytes>::split(in + 2 * k, even + k, odd + k); };
  if (cover<T, Level::kBytes>(pairs, split)) return;
  for (int64_t k = 0; k < pairs; ++k) even[k] = in[2 * k], odd[k] = in[2 * k + 1];
}

// Bᵀ d, Aᵀ m and A y of columns.
template <class V>
NORMA_INLINE inline void apply_input(const V& d0, const V& d1, const V& d2, const V& d3, V* out) {
  out[0] = d0 - d2;
  out[1] = d1 + d2;
  out[2] = d2 - d1;
  out[3] = d3 - d1;
}
template <class V>
NORMA_INLINE inline void apply_output(const V& m0, const V& m1, const V& m2, const V& m3, V* out) {
  out[0] = m0 + (m1 + m2);
  out[1] = m3 + (m1 - m2);
}
template <class V>
NORMA_INLINE inline void apply_grad(const V& y0, const V& y1, V* out) {
  out[0] = y0;
  out[1] = y0 + y1;
  out[2] = y0 - y1;
  out[3] = y1;
}

// Elements of a plane of `work`.
int64_t plane_size(const Tiles& tiles) {
  return (tiles.panel_rows + 1) * tiles.cols + 2 * kTileSlack;
}

// Rows of `image` with a padding of zeros, all channels of a cell side by side.
struct TransposedRows {
  int64_t height, width, channels;
  int64_t first, count;   // rows, from -1 on
  int64_t before, cells;  // of a row of `out`: zeros in front, and all
  int64_t columns;        // of a cell
};

template <class T>
NORMA_INLINE inline void transpose_rows(const TransposedRows& f, const T* image, T* out) {
  constexpr int64_t kBlock = 4;
  const int64_t ld = f.height * f.width, columns = f.columns;
  const int64_t behind = f.cells - f.before - f.width;
  for (int64_t y = f.first; y < f.first + f.count; ++y, out += f.cells * columns) {
    if (y < 0 || y >= f.height) {
      std::fill_n(out, f.cells * columns, T(0));
      continue;
    }
    std::fill_n(out, f.before * columns, T(0));
    std::fill_n(out + (f.before + f.width) * columns, behind * columns, T(0));
    const T* in = image + y * f.width;
    T* to = out + f.before * columns;
    int64_t c = 0;
    for (; c + kBlock <= f.channels; c += kBlock) {
      int64_t q = 0;
      for (; q + kBlock <= f.width; q += kBlock) {
        transpose_block(in + c * ld + q, ld, to + q * columns + c, columns);
      }
      for (; q < f.width; ++q) {
        for (int64_t k = c; k < c + kBlock; ++k) to[q * columns + k] = in[k * ld + q];
      }
    }
    for (int64_t q = 0; c < columns && q < f.width; ++q) {
      for (int64_t k = c; k < f.channels; ++k) to[q * columns + k] = in[k * ld + q];
      for (int64_t k = f.channels; k < columns; ++k) to[q * columns + k] = T(0);
    }
  }
}

// Calls f(from, to, column) for every vector of every tile: `from` is the tile's first cell in rows
// of `line` cells, `to` its elements.
template <class T, class Level, class F>
NORMA_INLINE inline void each_transposed_tile(const Tiles& tiles, int64_t rows, int64_t line,
                                              int64_t columns, const T* in, T* out, F f) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  for (int64_t r = 0; r < rows; ++r) {
    const T* from = in + 2 * r * line * columns;
    for (int64_t t = 0; t < tiles.cols; ++t, from += 2 * columns, out += columns) {
      for (int64_t c = 0; c < columns; c += kLanes) f(from + c, out + c);
    }
  }
}

template <class T, class Level>
NORMA_INLINE inline void input_at(const Tiles& tiles, const TileEdges<T>& edges,
                                  const TileRows& rows, int64_t channels, const T* image, T* work,
                                  T* out) {
  using V = Vector<T, Level::kBytes>;
  using Mask = typename TileEdges<T>::Mask;
  using M = Vector<Mask, Level::kBytes>;
  using Value = typename V::Value;
  const Conv2dShape& s = tiles.shape;
  const int64_t cols = tiles.cols, positions = rows.count * cols, plane = plane_size(tiles);
  const int64_t matrix = Tiles::matrix_size(channels * tiles.stride());
  // Cells by the parities of image row and column; the first odd row is the one above the tiles.
  T* const even_even = work + kTileSlack;
  T* const even_odd = even_even + plane;
  T* const odd_even = even_odd + plane;
  T* const odd_odd = odd_even + plane;
  const T* const evens[4] = {odd_even, even_even, odd_even + cols, even_even + cols};
  const T* const odds[4] = {odd_odd, even_odd, odd_odd + cols, even_odd + cols};
  for (int64_t c = 0; c < channels; ++c) {
    const T* in = image + c * s.in_size();
    for (int64_t i = 0; i < 2 * rows.count + 2; ++i) {
      const int64_t y = 2 * rows.first - 1 + i, at = i / 2 * cols;
      T* even = (i % 2 == 0 ? odd_even : even_even) + at;
      T* odd = (i % 2 == 0 ? odd_odd : even_odd) + at;
      if (y < 0 || y >= s.in_h) {
        std::fill_n(even, cols, T(0));
        std::fill_n(odd, cols, T(0));
      } else {
        split_row<T, Level>(in + y * s.in_w, s.in_w, even, odd);
      }
    }
    T* to = out + c * tiles.stride() + rows.position;
    for (int64_t p = 0; p < positions; p += V::kLanes) {
      const typename M::Value not_left = M::at(edges.not_left() + p).value;
      const typename M::Value not_right = M::at(edges.not_right() + p).value;
      Value h[4][4];
      unrolled<4>([&](int k) NORMA_INLINE {
        const auto* before = reinterpret_cast<const Mask*>(odds[k] + p - 1);
        const auto* behind = reinterpret_cast<const Mask*>(evens[k] + p + 1);
        const typename M::Value left = M::at(before).value & not_left;
        const typename M::Value right = M::at(behind).value & not_right;
        const Value d0 = reinterpret_cast<Value>(left), d3 = reinterpret_cast<Value>(right);
        const Value d1 = V::at(evens[k] + p).value, d2 = V::at(odds[k] + p).value;
        apply_input(d0, d1, d2, d3, h[k]);
      });
      unrolled<4>([&](int b) NORMA_INLINE {
        Value column[4];
        apply_input(h[0][b], h[1][b], h[2][b], h[3][b], column);
        unrolled<4>([&](int a)
                        NORMA_INLINE { V::at(to + (4 * a + b) * matrix + p).value = column[a]; });
      });
    }
  }
}

template <class T, class Level>
NORMA_INLINE inline void output_at(const Tiles& tiles, const TileRows& rows, int64_t channels,
                                   const T* in, T* work, T* image) {
  using V = Vector<T, Level::kBytes>;
  using Value = typename V::Value;
  const Conv2dShape& s = tiles.shape;
  const int64_t cols = tiles.cols, positions = rows.count * cols;
  const int64_t matrix = Tiles::matrix_size(channels * tiles.stride());
  T* const upper = work;
  T* const lower = work + 2 * plane_size(tiles);
  for (int64_t c = 0; c < channels; ++c) {
    const T* from = in + c * tiles.stride() + rows.position;
    for (int64_t p = 0; p < positions; p += V::kLanes) {
      Value column[4][2], top[2], bottom[2];
      unrolled<4>([&](int b) NORMA_INLINE {
        const Value m0 = V::at(from + b * matrix + p).value,
                    m1 = V::at(from + (4 + b) * matrix + p).value;
        const Value m2 = V::at(from + (8 + b) * matrix + p).value;
        const Value m3 = V::at(from + (12 + b) * matrix + p).value;
        apply_output(m0, m1, m2, m3, column[b]);
      });
      apply_output(column[0][0], column[1][0], column[2][0], column[3][0], top);
      apply_output(column[0][1], column[1][1], column[2][1], column[3][1], bottom);
      Pairs<T, Level::kBytes>::join(top[0], top[1], upper + 2 * p);
      Pairs<T, Level::kBytes>::join(bottom[0], bottom[1], lower + 2 * p);
    }
    T* out = image + c * s.out_size() + 2 * rows.first * s.out_w;
    for (int64_t r = 0; r < rows.count; ++r, out += 2 * s.out_w) {
      copy_row<T, Level>(upper + 2 * r * cols, s.out_w, out);
      if (2 * (rows.first + r) + 1 < s.out_h) {
        copy_row<T, Level>(lower + 2 * r * cols, s.out_w, out + s.out_w);
      }
    }
  }
}

template <class T, class Level>
NORMA_INLINE inline void weights_at(const WeightView<T>& view, int64_t rows, int64_t channels,
                                    const T* bias, int64_t matrix, T* packed) {
  constexpr int kRows = Level::kRows;
  for (int64_t e = 0; e < kTileElements; ++e) {
    // A start value of element (1, 1) adds to all four outputs.
    for (int64_t r = 0; r < kRows; ++r) {
      packed[e * matrix + r] = bias && e == 5 && r < rows ? bias[r] : T(0);
    }
  }
  // G of a column.
  const auto apply = [](const T* g0, const T* g1, const T* g2, T* out, int64_t step) NORMA_INLINE {
    for (int r = 0; r < kRows; ++r) {
      const T sum = T(0.5) * (g0[r] + g2[r]), middle = T(0.5) * g1[r];
      out[r] = g0[r];
      out[step + r] = sum + middle;
      out[2 * step + r] = sum - middle;
      out[3 * step + r] = g2[r];
    }
  };
  T g[3][3][kRows] = {}, columns[3][4][kRows];
  for (int64_t c = 0; c < channels; ++c) {
    packed += kRows;
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = view.data + r * view.row + c * view.channel;
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) g[i][j][r] = from[i * view.tap_h + j * view.tap_w];
      }
    }
    for (int j = 0; j < 3; ++j) apply(g[0][j], g[1][j], g[2][j], columns[j][0], kRows);
    for (int a = 0; a < 4; ++a) {
      apply(columns[0][a], columns[1][a], columns[2][a], packed + 4 * a * matrix, matrix);
    }
  }
}

template <class T, class Level>
NORMA_INLINE inline void input_transposed_at(const Tiles& tiles, const TileRows& rows,
                                             int64_t channels, int64_t columns, const T* image,
                                             T* work, T* out) {
  using V = Vector<T, Level::kBytes>;
  using Value = typename V::Value;
  const Conv2dShape& s = tiles.shape;
  const int64_t line = 2 * tiles.cols + 2, below = line * columns;
  const int64_t matrix = Tiles::matrix_size(tiles.stride() * columns);
  transpose_rows({.height = s.in_h,
                  .width = s.in_w,
                  .channels = channels,
                  .first = 2 * rows.first - 1,
                  .count = 2 * rows.count + 2,
                  .before = 1,
                  .cells = line,
                  .columns = columns},
                 image, work);
  const auto transform = [=](const T* from, T* to) NORMA_INLINE {
    Value h[4][4];
    unrolled<4>([&](int j) NORMA_INLINE {
      const T* cell = from + j * columns;
      const Value d0 = V::at(cell).value, d1 = V::at(cell + below).value;
      const Value d2 = V::at(cell + 2 * below).value, d3 = V::at(cell + 3 * below).value;
      apply_input(d0, d1, d2, d3, h[j]);
    });
    unrolled<4>([&](int a) NORMA_INLINE {
      Value row[4];
      apply_input(h[0][a], h[1][a], h[2][a], h[3][a], row);
      unrolled<4>([&](int b) NORMA_INLINE { V::at(to + (4 * a + b) * matrix).value = row[b]; });
    });
  };
  each_transposed_tile<T, Level>(tiles, rows.count, line, columns, work,
                                 out + rows.position * columns, transform);
}

template <class T, class Level>
NORMA_INLINE inline void grad_transposed_at(const Tiles& tiles, const TileRows& rows,
                                            int64_t channels, int64_t columns, const T* grad,
                                            T* work, T* out) {
  using V = Vector<T, Level::kBytes>;
  using Value = typename V::Value;
  const Conv2dShape& s = tiles.shape;
  const int64_t line = 2 * tiles.cols, below = line * columns;
  const int64_t matrix = Tiles::matrix_size(tiles.stride() * columns);
  transpose_rows({.height = s.out_h,
                  .width = s.out_w,
                  .channels = channels,
                  .first = 2 * rows.first,
                  .count = 2 * rows.count,
                  .before = 0,
                  .cells = line,
                  .columns = columns},
                 grad, work);
  const auto transform = [=](const T* from, T* to) NORMA_INLINE {
    Value h[2][4];
    unrolled<2>([&](int j) NORMA_INLINE {
      const Value y0 = V::at(from + j * columns).value,
                  y1 = V::at(from + j * columns + below).value;
      apply_grad(y0, y1, h[j]);
    });
    unrolled<4>([&](int a) NORMA_INLINE {
      Value row[4];
      apply_grad(h[0][a], h[1][a], row);
      unrolled<4>([&](int b) NORMA_INLINE { V::at(to + (4 * a + b) * matrix).value = row[b]; });
    });
  };
  each_transposed_tile<T, Level>(tiles, rows.count, line, columns, work,
                                 out + rows.position * columns, transform);
}

}  // namespace

Tiles::Tiles(const Conv2dShape& s, int64_t position_bytes)
    : shape(s), rows(ceil_div(s.out_h, 2)), cols(ceil_div(s.out_w, 2)), panel_rows(1) {
  // Half-filled vectors, images cut in two, and threads that wait for one another cost time.
  const int64_t all = s.batch * rows, threads = get_num_threads();
  const int64_t fit = std::max(kPanelBytes / position_bytes, 3 * kTileSlack);
  const int64_t most = std::clamp<int64_t>(fit / cols, 1, all);
  int64_t least_cost = 0;
  for (int64_t count = (most + 1) / 2; count <= most; ++count) {
    const int64_t vectors = ceil_div(count * cols, kTileSlack) * kTileSlack;
    const int64_t cut = count % rows == 0 ? 0 : cols;
    const int64_t cost = ceil_div(ceil_div(all, count), threads) * (vectors + cut + 4);
    if (least_cost == 0 || cost <= least_cost) least_cost = cost, panel_rows = count;
  }
}

template <class T>
TileEdges<T>::TileEdges(const Tiles& tiles) : stride_(tiles.stride()), masks_(2 * stride_) {
  for (int64_t p = 0; p < stride_; ++p) {
    masks_.data()[p] = p % tiles.cols == 0 ? 0 : -1;
    masks_.data()[stride_ + p] = p % tiles.cols == tiles.cols - 1 ? 0 : -1;
  }
}

int64_t tile_work_size(const Tiles& tiles) { return 4 * plane_size(tiles); }

int64_t transposed_work_size(const Tiles& tiles, int64_t in_columns, int64_t out_columns) {
  const int64_t line = 2 * tiles.cols, rows = 2 * tiles.panel_rows;
  return std::max((rows + 2) * (line + 2) * in_columns, rows * line * out_columns);
}

template <class T>
void transform_input(const Tiles& tiles, const TileEdges<T>& edges, const TileRows& rows,
                     int64_t channels, const T* image, T* work, T* out) {
  for_level([=, &tiles, &edges, &rows]<class Level>() NORMA_INLINE {
    input_at<T, Level>(tiles, edges, rows, channels, image, work, out);
  });
}

template <class T>
void transform_output(const Tiles& tiles, const TileRows& rows, int64_t channels, const T* in,
                      T* work, T* image) {
  for_level([=, &tiles, &rows]<class Level>()
                NORMA_INLINE { output_at<T, Level>(tiles, rows, channels, in, work, image); });
}

template <class T>
void transform_weights(const WeightView<T>& weights, int64_t rows, int64_t channels, const T* bias,
                       int64_t matrix, T* packed) {
  for_level([=]<class Level>() NORMA_INLINE {
    weights_at<T, Level>(weights, rows, channels, bias, matrix, packed);
  });
}

template <class T>
void transform_input_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                                int64_t columns, const T* image, T* work, T* out) {
  for_level([=, &tiles, &rows]<class Level>() NORMA_INLINE {
    input_transposed_at<T, Level>(tiles, rows, channels, columns, image, work, out);
  });
}

template <class T>
void transform_grad_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                               int64_t columns, const T* grad, T* work, T* out) {
  for_level([=, &tiles, &rows]<class Level>() NORMA_INLINE {
    grad_transposed_at<T, Level>(tiles, rows, channels, columns, grad, work, out);
  });
}

template <class T>
void transform_weight_sums(const Conv2dShape& s, int64_t matrix, const T* sums, T* dw) {
  constexpr int64_t kBlock = 16;
  simd([=]() NORMA_INLINE {
    // Gᵀ of a column.
    const auto apply = [](const T* u0, const T* u1, const T* u2, const T* u3, T* out, int64_t step)
                           NORMA_INLINE {
                             for (int64_t k = 0; k < kBlock; ++k) {
                               const T sum = T(0.5) * (u1[k] + u2[k]);
                               out[k] = u0[k] + sum;
                               out[step + k] = T(0.5) * (u1[k] - u2[k]);
                               out[2 * step + k] = u3[k] + sum;
                             }
                           };
    T half[4][3][kBlock], whole[3][3][kBlock];
    for (int64_t o = 0; o < s.group_out(); o += kBlock) {
      for (int b = 0; b < 4; ++b) {
        const T* u = sums + b * matrix + o;
        apply(u, u + 4 * matrix, u + 8 * matrix, u + 12 * matrix, half[b][0], kBlock);
      }
      for (int i = 0; i < 3; ++i) {
        apply(half[0][i], half[1][i], half[2][i], half[3][i], whole[i][0], kBlock);
      }
      const int64_t count = std::min(kBlock, s.group_out() - o);
      for (int64_t k = 0; k < count; ++k) {
        T* to = dw + (o + k) * s.group_in() * 9;
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 3; ++j) to[3 * i + j] = whole[i][j][k];
        }
      }
    }
  });
}

#define NORMA_WINOGRAD(T)                                                                         \
  template class TileEdges<T>;                                                                    \
  template void transform_input(const Tiles&, const TileEdges<T>&, const TileRows&, int64_t,      \
                                const T*, T*, T*);                                                \
  template void transform_output(const Tiles&, const TileRows&, int64_t, const T*, T*, T*);       \
  template void transform_weights(const WeightView<T>&, int64_t, int64_t, const T*, int64_t, T*); \
  template void transform_input_transposed(const Tiles&, const TileRows&, int64_t, int64_t,       \
                                           const T*, T*, T*);                                     \
  template void transform_grad_transposed(const Tiles&, const TileRows&, int64_t, int64_t,        \
                                          const T*, T*, T*);                                      \
  template void transform_weight_sums(const Conv2dShape&, int64_t, const T*, T*);
NORMA_WINOGRAD(float)
NORMA_WINOGRAD(double)
#undef NORMA_WINOGRAD

}  // namespace norma::kernels
