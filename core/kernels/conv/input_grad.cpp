// Fast gradient of x; its plain twin is plain/conv.h.
//
//     images far larger than dy | products of weights and dy, added to the cells they belong to
//     stride 1                  | one correlation of dy with the weights in reverse
//     larger strides            | so for each residue of a cell modulo the stride, interleaved then
#include "norma/core/kernels/conv/input_grad.h"

#include <algorithm>
#include <numeric>

#include "norma/core/integers.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Along one axis: every `stride`th input cell from `first_cell` on, and the taps that reach them.
// dx at those cells is a convolution of dy, of stride 1, with these taps in reverse. With 3 taps,
// stride 2 and a padding of 1, y[o] sees x[2o-1], x[2o] and x[2o+1]:
//
//     dx[0]       dx[1]             dx[2]       dx[3]             dx[4]
//     w[1]dy[0]   w[2]dy[0]         w[1]dy[1]   w[2]dy[1]         w[1]dy[2]
//                 + w[0]dy[1]                   + w[0]dy[2]
//
// Even cells are a phase of one tap, odd cells one of two.
struct Phase {
  Phase(int64_t first, int64_t stride, int64_t dilation, int64_t kernel, int64_t pad, int64_t in)
      : tap_step(stride / std::gcd(stride, dilation)),
        dilation_step(dilation / std::gcd(stride, dilation)),
        first_cell(first),
        cells((in - 1 - first) / stride + 1) {
    const int64_t residue = (first + pad) % stride, before = (first + pad) / stride;
    int64_t first_tap = 0;
    while (first_tap < kernel && first_tap * dilation % stride != residue) ++first_tap;
    taps = first_tap < kernel ? (kernel - 1 - first_tap) / tap_step + 1 : 0;
    last_tap = first_tap + (taps - 1) * tap_step;
    padding = (taps - 1) * dilation_step + first_tap * dilation / stride - before;
  }
  int64_t tap_step, dilation_step;
  int64_t first_cell, cells;
  int64_t taps = 0, last_tap = 0;
  int64_t padding = 0;  // rows of zeros around dy; negative: rows of dy that do not count
};

Phase row_phase(const Conv2dShape& s, int64_t first) {
  return {first, s.stride_h, s.dilation_h, s.kernel_h, s.pad_top, s.in_h};
}
Phase column_phase(const Conv2dShape& s, int64_t first) {
  return {first, s.stride_w, s.dilation_w, s.kernel_w, s.pad_left, s.in_w};
}

// dx at the cells of two phases, densely.
template <class T>
void phase_grad(const Conv2dShape& s, const Phase& rows, const Phase& cols, const T* w, const T* dy,
                T* dx, Correlate<T>& correlate) {
  Conv2dShape t = s;
  t.in_channels = s.out_channels, t.in_h = s.out_h, t.in_w = s.out_w;
  t.out_channels = s.in_channels, t.out_h = rows.cells, t.out_w = cols.cells;
  t.kernel_h = rows.taps, t.kernel_w = cols.taps;
  t.stride_h = t.stride_w = 1;
  t.pad_top = rows.padding, t.pad_left = cols.padding;
  t.dilation_h = rows.dilation_step, t.dilation_w = cols.dilation_step;
  const int64_t depth = s.group_in() * s.kernel_size();
  const WeightView<T> view{.data = w + rows.last_tap * s.kernel_w + cols.last_tap,
                           .bias = nullptr,
                           .storage = nullptr,
                           .group = s.group_out() * depth,
                           .row = s.kernel_size(),
                           .channel = depth,
                           .kernel_row = -rows.tap_step * s.kernel_w,
                           .kernel_column = -cols.tap_step};
  correlate(t, view, dy, dx);
}

// One row of dx from those of its `count` column phases.
template <class T, class Level>
NORMA_INLINE inline void join_phases(const Phase* phases, const T* const* rows, int64_t count,
                                     int64_t stride, T* out) {
  if (stride == 2 && count == 2) {
    const T *const even = rows[0], *const odd = rows[1];
    const int64_t evens = phases[0].cells, pairs = phases[1].cells;
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
  for (int64_t b = 0; b < count; ++b) {
    const T* in = rows[b];
    T* to = out + b;
    for (int64_t k = 0; k < phases[b].cells; ++k) to[k * stride] = in[k];
  }
}

// The rows of a row phase in all planes. starts[b]: the planes of column phase b; null where no tap
// reaches its cells, whose gradient is `zeros`.
template <class T>
void join_planes(const Conv2dShape& s, const Phase& rows, const Phase* phases,
                 const T* const* starts, const T* zeros, T* dx) {
  const int64_t planes = s.batch * s.in_channels, column_phases = std::min(s.stride_w, s.in_w);
  parallel_for(planes, 50'000 / (rows.cells * s.in_w) + 1, [&](int64_t first, int64_t last) {
    Scratch<const T*> row_memory(column_phases);
    const T** const in = row_memory.data();
    for_level([&, in, first, last]<class Level>() NORMA_INLINE {
      for (int64_t plane = first; plane < last; ++plane) {
        for (int64_t y = 0; y < rows.cells; ++y) {
          for (int64_t b = 0; b < column_phases; ++b) {
            const int64_t row = plane * rows.cells + y;
            in[b] = starts[b] ? starts[b] + row * phases[b].cells : zeros;
          }
          T* out = dx + plane * s.in_size() + (rows.first_cell + y * s.stride_h) * s.in_w;
          join_phases<T, Level>(phases, in, column_phases, s.stride_w, out);
        }
      }
    });
  });
}

