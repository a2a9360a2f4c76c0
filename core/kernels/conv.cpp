#include "norma/core/kernels/conv.h"

#include <algorithm>

#include "norma/core/blas.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// A panel of columns stays in the second-level cache, beside OpenBLAS's packed copies.
constexpr int64_t kPanelBytes = 256 * 1024;
// Multiply-adds below which a second thread costs more than it brings.
constexpr int64_t kThreadWork = 100'000;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A convolution as matrix products per image and group: y [outputs, positions] = w [outputs, depth]
// times columns [depth, positions], where row (c, i, j) of the columns is channel c as tap (i, j)
// sees it. The positions are cut into panels of `width`.
struct Plan {
  int64_t depth, outputs, positions, width, panels;
  bool pointwise;     // the columns are the image itself
  bool whole_images;  // enough images to give every thread its share

  template <class T>
  static Plan make(const Conv2dShape& s) {
    Plan plan{};
    plan.depth = s.group_in() * s.taps();
    plan.outputs = s.group_out();
    plan.positions = s.out_size();
    plan.pointwise = s.taps() == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 &&
                     s.pad_left == 0 && s.in_size() == s.out_size();
    const int64_t threads = get_num_threads();
    plan.whole_images = s.batch >= 4 * threads || s.batch % threads == 0;
    int64_t width =
        kPanelBytes / static_cast<int64_t>(sizeof(T)) / std::max<int64_t>(plan.depth, 1);
    width = std::max<int64_t>(width, 64);
    plan.panels = plan.pointwise ? 1 : ceil_div(plan.positions, width);
    if (!plan.whole_images) {
      plan.panels = std::min(plan.positions, ceil_div(plan.panels, threads) * threads);
    }
    plan.width = ceil_div(plan.positions, plan.panels);
    plan.panels = ceil_div(plan.positions, plan.width);
    return plan;
  }
  int64_t begin(int64_t panel) const { return panel * width; }
  int64_t count(int64_t panel) const { return std::min(width, positions - begin(panel)); }
  int64_t column_size() const { return depth * width; }
  int64_t grain(int64_t items_per_image, int64_t groups) const {
    const int64_t work = depth * outputs * positions * groups / items_per_image;
    return ceil_div(kThreadWork, std::max<int64_t>(work, 1));
  }
};

struct Range {
  int64_t begin, end;
};

// Walks the columns of `channels` at the positions of a panel: f(image, column, before, inside,
// after) for every run within one output row, whose cells lie in the frame, in the image from
// offset `image` on, and in the frame again.
template <class F>
NORMA_INLINE inline void each_run(const Conv2dShape& s, Range channels, Range positions, F f) {
  int64_t column = 0;
  for (int64_t c = channels.begin; c < channels.end; ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      for (int64_t j = 0; j < s.kernel_w; ++j) {
        const int64_t shift = j * s.dilation_w - s.pad_left;
        const Span valid = valid_positions(s.out_w, s.stride_w, shift, s.in_w);
        int64_t row = positions.begin / s.out_w, first = positions.begin % s.out_w;
        for (int64_t left = positions.end - positions.begin; left > 0; ++row, first = 0) {
          const int64_t last = std::min(s.out_w, first + left);
          const int64_t y = row * s.stride_h + i * s.dilation_h - s.pad_top;
          int64_t from = last, to = last;
          if (y >= 0 && y < s.in_h) {
            from = std::min(std::max(valid.first, first), last);
            to = std::min(std::max(valid.last, from), last);
          }
          f((c * s.in_h + y) * s.in_w + from * s.stride_w + shift, column, from - first, to - from,
            last - to);
          column += last - first;
          left -= last - first;
        }
      }
    }
  }
}

// At stride 1 and equal widths, a tap sees the image moved by a constant: one long run per row of
// the columns, except for the cells that would come from the neighbouring line.
bool is_shift(const Conv2dShape& s) {
  return s.stride_h == 1 && s.stride_w == 1 && s.out_w == s.in_w;
}

// f(row of the columns, tap's move in cells, first and last position that it sees, its sideways
// move) for every row.
template <class F>
NORMA_INLINE inline void each_shift(const Conv2dShape& s, Range channels, Range positions, F f) {
  int64_t row = 0;
  for (int64_t c = channels.begin; c < channels.end; ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      const int64_t down = i * s.dilation_h - s.pad_top;
      for (int64_t j = 0; j < s.kernel_w; ++j, ++row) {
        const int64_t across = j * s.dilation_w - s.pad_left, move = down * s.in_w + across;
        // Neither above nor below the image, nor before its first or after its last cell.
        const int64_t lowest = std::max(std::max<int64_t>(0, -down) * s.in_w, -move);
        const int64_t highest = std::min((s.in_h - down) * s.in_w, s.in_size() - move);
        const bool misses = across >= s.in_w || -across >= s.in_w;
        const int64_t from =
            misses ? positions.end : std::clamp(lowest, positions.begin, positions.end);
        const int64_t to = std::clamp(highest, from, positions.end);
        f(row, c * s.in_size() + move, Range{from, to}, across);
      }
    }
  }
}

