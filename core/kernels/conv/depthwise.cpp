// Fast convolution with one input or output channel per group; its plain twin is plain/conv.h.
//
//     rows of a tile and more | outputs straight into y
//     shorter rows            | outputs of several rows in one tile, with the gaps between them
#include "norma/core/kernels/conv/depthwise.h"

#include <algorithm>
#include <numeric>

#include "norma/core/integers.h"
#include "norma/core/kernels/register_tile.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kPanelBytes = 128 * 1024;
constexpr int64_t kSlack = 128;  // behind the last position, for a tile

// Along an axis: kernel position t sees cell o + shift(t) of phase t % phases for output o, where a
// phase has the cells of one residue modulo the stride.
struct Axis {
  Axis(int64_t kernel, int64_t step, int64_t gap)
      : stride(step),
        dilation(gap),
        phases(std::min(kernel, stride / std::gcd(stride, dilation))),
        reach(shift(kernel - 1)) {}
  int64_t shift(int64_t t) const { return t * dilation / stride; }
  int64_t residue(int64_t phase) const { return phase * dilation % stride; }
  int64_t stride, dilation, phases, reach;
};

// Images copied with their padding, a plane for each channel of a group and each phase, so that
// what kernel position (c, i, j) sees of a panel of output rows is a shift in memory:
//
//     planes[offset(c, i, j) + row * width + column]
struct Planes {
  Planes(const Conv2dShape& shape, int64_t value_bytes)
      : s(shape),
        y(s.kernel_h, s.stride_h, s.dilation_h),
        x(s.kernel_w, s.stride_w, s.dilation_w),
        width(s.out_w + x.reach) {
    const int64_t row_bytes = s.group_in() * y.phases * x.phases * width * value_bytes;
    const int64_t fit = std::max<int64_t>(kPanelBytes / row_bytes - y.reach, 1);
    const int64_t images = s.batch * s.groups, threads = planned_threads();
    const int64_t least = images < threads ? std::min(threads, s.out_h) : 1;
    rows = ceil_div(s.out_h, std::max(ceil_div(s.out_h, fit), least));
    panels = ceil_div(s.out_h, rows);
    plane = (rows + y.reach) * width;
  }
  int64_t size() const { return s.group_in() * y.phases * x.phases * plane + x.reach + kSlack; }
  int64_t grid_size() const { return rows * width + kSlack; }
  int64_t rows_of(int64_t panel) const { return std::min(rows, s.out_h - panel * rows); }
  int64_t offset(int64_t c, int64_t i, int64_t j) const {
    const int64_t phase = (c * y.phases + i % y.phases) * x.phases + j % x.phases;
    return phase * plane + y.shift(i) * width + x.shift(j);
  }

  /// Writes the cells of an image; what lies outside of it stays zero from one image to the next.
  template <class T>
  void fill(const T* image, int64_t panel, bool first, T* planes) const {
    if (first || panels > 1) std::fill_n(planes, size(), T(0));
    for_level([=, this]<class Level>() NORMA_INLINE {
      const int64_t count = rows_of(panel) + y.reach;
      for (int64_t i = 0; i < s.group_in() * y.phases * x.phases; ++i) {
        const T* const channel = image + i / (y.phases * x.phases) * s.in_size();
        const int64_t top =
            panel * rows * s.stride_h + y.residue(i / x.phases % y.phases) - s.pad_top;
        const int64_t left = x.residue(i % x.phases) - s.pad_left;
        const Span lines = valid_positions(count, s.stride_h, top, s.in_h);
        const Span cells = valid_positions(width, s.stride_w, left, s.in_w);
        if (lines.first == lines.last || cells.first == cells.last) continue;
        if (width == 1 && s.in_w == 1) {  // a signal: one long line
          copy_steps<T, Level>(channel + (top + lines.first * s.stride_h), s.stride_h,
                               lines.last - lines.first, planes + i * plane + lines.first);
          continue;
        }
        for (int64_t line = lines.first; line < lines.last; ++line) {
          copy_steps<T, Level>(
              channel + (top + line * s.stride_h) * s.in_w + left + cells.first * s.stride_w,
              s.stride_w, cells.last - cells.first,
              planes + i * plane + line * width + cells.first);
        }
      }
    });
  }

  Conv2dShape s;
  Axis y, x;
  int64_t width, rows, panels, plane;
};

// The weights of an output channel, in the order of offsets.
template <class T>
struct Taps {
  int64_t channels, count;
  const T* weights;
  const int64_t* offsets;
};

