#include "norma/core/kernels/conv/conv.h"

#include <algorithm>
#include <numeric>

#include "norma/core/kernels/conv/depthwise.h"
#include "norma/core/kernels/conv/unrolled_rows.h"
#include "norma/core/kernels/conv/winograd.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/tile.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Working memory of a panel, which has to stay in the second-level cache.
constexpr int64_t kPanelBytes = 384 * 1024;
// Multiply-adds below which a second thread costs more than it brings.
constexpr int64_t kThreadWork = 200'000;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Every tap sees the image as it is.
bool is_pointwise(const Conv2dShape& s) {
  return s.taps() == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 &&
         s.in_h == s.out_h && s.in_w == s.out_w;
}

// An image of one row as one of one column, which is the same in memory: panels are made of rows, so
// that a long signal is cut into pieces that fit the cache and are shared out among the threads.
Conv2dShape upright(Conv2dShape s) {
  if (s.in_h != 1 || s.out_h != 1 || s.kernel_h != 1 || s.pad_top != 0) return s;
  s.in_h = s.in_w, s.out_h = s.out_w, s.kernel_h = s.kernel_w;
  s.stride_h = s.stride_w, s.pad_top = s.pad_left, s.dilation_h = s.dilation_w;
  s.in_w = s.out_w = s.kernel_w = s.stride_w = s.dilation_w = 1;
  s.pad_left = 0;
  return s;
}

// The output rows of an image in panels.
struct Panels {
  // `row_size`: elements of working memory that an output row takes.
  template <class T>
  static Panels make(const Conv2dShape& s, int64_t row_size) {
    const int64_t row_bytes = std::max<int64_t>(row_size, 1) * static_cast<int64_t>(sizeof(T));
    const int64_t fit = std::max<int64_t>(kPanelBytes / row_bytes, 1);
    int64_t count = ceil_div(s.out_h, std::min(fit, s.out_h));
    // With few images, every one is shared out.
    const int64_t threads = get_num_threads();
    if (s.batch < 4 * threads && s.batch % threads != 0) {
      count = std::min(s.out_h, ceil_div(count, threads) * threads);
    }
    const int64_t rows = ceil_div(s.out_h, count);
    return {rows, ceil_div(s.out_h, rows)};
  }
  int64_t rows, count;
};

int64_t grain(const Conv2dShape& s, int64_t items) {
  const int64_t work = s.batch * s.out_channels * s.out_size() * s.group_in() * s.taps();
  return ceil_div(kThreadWork * std::max<int64_t>(items, 1), std::max<int64_t>(work, 1));
}

// The order of terms is that of the weights in memory: channel, kernel row, kernel column.
void fill_offsets(const UnrolledRows& unrolled, bool direct, int64_t* offsets) {
  const Conv2dShape& s = unrolled.shape;
  for (int64_t c = 0; c < s.group_in(); ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      for (int64_t j = 0; j < s.kernel_w; ++j) {
        *offsets++ = direct ? c * s.in_size() : unrolled.offset(c, i, j);
      }
    }
  }
}

