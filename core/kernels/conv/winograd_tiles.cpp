// Fast tiles of Winograd; the plain twin of the convolution that they serve is plain/conv.h.
#include "norma/core/kernels/conv/winograd_tiles.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Working memory of a panel, which has to stay in the second-level cache.
constexpr int64_t kPanelBytes = 512 * 1024;

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

// The matrices of the header, each as what it makes of a column of kFrom values.
struct InputSide {  // Bᵀ
  static constexpr int kFrom = 4, kTo = 4;
  template <class V>
  NORMA_INLINE static void apply(const V* d, V* out) {
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[3] - d[1];
  }
};
struct OutputSide {  // Aᵀ
  static constexpr int kFrom = 4, kTo = 2;
  template <class V>
  NORMA_INLINE static void apply(const V* m, V* out) {
    out[0] = m[0] + (m[1] + m[2]);
    out[1] = m[3] + (m[1] - m[2]);
  }
};
struct GradSide {  // A
  static constexpr int kFrom = 2, kTo = 4;
  template <class V>
  NORMA_INLINE static void apply(const V* y, V* out) {
    out[0] = y[0];
    out[1] = y[0] + y[1];
    out[2] = y[0] - y[1];
    out[3] = y[1];
  }
};
struct WeightSide {  // G
  static constexpr int kFrom = 3, kTo = 4;
  template <class V>
  NORMA_INLINE static void apply(const V* g, V* out) {
    const V sum = (g[0] + g[2]) / 2, middle = g[1] / 2;
    out[0] = g[0];
    out[1] = sum + middle;
    out[2] = sum - middle;
    out[3] = g[2];
  }
};
struct WeightGradSide {  // Gᵀ
  static constexpr int kFrom = 4, kTo = 3;
  template <class V>
  NORMA_INLINE static void apply(const V* u, V* out) {
    const V sum = (u[1] + u[2]) / 2;
    out[0] = u[0] + sum;
    out[1] = (u[1] - u[2]) / 2;
    out[2] = u[3] + sum;
  }
};

// Applies a side to the columns, then to the rows that result: load(j, values) gives column j, and
// store(a, values) takes row a.
template <class Side, class Value, class Load, class Store>
NORMA_INLINE inline void transform(Load load, Store store) {
  constexpr int kFrom = Side::kFrom, kTo = Side::kTo;
  Value half[kFrom][kTo];
  unrolled<kFrom>([&](int j) NORMA_INLINE {
    Value column[kFrom];
    load(j, column);
    Side::apply(column, half[j]);
  });
  unrolled<kTo>([&](int a) NORMA_INLINE {
    Value row[kFrom], out[kTo];
    unrolled<kFrom>([&](int j) NORMA_INLINE { row[j] = half[j][a]; });
    Side::apply(row, out);
    store(a, out);
  });
}

// Elements of a plane of `work`.
int64_t plane_size(const Tiles& tiles) {
  return (tiles.panel_rows + 1) * tiles.cols + 2 * kTileSlack;
}

// out[e][position][c] for the tiles of `image`, from its rows with the channels side by side.
template <class Side, class T, class Level>
NORMA_INLINE inline void transposed_at(const Tiles& tiles, const TileRows& rows, int64_t channels,
                                       const T* image, T* work, T* out) {
  using V = Vector<T, Level::kBytes>;
  using Value = typename V::Value;
  const Conv2dShape& s = tiles.shape;
  // Tiles of 4×4 cells overlap: they begin a cell before the 2×2 outputs.
  constexpr int64_t kBefore = Side::kFrom / 2 - 1;
  const int64_t cells = 2 * (tiles.cols + kBefore), columns = round_up(channels, kColumnBlock);
  const int64_t line = cells * columns, matrix = Tiles::matrix_size(tiles.stride() * columns);
  for (int64_t i = 0; i < 2 * (rows.count + kBefore); ++i) {
    const int64_t y = 2 * rows.first - kBefore + i;
    T* const to = work + i * line;
    if (y < 0 || y >= s.in_h) {
      std::fill_n(to, line, T(0));
      continue;
    }
    std::fill_n(to, kBefore * columns, T(0));
    transpose_padded(channels, s.in_w, image + y * s.in_w, s.in_size(), columns,
                     to + kBefore * columns);
    std::fill(to + (kBefore + s.in_w) * columns, to + line, T(0));
  }
  out += rows.position * columns;
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t t = 0; t < tiles.cols; ++t, out += columns) {
      const T* tile = work + 2 * (r * line + t * columns);
      for (int64_t c = 0; c < columns; c += V::kLanes) {
        const T* from = tile + c;
        T* to = out + c;
        transform<Side, Value>(
            [=](int j, Value* column) NORMA_INLINE {
              unrolled<Side::kFrom>([&](int i) NORMA_INLINE {
                column[i] = V::at(from + j * columns + i * line).value;
              });
            },
            [=](int a, const Value* row) NORMA_INLINE {
              unrolled<4>([&](int b)
                              NORMA_INLINE { V::at(to + (4 * a + b) * matrix).value = row[b]; });
            });
      }
    }
  }
}

}  // namespace