// out[q] for q in `Vectors` vectors; each channel is summed by itself.
template <class T, class Level, int Vectors>
NORMA_INLINE inline void add_taps(const Taps<T>& taps, T bias, const T* in, T* out) {
  using V = LevelVector<T, Level>;
  for (int64_t c = 0; c < taps.channels; ++c) {
    const T* const w = taps.weights + c * taps.count;
    const int64_t* const offsets = taps.offsets + c * taps.count;
    register_tile<V, 1, Vectors>(
        taps.count, [=](int, int64_t t) NORMA_INLINE { return w[t]; },
        [=](int64_t t) NORMA_INLINE {
          const T* from = in + offsets[t];
          asm("" : "+r"(from));  // GCC 12 would compute an address for every vector
          return from;
        },
        [=](int, int v, const typename V::Value& sum) NORMA_INLINE {
          auto& to = V::at(out + v * V::kLanes);
          if (c == 0) {
            to.value = bias + sum;
          } else {
            to.value += sum;
          }
        });
  }
}

// out[q] for q < count, and up to a whole vector.
template <class T, class Level>
NORMA_INLINE inline void correlate_run(const Taps<T>& taps, T bias, const T* in, int64_t count,
                                       T* out) {
  constexpr int64_t kLanes = Vector<T, Level::kBytes>::kLanes;
  int64_t q = 0;
  for (; q + 7 * kLanes < count; q += 8 * kLanes) {
    add_taps<T, Level, 8>(taps, bias, in + q, out + q);
  }
  for (; q + 3 * kLanes < count; q += 4 * kLanes) {
    add_taps<T, Level, 4>(taps, bias, in + q, out + q);
  }
  for (; q < count; q += 2 * kLanes) add_taps<T, Level, 2>(taps, bias, in + q, out + q);
}

// The rows of a panel.
template <class T, class Level>
NORMA_INLINE inline void correlate_panel(const Taps<T>& taps, T bias, const T* in, int64_t rows,
                                         int64_t width, int64_t out_w, T* grid, T* out) {
  constexpr int64_t kTile = 8 * Vector<T, Level::kBytes>::kLanes;
  if (out_w >= kTile || (width == out_w && rows * width >= kTile)) {
    if (width == out_w) width = out_w = out_w * rows, rows = 1;
    for (int64_t row = 0; row < rows; ++row, in += width, out += out_w) {
      for (int64_t q = 0; q < out_w; q += kTile) {  // the last one may overlap
        const int64_t at = std::min(q, out_w - kTile);
        add_taps<T, Level, 8>(taps, bias, in + at, out + at);
      }
    }
    return;
  }
  correlate_run<T, Level>(taps, bias, in, rows * width, grid);
  for (int64_t row = 0; row < rows; ++row) {
    copy_row<T, Level>(grid + row * width, out_w, out + row * out_w);
  }
}

// totals[t] += Σ_q dy[q] in[offsets[t] + q], lane by lane, for t < Count. Each chunk is summed by
// itself: one long chain of additions would lose digits.
template <class T, class Level, int Count>
NORMA_INLINE inline void add_products(const int64_t* offsets, const T* in, const T* dy,
                                      int64_t count, T* totals) {
  using V = LevelVector<T, Level>;
  constexpr int64_t kChunk = 32 * V::kLanes;
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    typename V::Value sums[Count];
    unrolled<Count>([&](int t) NORMA_INLINE { sums[t] = typename V::Value{}; });
    for (int64_t q = begin; q < std::min(count, begin + kChunk); q += V::kLanes) {
      const typename V::Value d = V::at(dy + q).value;
      unrolled<Count>([&](int t) NORMA_INLINE { sums[t] += d * V::at(in + offsets[t] + q).value; });
    }
    unrolled<Count>([&](int t) NORMA_INLINE { V::at(totals + t * kTileSlack).value += sums[t]; });
  }
}

}  // namespace