// y = x ⋆ w + bias with the weights seen through `view`, whose groups are `group_stride` apart.
template <class T>
void correlate(Conv2dShape s, const WeightView<T>& view, int64_t group_stride, const T* bias,
               const T* x, T* y) {
  if (winograd_suits(s) && winograd_correlate(s, view, group_stride, bias, x, y)) return;
  const bool direct = is_pointwise(s) && s.out_size() % kTileSlack == 0;
  if (direct) {
    // Any division into rows will do; this one leaves no vector incomplete.
    s.in_h = s.out_h = s.out_size() / kTileSlack;
    s.in_w = s.out_w = kTileSlack;
  }
  const int64_t depth = s.group_in() * s.taps(), outputs = s.group_out();
  const Panels panels = Panels::make<T>(s, s.group_in() * s.kernel_w * s.out_w);
  const UnrolledRows unrolled(s, panels.rows);
  const Scratch<int64_t> offsets(depth);
  fill_offsets(unrolled, direct, offsets.data());

  // Without enough panels for all threads, the output channels are shared out as well.
  const int64_t block = row_block<T>(), row_blocks = ceil_div(outputs, block);
  const int64_t units = s.batch * s.groups * panels.count;
  const int64_t wanted =
      std::min(row_blocks, ceil_div(get_num_threads(), std::max<int64_t>(units, 1)));
  const int64_t share = ceil_div(row_blocks, wanted) * block;
  const int64_t shares = ceil_div(outputs, share);

  const int64_t group_packed = packed_size<T>(outputs, depth);
  const Scratch<T> packed(s.groups * group_packed);
  parallel_for(s.groups * row_blocks, 20'000 / (block * depth + 1) + 1,
               [&](int64_t first, int64_t last) {
                 for (int64_t item = first; item < last; ++item) {
                   const int64_t g = item / row_blocks, row = item % row_blocks * block;
                   WeightView<T> weights = view;
                   weights.data += g * group_stride + row * view.row;
                   pack_weights(weights, std::min(block, outputs - row), s.group_in(), s.kernel_h,
                                s.kernel_w, bias ? bias + g * outputs + row : nullptr,
                                packed.data() + g * group_packed + row * (depth + 1));
                 }
               });

  const int64_t items = units * shares, item_grain = grain(s, items);
  const int64_t unrolled_size = direct ? 0 : unrolled.size() + kTileSlack;
  const Scratch<T> unrolled_memory(detail::parallel_parts(items, item_grain) * unrolled_size);
  parallel_parts_for(items, item_grain, [&](int64_t first, int64_t last, int part) {
    T* filled = unrolled_memory.data() + part * unrolled_size;
    int64_t filled_unit = -1;
    if (!direct) std::fill_n(filled + unrolled.size(), kTileSlack, T(0));
    for (int64_t item = first; item < last; ++item) {
      const int64_t unit = item / shares, row = item % shares * share;
      const int64_t begin = unit % panels.count * panels.rows;
      const int64_t rows = std::min(panels.rows, s.out_h - begin);
      const int64_t g = unit / panels.count % s.groups, n = unit / panels.count / s.groups;
      const T* image = x + (n * s.in_channels + g * s.group_in()) * s.in_size();
      if (!direct && unit != filled_unit) unroll_rows(unrolled, begin, rows, image, filled);
      filled_unit = unit;
      const int64_t channel = n * s.out_channels + g * outputs + row;
      multiply(Product<T>{.rows = std::min(share, outputs - row),
                          .depth = depth,
                          .count = rows * s.out_w,
                          .biased = bias != nullptr,
                          .packed = packed.data() + g * group_packed + row * (depth + 1),
                          .offsets = offsets.data(),
                          .b = direct ? image + begin * s.out_w : filled,
                          .c = y + channel * s.out_size() + begin * s.out_w,
                          .ldc = s.out_size()});
    }
  });
}

// Along one axis: the input cells that lie at `residue` modulo the stride, and the taps that reach
// them. dx at those cells is a convolution of dy, of stride 1, with these taps in reverse.
struct Phase {
  Phase(int64_t residue, int64_t stride, int64_t dilation, int64_t kernel, int64_t pad, int64_t in)
      : tap_step(stride / std::gcd(stride, dilation)), dilation_step(tap_step * dilation / stride) {
    int64_t first_tap = 0;
    while (first_tap < kernel && first_tap * dilation % stride != residue) ++first_tap;
    taps = first_tap < kernel ? (kernel - 1 - first_tap) / tap_step + 1 : 0;
    last_tap = first_tap + (taps - 1) * tap_step;
    const int64_t before = pad > residue ? ceil_div(pad - residue, stride) : 0;
    first_cell = before * stride + residue - pad;
    cells = first_cell < in ? (in - 1 - first_cell) / stride + 1 : 0;
    padding = (taps - 1) * dilation_step + first_tap * dilation / stride - before;
  }
  int64_t tap_step, dilation_step;
  int64_t taps = 0, last_tap = 0;
  int64_t first_cell = 0, cells = 0;
  int64_t padding = 0;  // rows of zeros around dy; negative: rows of dy that do not count
};

// One row of dx from those of its column phases, `stride` of them.
template <class T, class Level>
NORMA_INLINE inline void join_phases(const Phase* phases, const T* const* rows, int64_t stride,
                                     T* out) {
  if (stride == 2) {
    const bool swapped = phases[0].first_cell == 1;
    const T* even = rows[swapped];
    const T* odd = rows[!swapped];
    const int64_t evens = phases[swapped].cells, pairs = phases[!swapped].cells;
    const auto join = [=]<int Bytes>(int64_t k) NORMA_INLINE {
      using V = Vector<T, Bytes>;
      const typename V::Value a = V::at(even + k).value, b = V::at(odd + k).value;
      Pairs<T, Bytes>::join(a, b, out + 2 * k);
    };
    if (cover<T, Level::kBytes>(pairs, join)) {
      if (evens > pairs) out[2 * pairs] = even[pairs];
      return;
    }
  }
  for (int64_t b = 0; b < stride; ++b) {
    const T* in = rows[b];
    T* to = out + phases[b].first_cell;
    for (int64_t k = 0; k < phases[b].cells; ++k) to[k * stride] = in[k];
  }
}