Tiles::Tiles(const Conv2dShape& s, int64_t value_bytes)
    : shape(s), rows(ceil_div(s.out_h, 2)), cols(ceil_div(s.out_w, 2)), panel_rows(1) {
  // Half-filled vectors, images cut in two, and threads that wait for one another cost time.
  const int64_t all = s.batch * rows, threads = planned_threads();
  const int64_t tile_bytes = kTileElements * (s.group_in() + s.group_out()) * value_bytes;
  const int64_t fit = std::max(kPanelBytes / tile_bytes, 3 * kTileSlack);
  const int64_t most = std::clamp<int64_t>(fit / cols, 1, all);
  int64_t least_cost = 0;
  for (int64_t count = (most + 1) / 2; count <= most; ++count) {
    const int64_t vectors = round_up(count * cols, kTileSlack);
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
        transform<InputSide, Value>(
            [&](int k, Value* d) NORMA_INLINE {
              const auto* before = reinterpret_cast<const Mask*>(odds[k] + p - 1);
              const auto* behind = reinterpret_cast<const Mask*>(evens[k] + p + 1);
              const typename M::Value left = M::at(before).value & not_left;
              const typename M::Value right = M::at(behind).value & not_right;
              d[0] = reinterpret_cast<Value>(left), d[3] = reinterpret_cast<Value>(right);
              d[1] = V::at(evens[k] + p).value, d[2] = V::at(odds[k] + p).value;
            },
            [=](int b, const Value* column) NORMA_INLINE {
              unrolled<4>([&](int a) NORMA_INLINE {
                V::at(to + (4 * a + b) * matrix + p).value = column[a];
              });
            });
      }
    }
  });
}

template <class T>
void transform_output(const Tiles& tiles, const TileRows& rows, int64_t channels, int64_t matrix,
                      const T* in, T* work, T* image) {
  for_level([=, &tiles, &rows]<class Level>() NORMA_INLINE {
    using V = Vector<T, Level::kBytes>;
    using Value = typename V::Value;
    const Conv2dShape& s = tiles.shape;
    const int64_t cols = tiles.cols, positions = rows.count * cols;
    T* const upper = work;
    T* const lower = work + 2 * plane_size(tiles);
    for (int64_t c = 0; c < channels; ++c) {
      const T* from = in + c * tiles.stride() + rows.position;
      for (int64_t p = 0; p < positions; p += V::kLanes) {
        transform<OutputSide, Value>(
            [=](int b, Value* column) NORMA_INLINE {
              unrolled<4>([&](int a) NORMA_INLINE {
                column[a] = V::at(from + (4 * a + b) * matrix + p).value;
              });
            },
            [=](int row, const Value* y) NORMA_INLINE {
              Pairs<T, Level::kBytes>::join(y[0], y[1], (row == 0 ? upper : lower) + 2 * p);
            });
      }
      T* out = image + c * s.out_size() + 2 * rows.first * s.out_w;
      for (int64_t r = 0; r < rows.count; ++r, out += 2 * s.out_w) {
        copy_row<T, Level>(upper + 2 * r * cols, s.out_w, out);
        if (2 * (rows.first + r) + 1 < s.out_h) {
          copy_row<T, Level>(lower + 2 * r * cols, s.out_w, out + s.out_w);
        }
      }
    }
  });
}