template <class T>
void depthwise_correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y) {
  const Planes planes(s, sizeof(T));
  const int64_t inputs = s.group_in(), outputs = s.group_out(), depth = inputs * s.kernel_size();
  Scratch<int64_t> offsets(depth);
  Scratch<T> taps(s.out_channels * depth);
  int64_t* next = offsets.data();
  const auto each_tap = [&](auto f) {
    for (int64_t c = 0; c < inputs; ++c) {
      for (int64_t i = 0; i < s.kernel_h; ++i) {
        for (int64_t j = 0; j < s.kernel_w; ++j) f(c, i, j);
      }
    }
  };
  each_tap([&](int64_t c, int64_t i, int64_t j) { *next++ = planes.offset(c, i, j); });
  T* tap = taps.data();
  for (int64_t o = 0; o < s.out_channels; ++o) {
    const T* from = weights.data + o / outputs * weights.group + o % outputs * weights.row;
    each_tap([&](int64_t c, int64_t i, int64_t j) {
      *tap++ = from[c * weights.channel + i * weights.kernel_row + j * weights.kernel_column];
    });
  }

  const int64_t items = s.batch * s.groups * planes.panels;
  const int parts = parallel_parts(items, conv_grain(items, 2 * s.multiplications()));
  const int64_t part_size = planes.size() + planes.grid_size();
  Scratch<T> memory(parts * part_size);
  parallel_parts_for(parts, items, [&](int64_t first, int64_t last, int part) {
    T* const in = memory.data() + part * part_size;
    T* const grid = in + planes.size();
    for (int64_t item = first; item < last; ++item) {
      const int64_t image = item / planes.panels, panel = item % planes.panels;
      planes.fill(x + image * inputs * s.in_size(), panel, item == first, in);
      for (int64_t i = 0; i < outputs; ++i) {
        const int64_t o = image % s.groups * outputs + i;
        const Taps<T> own{inputs, s.kernel_size(), taps.data() + o * depth, offsets.data()};
        const T bias = weights.bias ? weights.bias[o] : T(0);
        T* out = y + (image * outputs + i) * s.out_size() + panel * planes.rows * s.out_w;
        const int64_t rows = planes.rows_of(panel), width = planes.width, out_w = s.out_w;
        for_level([=]<class Level>() NORMA_INLINE {
          correlate_panel<T, Level>(own, bias, in, rows, width, out_w, grid, out);
        });
      }
    }
  });
}

template <class T>
bool depthwise_weight_grad(const Conv2dShape& s, const T* x, const T* dy, T* dw) {
  constexpr int64_t kMany = 9, kFew = 3;  // positions summed at a time
  const Planes planes(s, sizeof(T));
  const int64_t taps = s.kernel_size(), outputs = s.group_out(), padded = round_up(taps, kFew);
  Scratch<int64_t> offset_memory(padded);
  int64_t* const offsets = offset_memory.data();
  for (int64_t t = 0; t < padded; ++t) {
    offsets[t] = t < taps ? planes.offset(0, t / s.kernel_w, t % s.kernel_w) : 0;
  }
  // A thread has whole channels, in all images, so that the sums over the images are its own.
  const int parts = parallel_parts(s.groups, conv_grain(s.groups, 2 * s.multiplications()));
  const int64_t total_size = outputs * padded * kTileSlack;
  const int64_t part_size = planes.size() + planes.grid_size() + total_size;
  Scratch<T> memory(parts * part_size);
  parallel_parts_for(parts, s.groups, [&](int64_t first, int64_t last, int part) {
    T* const in = memory.data() + part * part_size;
    T* const grid = in + planes.size();
    T* const totals = grid + planes.grid_size();
    for (int64_t g = first; g < last; ++g) {
      std::fill_n(totals, total_size, T(0));
      for (int64_t item = 0; item < s.batch * planes.panels; ++item) {
        const int64_t image = item / planes.panels * s.groups + g, panel = item % planes.panels;
        planes.fill(x + image * s.in_size(), panel, g == first && item == 0, in);
        const int64_t rows = planes.rows_of(panel), width = planes.width, count = rows * width;
        for (int64_t i = 0; i < outputs; ++i) {
          const T* grad = dy + (image * outputs + i) * s.out_size();
          for_level([=, grad = grad + panel * planes.rows * s.out_w, out_w = s.out_w,
                     total = totals + i * padded * kTileSlack]<class Level>() NORMA_INLINE {
            for (int64_t row = 0; row < rows; ++row) {
              copy_row<T, Level>(grad + row * out_w, out_w, grid + row * width);
              std::fill(grid + row * width + out_w, grid + (row + 1) * width, T(0));
            }
            std::fill_n(grid + count, kSlack, T(0));
            int64_t t = 0;
            for (; t + kMany <= padded; t += kMany) {
              add_products<T, Level, kMany>(offsets + t, in, grid, count, total + t * kTileSlack);
            }
            for (; t < padded; t += kFew) {
              add_products<T, Level, kFew>(offsets + t, in, grid, count, total + t * kTileSlack);
            }
          });
        }
      }
      for (int64_t i = 0; i < outputs; ++i) {
        for (int64_t t = 0; t < taps; ++t) {
          const T* lanes = totals + (i * padded + t) * kTileSlack;
          dw[(g * outputs + i) * taps + t] = std::accumulate(lanes, lanes + kTileSlack, T(0));
        }
      }
    }
  });
  const int64_t count = s.out_channels * taps;
  return all_finite(dw, 1, count, count);
}

#define NORMA_DEPTHWISE(T)                                                                   \
  template void depthwise_correlate(const Conv2dShape&, const WeightView<T>&, const T*, T*); \
  template bool depthwise_weight_grad(const Conv2dShape&, const T*, const T*, T*);
NORMA_DEPTHWISE(float)
NORMA_DEPTHWISE(double)
#undef NORMA_DEPTHWISE

}  // namespace norma::kernels
