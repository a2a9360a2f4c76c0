#include "norma/core/kernels/conv/winograd.h"

#include <algorithm>
#include <atomic>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/conv/winograd_tiles.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Panels per thread, at least.
int64_t grain(const Tiles& tiles, int64_t panels) {
  const Conv2dShape& s = tiles.shape;
  const int64_t work = tiles.rows * tiles.cols * s.batch * s.out_channels * s.group_in() * 16;
  return ceil_div(kMultiplyGrain * panels, std::max<int64_t>(work, 1));
}

template <class T>
int64_t position_bytes(const Conv2dShape& s) {
  return kTileElements * (s.group_in() + s.group_out()) * static_cast<int64_t>(sizeof(T));
}

bool is_suitable(const Conv2dShape& s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.pad_top == 1 && s.pad_left == 1 &&
         s.out_h == s.in_h && s.out_w == s.in_w;
}

int64_t tile_count(const Conv2dShape& s) {
  return s.batch * ceil_div(s.out_h, 2) * ceil_div(s.out_w, 2);
}

// `lines` lines of `length` values, `stride` apart.
template <class T>
bool all_finite(const T* values, int64_t lines, int64_t stride, int64_t length) {
  constexpr int64_t kLanes = 64;
  if (length == stride) {
    length *= lines;
    lines = 1;
  }
  bool finite = true;
  bool* const result = &finite;
  simd([=]() NORMA_INLINE {
    // 0 times what is not finite is NaN, which stays in its lane.
    T lanes[kLanes] = {}, total = T(0);
    for (int64_t line = 0; line < lines; ++line) {
      const T* const v = values + line * stride;
      int64_t i = 0;
      for (; i + kLanes <= length; i += kLanes) {
        for (int64_t l = 0; l < kLanes; ++l) lanes[l] += v[i + l] * T(0);
      }
      for (; i < length; ++i) total += v[i] * T(0);
    }
    for (int64_t l = 0; l < kLanes; ++l) total += lanes[l];
    *result = total == T(0);
  });
  return finite;
}

}  // namespace

bool winograd_suits(const Conv2dShape& s) {
  return is_suitable(s) && std::min(s.group_in(), s.group_out()) >= 8 &&
         s.group_in() * s.group_out() >= 128 && std::min(s.in_h, s.in_w) >= 5 &&
         tile_count(s) >= 32;
}

bool winograd_suits_weight_grad(const Conv2dShape& s) {
  return is_suitable(s) && std::min(s.group_in(), s.group_out()) >= 16 && tile_count(s) >= 32;
}

template <class T>
bool winograd_correlate(const Conv2dShape& s, const WeightView<T>& view, int64_t group_stride,
                        const T* bias, const T* x, T* y) {
  const int64_t inputs = s.group_in(), outputs = s.group_out();
  const Tiles tiles(s, position_bytes<T>(s));
  const TileEdges<T> edges(tiles);
  const Scratch<int64_t> offsets(inputs);
  for (int64_t c = 0; c < inputs; ++c) offsets.data()[c] = c * tiles.stride();

  const int64_t block = row_block<T>(), row_blocks = ceil_div(outputs, block);
  const int64_t matrix = packed_size<T>(outputs, inputs);
  const int64_t group_packed = kTileElements * matrix;
  const Scratch<T> packed(s.groups * group_packed);
  parallel_for(s.groups * row_blocks, 5'000 / (block * inputs) + 1,
               [&](int64_t first, int64_t last) {
                 for (int64_t item = first; item < last; ++item) {
                   const int64_t g = item / row_blocks, row = item % row_blocks * block;
                   WeightView<T> weights = view;
                   weights.data += g * group_stride + row * view.row;
                   transform_weights(weights, std::min(block, outputs - row), inputs,
                                     bias ? bias + g * outputs + row : nullptr, matrix,
                                     packed.data() + g * group_packed + row * (inputs + 1));
                 }
               });

  const int64_t in_matrix = Tiles::matrix_size(inputs * tiles.stride());
  const int64_t out_matrix = Tiles::matrix_size(outputs * tiles.stride());
  const int64_t part_size = kTileElements * (in_matrix + out_matrix) + tile_work_size(tiles);
  const int64_t items = tiles.panels() * s.groups, item_grain = grain(tiles, items);
  const Scratch<T> memory(parallel_parts(items, item_grain) * part_size);
  std::atomic<bool> finite{true};
  parallel_parts_for(items, item_grain, [&](int64_t first, int64_t last, int part) {
    T* in = memory.data() + part * part_size;
    T* out = in + kTileElements * in_matrix;
    T* work = out + kTileElements * out_matrix;
    for (int64_t item = first; item < last; ++item) {
      const int64_t panel = item / s.groups, g = item % s.groups;
      tiles.for_each(panel, [&](const TileRows& rows) {
        const T* image = x + (rows.image * s.in_channels + g * inputs) * s.in_size();
        transform_input(tiles, edges, rows, inputs, image, work, in);
      });
      for (int64_t e = 0; e < kTileElements; ++e) {
        multiply(Product<T>{.rows = outputs,
                            .depth = inputs,
                            .count = round_up(tiles.positions(panel), kTileSlack),
                            .biased = bias && e == 5,
                            .packed = packed.data() + g * group_packed + e * matrix,
                            .offsets = offsets.data(),
                            .b = in + e * in_matrix,
                            .c = out + e * out_matrix,
                            .ldc = tiles.stride()});
      }
      tiles.for_each(panel, [&](const TileRows& rows) {
        T* image = y + (rows.image * s.out_channels + g * outputs) * s.out_size();
        transform_output(tiles, rows, outputs, out, work, image);
        const int64_t begin = 2 * rows.first, end = std::min(s.out_h, begin + 2 * rows.count);
        const int64_t length = (end - begin) * s.out_w;
        if (!all_finite(image + begin * s.out_w, outputs, s.out_size(), length)) finite = false;
      });
    }
  });
  return finite;
}