template <class T>
void transform_weights(const WeightView<T>& weights, int64_t rows, int64_t channels, int64_t matrix,
                       T* packed) {
  for_level([=]<class Level>() NORMA_INLINE {
    constexpr int kRows = Level::kRows;
    using V = Vector<T, kRows* static_cast<int>(sizeof(T))>;
    using Value = typename V::Value;
    T g[3][3][kRows] = {};
    for (int64_t c = 0; c < channels; ++c) {
      T* const to = packed + c * kRows;
      for (int64_t r = 0; r < rows; ++r) {
        const T* from = weights.data + r * weights.row + c * weights.channel;
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 3; ++j) {
            g[j][i][r] = from[i * weights.kernel_row + j * weights.kernel_column];
          }
        }
      }
      transform<WeightSide, Value>(
          [&](int j, Value* column) NORMA_INLINE {
            unrolled<3>([&](int i) NORMA_INLINE { column[i] = V::at(g[j][i]).value; });
          },
          [=](int a, const Value* row) NORMA_INLINE {
            unrolled<4>([&](int b)
                            NORMA_INLINE { V::at(to + (4 * a + b) * matrix).value = row[b]; });
          });
    }
  });
}

template <class T>
void transform_input_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                                const T* image, T* work, T* out) {
  for_level([=, &tiles, &rows]<class Level>() NORMA_INLINE {
    transposed_at<InputSide, T, Level>(tiles, rows, channels, image, work, out);
  });
}

template <class T>
void transform_grad_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                               const T* grad, T* work, T* out) {
  for_level([=, &tiles, &rows]<class Level>() NORMA_INLINE {
    transposed_at<GradSide, T, Level>(tiles, rows, channels, grad, work, out);
  });
}

template <class T>
void transform_weight_sums(const Conv2dShape& s, int64_t matrix, const T* sums, T* dw) {
  for_level([=]<class Level>() NORMA_INLINE {
    using V = Vector<T, Level::kBytes>;
    using Value = typename V::Value;
    for (int64_t o = 0; o < s.group_out(); o += V::kLanes) {
      T g[3][3][V::kLanes];
      transform<WeightGradSide, Value>(
          [=](int b, Value* column) NORMA_INLINE {
            unrolled<4>([&](int a) NORMA_INLINE {
              column[a] = V::at(sums + (4 * a + b) * matrix + o).value;
            });
          },
          [&](int i, const Value* row) NORMA_INLINE {
            unrolled<3>([&](int j) NORMA_INLINE { V::at(g[i][j]).value = row[j]; });
          });
      for (int64_t k = 0; k < std::min<int64_t>(V::kLanes, s.group_out() - o); ++k) {
        T* to = dw + (o + k) * s.group_in() * 9;
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 3; ++j) to[3 * i + j] = g[i][j][k];
        }
      }
    }
  });
}

#define NORMA_WINOGRAD(T)                                                                        \
  template class TileEdges<T>;                                                                   \
  template void transform_input(const Tiles&, const TileEdges<T>&, const TileRows&, int64_t,     \
                                const T*, T*, T*);                                               \
  template void transform_output(const Tiles&, const TileRows&, int64_t, int64_t, const T*, T*,  \
                                 T*);                                                            \
  template void transform_weights(const WeightView<T>&, int64_t, int64_t, int64_t, T*);          \
  template void transform_input_transposed(const Tiles&, const TileRows&, int64_t, const T*, T*, \
                                           T*);                                                  \
  template void transform_grad_transposed(const Tiles&, const TileRows&, int64_t, const T*, T*,  \
                                          T*);                                                   \
  template void transform_weight_sums(const Conv2dShape&, int64_t, const T*, T*);
NORMA_WINOGRAD(float)
NORMA_WINOGRAD(double)
#undef NORMA_WINOGRAD

}  // namespace norma::kernels