// Zeroes the cells of a row of columns that a tap sees beside the image.
template <class T>
NORMA_INLINE inline void clear_sides(const Conv2dShape& s, Range positions, int64_t across,
                                     T* out) {
  if (across == 0) return;
  const int64_t width = across < 0 ? -across : across, side = across < 0 ? 0 : s.out_w - width;
  for (int64_t line = positions.begin / s.out_w * s.out_w + side; line < positions.end;
       line += s.out_w) {
    const int64_t last = std::min(line + width, positions.end);
    for (int64_t at = std::max(line, positions.begin); at < last; ++at)
      out[at - positions.begin] = T(0);
  }
}

template <class T>
void im2col(const Conv2dShape& s, Range channels, Range positions, const T* image, T* columns) {
  if (is_shift(s)) {
    simd([=]() NORMA_INLINE {
      const int64_t count = positions.end - positions.begin;
      each_shift(s, channels, positions,
                 [=](int64_t row, int64_t move, Range seen, int64_t across) NORMA_INLINE {
                   T* const out = columns + row * count;
                   const int64_t before = seen.begin - positions.begin,
                                 after = seen.end - positions.begin;
                   for (int64_t k = 0; k < before; ++k) out[k] = T(0);
                   const T* const in = image + move + positions.begin;
                   for (int64_t k = before; k < after; ++k) out[k] = in[k];
                   for (int64_t k = after; k < count; ++k) out[k] = T(0);
                   clear_sides(s, positions, across, out);
                 });
    });
    return;
  }
  simd([=]() NORMA_INLINE {
    const int64_t step = s.stride_w;
    each_run(s, channels, positions,
             [=](int64_t cell, int64_t column, int64_t before, int64_t inside, int64_t after)
                 NORMA_INLINE {
                   T* out = columns + column;
                   for (int64_t k = 0; k < before; ++k) out[k] = T(0);
                   out += before;
                   const T* in = image + cell;
                   if (step == 1) {
                     for (int64_t k = 0; k < inside; ++k) out[k] = in[k];
                   } else {
                     for (int64_t k = 0; k < inside; ++k) out[k] = in[k * step];
                   }
                   out += inside;
                   for (int64_t k = 0; k < after; ++k) out[k] = T(0);
                 });
  });
}

// The transpose of im2col: adds the columns, which it may overwrite, to the cells they came from.
template <class T>
void col2im(const Conv2dShape& s, Range channels, Range positions, T* columns, T* image) {
  if (is_shift(s)) {
    simd([=]() NORMA_INLINE {
      const int64_t count = positions.end - positions.begin;
      each_shift(s, channels, positions,
                 [=](int64_t row, int64_t move, Range seen, int64_t across) NORMA_INLINE {
                   T* const in = columns + row * count;
                   clear_sides(s, positions, across, in);
                   T* const out = image + move + positions.begin;
                   const int64_t last = seen.end - positions.begin;
                   for (int64_t k = seen.begin - positions.begin; k < last; ++k) out[k] += in[k];
                 });
    });
    return;
  }
  simd([=]() NORMA_INLINE {
    const int64_t step = s.stride_w;
    each_run(s, channels, positions,
             [=](int64_t cell, int64_t column, int64_t before, int64_t inside, int64_t)
                 NORMA_INLINE {
                   const T* in = columns + column + before;
                   T* out = image + cell;
                   if (step == 1) {
                     for (int64_t k = 0; k < inside; ++k) out[k] += in[k];
                   } else {
                     for (int64_t k = 0; k < inside; ++k) out[k * step] += in[k];
                   }
                 });
  });
}

template <class T>
double sum(const T* values, int64_t count) {
  constexpr int64_t kLanes = 16;
  double total = 0;
  simd([=, &total]() NORMA_INLINE {
    T lanes[kLanes] = {};
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += values[i + k];
    }
    double rest = 0;
    for (; i < count; ++i) rest += static_cast<double>(values[i]);
    for (int64_t k = 0; k < kLanes; ++k) rest += static_cast<double>(lanes[k]);
    total = rest;
  });
  return total;
}