// Every part of the tiles has sums of its own, which are added in order at the end.
template <class T>
bool winograd_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw) {
  const int64_t inputs = s.group_in(), outputs = s.group_out();
  const int64_t in_columns = round_up(inputs, kColumnBlock);
  const int64_t out_columns = round_up(outputs, kColumnBlock);
  const Tiles tiles(s, position_bytes<T>(s));
  const int64_t in_matrix = Tiles::matrix_size(tiles.stride() * in_columns);
  const int64_t out_matrix = Tiles::matrix_size(tiles.stride() * out_columns);
  const int64_t part_size = kTileElements * (in_matrix + out_matrix) +
                            transposed_work_size(tiles, in_columns, out_columns);
  const int64_t matrix = in_columns * out_columns;
  const int64_t sum_size = s.groups * kTileElements * matrix;
  const int64_t items = tiles.panels(), item_grain = grain(tiles, items);
  const int64_t parts = parallel_parts(items, item_grain);
  const Scratch<T> memory(parts * part_size), sums(parts * sum_size);
  parallel_parts_for(items, item_grain, [&](int64_t first, int64_t last, int part) {
    T* in = memory.data() + part * part_size;
    T* grad = in + kTileElements * in_matrix;
    T* work = grad + kTileElements * out_matrix;
    T* part_sums = sums.data() + part * sum_size;
    std::fill_n(part_sums, sum_size, T(0));
    for (int64_t item = first; item < last; ++item) {
      for (int64_t g = 0; g < s.groups; ++g) {
        tiles.for_each(item, [&](const TileRows& rows) {
          transform_input_transposed(tiles, rows, inputs, in_columns,
                                     x + (rows.image * s.in_channels + g * inputs) * s.in_size(),
                                     work, in);
          transform_grad_transposed(tiles, rows, outputs, out_columns,
                                    dy + (rows.image * s.out_channels + g * outputs) * s.out_size(),
                                    work, grad);
        });
        for (int64_t e = 0; e < kTileElements; ++e) {
          add_transposed(TransposedSum<T>{.terms = inputs,
                                          .count = tiles.positions(item),
                                          .b = in + e * in_matrix,
                                          .b_columns = in_columns,
                                          .d = grad + e * out_matrix,
                                          .d_columns = out_columns,
                                          .sums = part_sums + (g * kTileElements + e) * matrix});
        }
      }
    }
  });
  parallel_for(s.groups * inputs, 1'000 / outputs + 1, [&](int64_t first, int64_t last) {
    for (int64_t item = first; item < last; ++item) {
      const int64_t g = item / inputs, i = item % inputs;
      T* total = sums.data() + g * kTileElements * matrix + i * out_columns;
      for (int64_t part = 1; part < parts; ++part) {
        simd([=]() NORMA_INLINE {
          for (int64_t e = 0; e < kTileElements; ++e) {
            T* to = total + e * matrix;
            for (int64_t o = 0; o < out_columns; ++o) to[o] += to[part * sum_size + o];
          }
        });
      }
      transform_weight_sums(s, matrix, total, dw + (g * outputs * inputs + i) * s.taps());
    }
  });
  const int64_t count = s.out_channels * inputs * s.taps();
  return all_finite(dw, 1, count, count);
}

#define NORMA_WINOGRAD(T)                                                                       \
  template bool winograd_correlate(const Conv2dShape&, const WeightView<T>&, int64_t, const T*, \
                                   const T*, T*);                                               \
  template bool winograd_weight_grad(const Conv2dShape&, const T*, const T*, T*);
NORMA_WINOGRAD(float)
NORMA_WINOGRAD(double)
#undef NORMA_WINOGRAD

}  // namespace norma::kernels