template <class T>
void input_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx) {
  const int64_t planes = s.batch * s.in_channels, depth = s.group_in() * s.taps();
  const bool strided = s.stride_h > 1 || s.stride_w > 1;
  const Scratch<Phase> phase_memory(s.stride_w);
  Phase* const phases = phase_memory.data();
  const Scratch<T> zeros(strided ? s.in_w : 0);
  std::fill_n(zeros.data(), strided ? s.in_w : 0, T(0));
  for (int64_t b = 0; b < s.stride_w; ++b) {
    phases[b] = Phase(b, s.stride_w, s.dilation_w, s.kernel_w, s.pad_left, s.in_w);
  }
  for (int64_t a = 0; a < s.stride_h; ++a) {
    const Phase rows(a, s.stride_h, s.dilation_h, s.kernel_h, s.pad_top, s.in_h);
    if (rows.cells == 0) continue;
    const Scratch<T> memory(strided && rows.taps > 0 ? planes * rows.cells * s.in_w : 0);
    const Scratch<T*> start_memory(s.stride_w);
    T** const starts = start_memory.data();  // of the planes of a phase; null: no tap reaches them
    T* next = memory.data();
    for (int64_t b = 0; b < s.stride_w; ++b) {
      const Phase& cols = phases[b];
      starts[b] = nullptr;
      if (rows.taps * cols.taps * cols.cells == 0) continue;
      Conv2dShape t = s;
      t.in_channels = s.out_channels, t.in_h = s.out_h, t.in_w = s.out_w;
      t.out_channels = s.in_channels, t.out_h = rows.cells, t.out_w = cols.cells;
      t.kernel_h = rows.taps, t.kernel_w = cols.taps;
      t.stride_h = t.stride_w = 1;
      t.pad_top = rows.padding, t.pad_left = cols.padding;
      t.dilation_h = rows.dilation_step, t.dilation_w = cols.dilation_step;
      const WeightView<T> view{.data = w + rows.last_tap * s.kernel_w + cols.last_tap,
                               .row = s.taps(),
                               .channel = depth,
                               .tap_h = -rows.tap_step * s.kernel_w,
                               .tap_w = -cols.tap_step};
      const T* no_bias = nullptr;
      if (!strided) return correlate(t, view, s.group_out() * depth, no_bias, dy, dx);
      starts[b] = next;
      next += planes * t.out_size();
      correlate(t, view, s.group_out() * depth, no_bias, dy, starts[b]);
    }
    parallel_for(planes, 50'000 / (rows.cells * s.in_w) + 1, [&](int64_t first, int64_t last) {
      const Scratch<const T*> row_memory(s.stride_w);
      const T** const in = row_memory.data();
      at_level([&, in, first, last]<class Level>() NORMA_INLINE {
        for (int64_t plane = first; plane < last; ++plane) {
          for (int64_t y = 0; y < rows.cells; ++y) {
            for (int64_t b = 0; b < s.stride_w; ++b) {
              const int64_t row = plane * rows.cells + y;
              in[b] = starts[b] ? starts[b] + row * phases[b].cells : zeros.data();
            }
            T* out = dx + plane * s.in_size() + (rows.first_cell + y * s.stride_h) * s.in_w;
            join_phases<T, Level>(phases, in, s.stride_w, out);
          }
        }
      });
    });
  }
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

