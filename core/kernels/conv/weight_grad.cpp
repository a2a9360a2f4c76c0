#include "norma/core/kernels/conv/weight_grad.h"

#include <algorithm>

#include "norma/core/integers.h"
#include "norma/core/kernels/conv/panels.h"
#include "norma/core/kernels/conv/unrolled_rows.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/tile.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

template <class T>
double sum(const T* values, int64_t count) {
  double total = 0;
  simd([=, &total]() NORMA_INLINE {
    T lanes[16] = {};
    double rest = 0;
    int64_t i = add_to_lanes(lanes, count, [=](int64_t k) NORMA_INLINE { return values[k]; });
    for (; i < count; ++i) rest += static_cast<double>(values[i]);
    for (const T lane : lanes) rest += static_cast<double>(lane);
    total = rest;
  });
  return total;
}

// A panel of an image.
struct Item {
  int64_t image, row, rows;
};

// Sizes of the working memory and of the sums for dw that each part of the images has.
struct Layout {
  Layout(const Conv2dShape& shape, int64_t value_bytes)
      : s(shape),
        columns(round_up(s.group_out(), kColumnBlock)),
        panels(s, (s.group_in() * s.kernel_w + columns) * s.out_w * value_bytes),
        unrolled(s, panels.rows),
        unrolled_size(is_pointwise(s) ? 0 : unrolled.size()),
        memory_size(unrolled_size + panels.rows * s.out_w * columns) {}
  Item item(int64_t index) const {
    const int64_t panel = index % panels.count;
    return {index / panels.count, panels.begin(panel), panels.size(panel)};
  }

  Conv2dShape s;
  int64_t depth = s.group_in() * s.taps(), terms = round_up(depth, kTermBlock);
  int64_t columns;
  Panels panels;
  UnrolledRows unrolled;
  int64_t unrolled_size, memory_size, sum_size = s.groups * terms * columns;
};

// sums += what every tap sees at the positions of the item, times dy there.
template <class T>
void add_item(const Layout& layout, const Item& item, const int64_t* offsets, const T* x,
              const T* dy, T* memory, T* sums) {
  const Conv2dShape& s = layout.s;
  const bool direct = is_pointwise(s);
  T* const transposed = memory + layout.unrolled_size;
  const int64_t outputs = s.group_out(), count = item.rows * s.out_w, begin = item.row * s.out_w;
  for (int64_t g = 0; g < s.groups; ++g) {
    const T* image = x + (item.image * s.in_channels + g * s.group_in()) * s.in_size();
    const T* grad = dy + (item.image * s.out_channels + g * outputs) * s.out_size() + begin;
    if (!direct) unroll_rows(layout.unrolled, item.row, item.rows, image, memory);
    transpose(outputs, count, grad, s.out_size(), layout.columns, transposed);
    add_outer(OuterSum<T>{.terms = layout.depth,
                          .count = count,
                          .columns = outputs,
                          .offsets = offsets,
                          .b = direct ? image + begin : memory,
                          .d = transposed,
                          .sums = sums + g * layout.terms * layout.columns});
  }
}

// Adds the sums of all parts to the first, which become dw.
template <class T>
void join_parts(const Layout& layout, int64_t parts, T* sums, T* dw) {
  const Conv2dShape& s = layout.s;
  for (int64_t part = 1; part < parts; ++part) {
    simd([sums, more = sums + part * layout.sum_size, size = layout.sum_size]() NORMA_INLINE {
      for (int64_t i = 0; i < size; ++i) sums[i] += more[i];
    });
  }
  for (int64_t g = 0; g < s.groups; ++g) {
    transpose(layout.depth, s.group_out(), sums + g * layout.terms * layout.columns, layout.columns,
              layout.depth, dw + g * s.group_out() * layout.depth);
  }
}

}  // namespace

// Every part of the images has sums of its own, which are added in order at the end.
template <class T>
void weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw, T* db) {
  const Layout layout(s, sizeof(T));
  const Scratch<int64_t> offsets(layout.terms);
  std::fill_n(offsets.data() + layout.depth, layout.terms - layout.depth, int64_t{0});
  fill_offsets(layout.unrolled, is_pointwise(s), offsets.data());

  const int64_t items = s.batch * layout.panels.count, grain = conv_grain(s, items);
  const int64_t parts = parallel_parts(items, grain);
  const Scratch<T> memory(dw ? parts * layout.memory_size : 0);
  const Scratch<T> sums(dw ? parts * layout.sum_size : 0);
  const Scratch<double> bias_sums(db ? parts * s.out_channels : 0);
  parallel_parts_for(items, grain, [&](int64_t first, int64_t last, int part) {
    T* part_sums = sums.data() + part * layout.sum_size;
    double* part_db = bias_sums.data() + part * s.out_channels;
    if (dw) std::fill_n(part_sums, layout.sum_size, T(0));
    if (db) std::fill_n(part_db, s.out_channels, 0.0);
    for (int64_t index = first; index < last; ++index) {
      const Item item = layout.item(index);
      const T* grad = dy + item.image * s.out_channels * s.out_size() + item.row * s.out_w;
      for (int64_t o = 0; db && o < s.out_channels; ++o) {
        part_db[o] += sum(grad + o * s.out_size(), item.rows * s.out_w);
      }
      if (!dw) continue;
      add_item(layout, item, offsets.data(), x, dy, memory.data() + part * layout.memory_size,
               part_sums);
    }
  });
  if (dw) join_parts(layout, parts, sums.data(), dw);
  for (int64_t o = 0; db && o < s.out_channels; ++o) {
    double total = 0;
    for (int64_t p = 0; p < parts; ++p) total += bias_sums.data()[p * s.out_channels + o];
    db[o] = static_cast<T>(total);
  }
}

template void weight_grad(const Conv2dShape&, const float*, const float*, float*, float*);
template void weight_grad(const Conv2dShape&, const double*, const double*, double*, double*);

}  // namespace norma::kernels
