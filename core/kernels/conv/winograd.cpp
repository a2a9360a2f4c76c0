// Fast convolution of 3×3; its plain twin is plain/conv.h.
#include "norma/core/kernels/conv/winograd.h"

#include "norma/core/kernels/conv/winograd_tiles.h"
#include "norma/core/kernels/sums.h"

namespace norma::kernels {

bool has_winograd(const Conv2dShape& s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.pad_top == 1 && s.pad_left == 1 &&
         s.out_h == s.in_h && s.out_w == s.in_w;
}

template <class T>
void winograd_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y,
                        unsigned char* finite) {
  const int64_t inputs = s.group_in(), outputs = s.group_out();
  const Tiles tiles(s, sizeof(T));
  const TileEdges<T> edges(tiles);
  Scratch<int64_t> offsets(inputs);
  for (int64_t c = 0; c < inputs; ++c) offsets.data()[c] = c * tiles.stride();
  const int64_t matrix = packed_size(outputs, inputs);
  const int64_t lanes = vector_bytes() / static_cast<int64_t>(sizeof(T));
  const auto pack = [=](const WeightView<T>& some, int64_t rows, T* packed) {
    transform_weights(some, rows, inputs, matrix, packed);
  };
  const PackedWeights<T> packed(s, weights, "winograd", kTileElements, inputs, pack);

  const int64_t share = channel_share(s, tiles.panels() * s.groups);
  const int64_t shares = ceil_div(outputs, share);
  const int64_t in_matrix = Tiles::matrix_size(inputs * tiles.stride());
  const int64_t out_matrix = Tiles::matrix_size(share * tiles.stride());
  // No two parts write to one page.
  const int64_t used = kTileElements * (in_matrix + out_matrix) + tile_work_size(tiles);
  const int64_t part_size = round_up(used, 1024) + 1024;
  const int64_t items = tiles.panels() * s.groups * shares;
  const int64_t grain = conv_grain(items, tiles.multiplications());
  const int parts = parallel_parts(items, grain);
  Scratch<T> memory(parts * part_size);
  std::fill_n(finite, s.batch, 1);
  parallel_parts_for(parts, items, [&](int64_t first, int64_t last, int part) {
    T* const in = memory.data() + part * part_size;
    T* const out = in + kTileElements * in_matrix;
    T* const work = out + kTileElements * out_matrix;
    for (int64_t item = first; item < last; ++item) {
      const int64_t channel = item % shares * share, count = std::min(share, outputs - channel);
      const int64_t panel = item / shares / s.groups, g = item / shares % s.groups;
      if (item == first || channel == 0) {
        tiles.for_each(panel, [&](const TileRows& rows) {
          const T* image = x + (rows.image * s.in_channels + g * inputs) * s.in_size();
          transform_input(tiles, edges, rows, inputs, image, work, in);
        });
      }
      for (int64_t e = 0; e < kTileElements; ++e) {
        multiply(Product<T>{.rows = count,
                            .depth = inputs,
                            .count = round_up(tiles.positions(panel), lanes),
                            .bias = e == kCentre ? packed.bias(g, channel) : nullptr,
                            .packed = packed.rows(g, channel) + e * matrix,
                            .offsets = offsets.data(),
                            .b = in + e * in_matrix,
                            .c = out + e * out_matrix,
                            .ldc = tiles.stride()});
      }
      tiles.for_each(panel, [&](const TileRows& rows) {
        const int64_t plane = rows.image * s.out_channels + g * outputs + channel;
        T* image = y + plane * s.out_size();
        transform_output(tiles, rows, count, out_matrix, out, work, image);
        const int64_t begin = 2 * rows.first, end = std::min(s.out_h, begin + 2 * rows.count);
        const int64_t length = (end - begin) * s.out_w;
        if (!all_finite(image + begin * s.out_w, count, s.out_size(), length)) {
          __atomic_store_n(&finite[rows.image], 0, __ATOMIC_RELAXED);
        }
      });
    }
  });
}

// Every part of the tiles has sums of its own, which are added in order at the end.
template <class T>
bool winograd_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw) {
  const int64_t inputs = s.group_in(), outputs = s.group_out();
  const int64_t in_columns = round_up(inputs, kColumnBlock);
  const int64_t out_columns = round_up(outputs, kColumnBlock);
  const Tiles tiles(s, sizeof(T));
  const int64_t in_matrix = Tiles::matrix_size(tiles.stride() * in_columns);
  const int64_t out_matrix = Tiles::matrix_size(tiles.stride() * out_columns);
  const int64_t part_size = kTileElements * (in_matrix + out_matrix) +
                            transposed_work_size(tiles, in_columns, out_columns);
  const int64_t matrix = in_columns * out_columns;
  const int64_t sum_size = s.groups * kTileElements * matrix;
  const int64_t items = tiles.panels(), grain = conv_grain(items, tiles.multiplications());
  const int parts = parallel_parts(items, grain);
  Scratch<T> memory(parts * part_size), sums(parts * sum_size);
  parallel_parts_for(parts, items, [&](int64_t first, int64_t last, int part) {
    T* const in = memory.data() + part * part_size;
    T* const grad = in + kTileElements * in_matrix;
    T* const work = grad + kTileElements * out_matrix;
    T* const part_sums = sums.data() + part * sum_size;
    std::fill_n(part_sums, sum_size, T(0));
    for (int64_t item = first * s.groups; item < last * s.groups; ++item) {
      const int64_t panel = item / s.groups, g = item % s.groups;
      tiles.for_each(panel, [&](const TileRows& rows) {
        const T* image = x + (rows.image * s.in_channels + g * inputs) * s.in_size();
        transform_input_transposed(tiles, rows, inputs, image, work, in);
        const T* dy_image = dy + (rows.image * s.out_channels + g * outputs) * s.out_size();
        transform_grad_transposed(tiles, rows, outputs, dy_image, work, grad);
      });
      for (int64_t e = 0; e < kTileElements; ++e) {
        add_outer(OuterSum<T>{.terms = inputs,
                              .count = tiles.positions(panel),
                              .columns = outputs,
                              .b = in + e * in_matrix,
                              .offsets = nullptr,
                              .ldb = in_columns,
                              .d = grad + e * out_matrix,
                              .sums = part_sums + (g * kTileElements + e) * matrix});
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
      transform_weight_sums(s, matrix, total, dw + (g * outputs * inputs + i) * s.kernel_size());
    }
  });
  const int64_t count = s.out_channels * inputs * s.kernel_size();
  return all_finite(dw, 1, count, count);
}

#define NORMA_WINOGRAD(T)                                                                  \
  template void winograd_correlate(const Conv2dShape&, const WeightView<T>&, const T*, T*, \
                                   unsigned char*);                                        \
  template bool winograd_weight_grad(const Conv2dShape&, const T*, const T*, T*);
NORMA_WINOGRAD(float)
NORMA_WINOGRAD(double)
#undef NORMA_WINOGRAD

}  // namespace norma::kernels