template <class T>
void add_weight_grad(const Plan& plan, const T* dy, const T* columns, int64_t ld, int64_t count,
                     T* dw) {
  gemm(false, true, plan.outputs, plan.depth, count, T(1), dy, plan.positions, columns, ld, T(1),
       dw, plan.depth);
}

// Gradient of the input channels `channels` of one group of one image; `columns` is scratch.
template <class T>
void add_input_grad(const Conv2dShape& s, const Plan& plan, Range channels, Range positions,
                    const T* w, const T* dy, T* columns, T* dx) {
  const int64_t rows = (channels.end - channels.begin) * s.taps();
  const int64_t count = positions.end - positions.begin;
  const T* weights = w + channels.begin * s.taps();
  if (plan.pointwise) {
    gemm(true, false, rows, count, plan.outputs, T(1), weights, plan.depth, dy + positions.begin,
         plan.positions, T(0), dx + channels.begin * plan.positions + positions.begin,
         plan.positions);
    return;
  }
  gemm(true, false, rows, count, plan.outputs, T(1), weights, plan.depth, dy + positions.begin,
       plan.positions, T(0), columns, count);
  col2im(s, channels, positions, columns, dx);
}

// Few images: each thread takes some input channels of each, so that no two write to one cell.
template <class T>
void input_grad_by_channels(const Conv2dShape& s, const Plan& plan, const T* w, const T* dy,
                            T* dx) {
  const int64_t block = ceil_div(s.group_in(), get_num_threads());
  const int64_t blocks = ceil_div(s.group_in(), block);
  const int64_t items = s.batch * s.groups * blocks;
  const int64_t grain = plan.grain(s.groups * blocks, s.groups);
  const int64_t columns = plan.pointwise ? 0 : block * s.taps() * plan.width;
  const Scratch<T> scratch(detail::parallel_parts(items, grain) * columns);
  parallel_parts_for(items, grain, [&](int64_t first, int64_t last, int part) {
    for (int64_t item = first; item < last; ++item) {
      const int64_t n = item / (s.groups * blocks), g = item / blocks % s.groups;
      const Range channels{item % blocks * block,
                           std::min(s.group_in(), (item % blocks + 1) * block)};
      T* image = dx + (n * s.in_channels + g * s.group_in()) * s.in_size();
      std::fill(image + channels.begin * s.in_size(), image + channels.end * s.in_size(), T(0));
      for (int64_t p = 0; p < plan.panels; ++p) {
        add_input_grad(s, plan, channels, {plan.begin(p), plan.begin(p) + plan.count(p)},
                       w + g * plan.outputs * plan.depth,
                       dy + (n * s.out_channels + g * plan.outputs) * plan.positions,
                       scratch.data() + part * columns, image);
      }
    }
  });
}

}  // namespace

template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (s.group_in() == 1 && s.groups > 1) return depthwise_forward(s, x, w, bias, y);
  const Plan plan = Plan::make<T>(s);
  // With fewer panels than threads, the output channels are shared out as well.
  const int64_t units = s.batch * s.groups * plan.panels;
  const int64_t wanted =
      plan.whole_images ? 1 : ceil_div(get_num_threads(), std::max<int64_t>(units, 1));
  const int64_t block = ceil_div(plan.outputs, std::min(wanted, plan.outputs));
  const int64_t blocks = ceil_div(plan.outputs, block);
  const int64_t items = units * blocks;
  const int64_t grain = plan.grain(s.groups * plan.panels * blocks, s.groups);
  const int64_t column_size = plan.pointwise ? 0 : plan.column_size();
  const Scratch<T> scratch(detail::parallel_parts(items, grain) * column_size);
  parallel_parts_for(items, grain, [&](int64_t first, int64_t last, int part) {
    T* columns = scratch.data() + part * column_size;
    for (int64_t item = first; item < last; ++item) {
      const int64_t o = item % blocks * block, p = item / blocks % plan.panels;
      const int64_t g = item / blocks / plan.panels % s.groups;
      const int64_t n = item / blocks / plan.panels / s.groups;
      const int64_t begin = plan.begin(p), count = plan.count(p);
      const int64_t outputs = std::min(block, plan.outputs - o);
      const T* image = x + (n * s.in_channels + g * s.group_in()) * s.in_size();
      const int64_t channel = g * plan.outputs + o;
      T* out = y + (n * s.out_channels + channel) * plan.positions + begin;
      for (int64_t k = 0; k < outputs && (bias || plan.depth == 0); ++k) {
        std::fill_n(out + k * plan.positions, count, bias ? bias[channel + k] : T(0));
      }
      if (plan.depth == 0) continue;
      if (!plan.pointwise) {
        im2col(s, {0, s.group_in()}, {begin, begin + count}, image, columns);
      }
      gemm(false, false, outputs, count, plan.depth, T(1), w + channel * plan.depth, plan.depth,
           plan.pointwise ? image + begin : columns, plan.pointwise ? plan.positions : count,
           bias ? T(1) : T(0), out, plan.positions);
    }
  });
}