// dw and db, each of which may be null. Every part of the images has sums of its own, which are
// added in order at the end.
template <class T>
void weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw, T* db) {
  const int64_t depth = s.group_in() * s.taps(), outputs = s.group_out();
  const int64_t terms = ceil_div(depth, kTermBlock) * kTermBlock;
  const int64_t columns = ceil_div(outputs, kColumnBlock) * kColumnBlock;
  const bool direct = is_pointwise(s);
  const Panels panels = Panels::make<T>(s, (s.group_in() * s.kernel_w + columns) * s.out_w);
  const UnrolledRows unrolled(s, panels.rows);
  const Scratch<int64_t> offsets(terms);
  std::fill_n(offsets.data() + depth, terms - depth, int64_t{0});
  fill_offsets(unrolled, direct, offsets.data());

  const int64_t items = s.batch * panels.count, item_grain = grain(s, items);
  const int64_t parts = detail::parallel_parts(items, item_grain);
  const int64_t unrolled_size = dw && !direct ? unrolled.size() : 0;
  const int64_t transposed_size = dw ? panels.rows * s.out_w * columns : 0;
  const int64_t sum_size = dw ? s.groups * terms * columns : 0;
  const Scratch<T> memory(parts * (unrolled_size + transposed_size));
  const Scratch<T> sums(parts * sum_size);
  const Scratch<double> bias_sums(db ? parts * s.out_channels : 0);
  parallel_parts_for(items, item_grain, [&](int64_t first, int64_t last, int part) {
    T* filled = memory.data() + part * (unrolled_size + transposed_size);
    T* transposed = filled + unrolled_size;
    T* part_sums = sums.data() + part * sum_size;
    double* part_db = bias_sums.data() + part * s.out_channels;
    std::fill_n(part_sums, sum_size, T(0));
    if (db) std::fill_n(part_db, s.out_channels, 0.0);
    for (int64_t item = first; item < last; ++item) {
      const int64_t n = item / panels.count, begin = item % panels.count * panels.rows;
      const int64_t rows = std::min(panels.rows, s.out_h - begin);
      const T* grad = dy + n * s.out_channels * s.out_size() + begin * s.out_w;
      for (int64_t o = 0; db && o < s.out_channels; ++o) {
        part_db[o] += sum(grad + o * s.out_size(), rows * s.out_w);
      }
      for (int64_t g = 0; dw && g < s.groups; ++g) {
        const T* image = x + (n * s.in_channels + g * s.group_in()) * s.in_size();
        if (!direct) unroll_rows(unrolled, begin, rows, image, filled);
        transpose(outputs, rows * s.out_w, grad + g * outputs * s.out_size(), s.out_size(), columns,
                  transposed);
        add_outer(OuterSum<T>{.terms = depth,
                              .count = rows * s.out_w,
                              .columns = outputs,
                              .offsets = offsets.data(),
                              .b = direct ? image + begin * s.out_w : filled,
                              .d = transposed,
                              .sums = part_sums + g * terms * columns});
      }
    }
  });
  T* total = sums.data();
  for (int64_t part = 1; part < parts; ++part) {
    const T* more = sums.data() + part * sum_size;
    simd([=]() NORMA_INLINE {
      for (int64_t i = 0; i < sum_size; ++i) total[i] += more[i];
    });
  }
  for (int64_t g = 0; dw && g < s.groups; ++g) {
    transpose(depth, outputs, total + g * terms * columns, columns, depth,
              dw + g * outputs * depth);
  }
  for (int64_t o = 0; db && o < s.out_channels; ++o) {
    double value = 0;
    for (int64_t part = 0; part < parts; ++part)
      value += bias_sums.data()[part * s.out_channels + o];
    db[o] = static_cast<T>(value);
  }
}

bool is_depthwise(const Conv2dShape& s) { return s.group_in() == 1 && s.groups > 1; }

}  // namespace

template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (is_depthwise(s)) return depthwise_forward(s, x, w, bias, y);
  const Conv2dShape t = upright(s);
  const int64_t depth = s.group_in() * s.taps();
  const WeightView<T> view{
      .data = w, .row = depth, .channel = s.taps(), .tap_h = t.kernel_w, .tap_w = 1};
  correlate(t, view, s.group_out() * depth, bias, x, y);
}

template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db) {
  if (s.batch == 0) {
    if (dw) std::fill_n(dw, s.out_channels * s.group_in() * s.taps(), T(0));
    if (db) std::fill_n(db, s.out_channels, T(0));
    return;
  }
  if (is_depthwise(s)) {
    depthwise_backward(s, x, w, dy, dx, dw);
    dx = dw = nullptr;
  }
  if (dw && winograd_suits_weight_grad(s) && winograd_weight_grad(s, x, dy, dw)) dw = nullptr;
  if (dw || db) weight_grad(upright(s), x, dy, dw, db);
  if (dx) input_grad(upright(s), w, dy, dx);
}

template void conv2d_forward(const Conv2dShape&, const float*, const float*, const float*, float*);
template void conv2d_forward(const Conv2dShape&, const double*, const double*, const double*,
                             double*);
template void conv2d_backward(const Conv2dShape&, const float*, const float*, const float*, float*,
                              float*, float*);
template void conv2d_backward(const Conv2dShape&, const double*, const double*, const double*,
                              double*, double*, double*);

}  // namespace norma::kernels