// Whether a correlation would mostly meet the padding around dy. The bits of the baseline are its.
bool suits_scatter(const Conv2dShape& s) {
  constexpr int64_t kMost = 1 << 20, kOutputs = 16;  // elements of working memory; terms of a sum
  const int64_t seen = limited_product(s.out_size(), s.stride_h * s.stride_w);
  return simd_level() > SimdLevel::Baseline && s.groups == 1 && s.out_channels >= kOutputs &&
         s.in_size() / 9 > seen / 5 &&
         limited_product(s.in_channels * s.kernel_size(), s.out_size()) <= kMost;
}

// What every kernel position passes back to an image.
template <class T>
void scatter_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx) {
  const int64_t depth = s.in_channels * s.kernel_size(), size = s.out_size();
  const int parts = parallel_parts(s.batch, conv_grain(s.batch, s.multiplications()));
  Scratch<T> memory(parts * depth * size);
  parallel_parts_for(parts, s.batch, [&](int64_t first, int64_t last, int part) {
    T* const passed = memory.data() + part * depth * size;
    for (int64_t n = first; n < last; ++n) {
      matmul<T>({true, false, depth, size, s.out_channels, w, depth, dy + n * s.out_channels * size,
                 size, nullptr, passed, size});
      T* const image = dx + n * s.in_channels * s.in_size();
      std::fill_n(image, s.in_channels * s.in_size(), T(0));
      simd([=, &s]() NORMA_INLINE {
        for (int64_t k = 0; k < depth; ++k) {
          const int64_t i = k / s.kernel_w % s.kernel_h, j = k % s.kernel_w;
          const int64_t top = i * s.dilation_h - s.pad_top, left = j * s.dilation_w - s.pad_left;
          const Span rows = valid_positions(s.out_h, s.stride_h, top, s.in_h);
          const Span cells = valid_positions(s.out_w, s.stride_w, left, s.in_w);
          for (int64_t row = rows.first; row < rows.last; ++row) {
            const int64_t line = k / s.kernel_size() * s.in_h + row * s.stride_h + top;
            T* const to = image + line * s.in_w + left;
            const T* const from = passed + k * size + row * s.out_w;
            const int64_t step = s.stride_w, end = cells.last;
            if (step == 1) {
              NORMA_INDEPENDENT for (int64_t x = cells.first; x < end; ++x) to[x] += from[x];
            } else {
              for (int64_t x = cells.first; x < end; ++x) to[x * step] += from[x];
            }
          }
        }
      });
    }
  });
}

}  // namespace

template <class T>
void input_grad(const Conv2dShape& s, const T* w, const T* dy, T* dx, Correlate<T>& correlate) {
  if (s.in_size() == 0) return;
  if (suits_scatter(s)) return scatter_grad(s, w, dy, dx);
  if (s.stride_h == 1 && s.stride_w == 1) {
    return phase_grad(s, row_phase(s, 0), column_phase(s, 0), w, dy, dx, correlate);
  }
  // Phases with cells alone: a stride may be far longer than the image.
  const int64_t row_phases = std::min(s.stride_h, s.in_h);
  const int64_t column_phases = std::min(s.stride_w, s.in_w);
  Scratch<Phase> phase_memory(column_phases);
  Phase* const phases = phase_memory.data();
  for (int64_t b = 0; b < column_phases; ++b) phases[b] = column_phase(s, b);
  Scratch<T> zeros(s.in_w);
  std::fill_n(zeros.data(), s.in_w, T(0));
  Scratch<const T*> start_memory(column_phases);
  const T** const starts = start_memory.data();
  const int64_t planes = s.batch * s.in_channels;
  for (int64_t a = 0; a < row_phases; ++a) {
    const Phase rows = row_phase(s, a);
    Scratch<T> memory(rows.taps > 0 ? planes * rows.cells * s.in_w : 0);
    T* next = memory.data();
    for (int64_t b = 0; b < column_phases; ++b) {
      const bool reached = rows.taps > 0 && phases[b].taps > 0;
      starts[b] = reached ? next : nullptr;
      if (!reached) continue;
      phase_grad(s, rows, phases[b], w, dy, next, correlate);
      next += planes * rows.cells * phases[b].cells;
    }
    join_planes(s, rows, phases, starts, zeros.data(), dx);
  }
}

template void input_grad(const Conv2dShape&, const float*, const float*, float*, Correlate<float>&);
template void input_grad(const Conv2dShape&, const double*, const double*, double*,
                         Correlate<double>&);

}  // namespace norma::kernels