template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db) {
  const Plan plan = Plan::make<T>(s);
  const int64_t weights = s.out_channels * plan.depth;
  if (dw) std::fill_n(dw, weights, T(0));
  if (db) std::fill_n(db, s.out_channels, T(0));
  if (s.group_in() == 1 && s.groups > 1) {
    depthwise_backward(s, x, w, dy, dx, dw);
    dx = dw = nullptr;
  }
  if (plan.depth == 0) dx = dw = nullptr;
  if (dx && !plan.whole_images) {
    input_grad_by_channels(s, plan, w, dy, dx);
    dx = nullptr;
  }
  if (!dx && !dw && !db) return;

  // One pass over the images computes the rest while dy is in cache; every part of the images has
  // sums of its own, added in order at the end.
  const int64_t pieces = plan.whole_images ? 1 : plan.panels;
  const int64_t items = s.batch * pieces;
  const int64_t grain = plan.grain(pieces, s.groups);
  const int64_t parts = detail::parallel_parts(items, grain);
  const int64_t column_size = plan.pointwise ? 0 : plan.column_size();
  const Scratch<T> scratch(parts * column_size);
  const Scratch<T> sums(dw ? (parts - 1) * weights : 0);
  const Scratch<double> bias_sums(db ? parts * s.out_channels : 0);
  parallel_parts_for(items, grain, [&](int64_t first, int64_t last, int part) {
    T* columns = scratch.data() + part * column_size;
    T* part_dw = part == 0 ? dw : sums.data() + (part - 1) * weights;
    double* part_db = bias_sums.data() + part * s.out_channels;
    if (dw && part > 0) std::fill_n(part_dw, weights, T(0));
    if (db) std::fill_n(part_db, s.out_channels, 0.0);
    for (int64_t item = first; item < last; ++item) {
      const int64_t n = item / pieces, piece = item % pieces;
      if (dx) std::fill_n(dx + n * s.in_channels * s.in_size(), s.in_channels * s.in_size(), T(0));
      for (int64_t g = 0; g < s.groups; ++g) {
        const int64_t image = (n * s.in_channels + g * s.group_in()) * s.in_size();
        const T* dy_group = dy + (n * s.out_channels + g * plan.outputs) * plan.positions;
        const int64_t stop = plan.whole_images ? plan.panels : piece + 1;
        for (int64_t p = piece; p < stop; ++p) {
          const int64_t begin = plan.begin(p), count = plan.count(p);
          for (int64_t o = 0; db && o < plan.outputs; ++o) {
            part_db[g * plan.outputs + o] += sum(dy_group + o * plan.positions + begin, count);
          }
          if (dw) {
            if (!plan.pointwise) {
              im2col(s, {0, s.group_in()}, {begin, begin + count}, x + image, columns);
            }
            add_weight_grad(plan, dy_group + begin, plan.pointwise ? x + image + begin : columns,
                            plan.pointwise ? plan.positions : count, count,
                            part_dw + g * plan.outputs * plan.depth);
          }
          if (dx) {
            add_input_grad(s, plan, {0, s.group_in()}, {begin, begin + count},
                           w + g * plan.outputs * plan.depth, dy_group, columns, dx + image);
          }
        }
      }
    }
  });
  if (items == 0) return;
  for (int64_t part = 1; dw && part < parts; ++part) {
    const T* more = sums.data() + (part - 1) * weights;
    simd([=]() NORMA_INLINE {
      for (int64_t i = 0; i < weights; ++i) dw[i] += more[i];
    });
  }
  for (int64_t o = 0; db && o < s.out_channels; ++o) {
    double total = 0;
    for (int64_t part = 0; part < parts; ++part) {
      total += bias_sums.data()[part * s.out_channels + o];
    }
    db[o] = static_cast<T>(total);
  }
}

template void conv2d_forward(const Conv2dShape&, const float*, const float*, const float*, float*);
template void conv2d_forward(const Conv2dShape&, const double*, const double*, const double*,
                             double*);
template void conv2d_backward(const Conv2dShape&, const float*, const float*, const float*, float*,
                              float*, float*);
template void conv2d_backward(const Conv2dShape&, const double*, const double*, const double*,
                              double*, double*, double*);

}  // namespace norma::kernels
