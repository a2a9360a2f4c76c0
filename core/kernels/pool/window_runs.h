// The windows of an image, a run of outputs at a time.
#pragma once
#include <algorithm>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/pool_shape.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {

inline int64_t plane_grain(const Pool2dShape& s) {
  const int64_t cells = limited_product(s.out_h * s.out_w, s.window_cells());
  const int64_t work = s.in_h * s.in_w + std::min(cells, kPoolGrain);
  return kPoolGrain / std::max<int64_t>(work, 1) + 1;
}

/// Calls `body(plane, row)` for every plane, at the processor's level but at most `Widest`; `row`
/// is working memory of `width` values.
template <class Widest, class T, class Body>
void each_plane(const Pool2dShape& s, int64_t width, Body body) {
  const int64_t grain = plane_grain(s);
  const int parts = parallel_parts(s.planes, grain);
  Scratch<T> rows(parts * width);
  parallel_parts_for(parts, s.planes, [&](int64_t first, int64_t last, int part) {
    simd<Widest>([=, row = rows.data() + part * width]() NORMA_INLINE {
      for (int64_t p = first; p < last; ++p) body(p, row);
    });
  });
}

/// For every column of the window, the outputs that see the image with it.
class WindowColumns {
 public:
  explicit WindowColumns(const Pool2dShape& s) : spans_(s.kernel_w) {
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      spans_.data()[j] = valid_positions(s.out_w, s.stride_w, j * s.dilation_w - s.pad_w, s.in_w);
    }
  }
  const Span* spans() const { return spans_.data(); }

 private:
  Scratch<Span> spans_;
};

/// Calls f with the step as a constant where it is 1 or 2: loops over it then become vector code.
template <class F>
NORMA_INLINE inline void with_step(int64_t step, F f) {
  if (step == 1) {
    f(std::integral_constant<int64_t, 1>());
  } else if (step == 2) {
    f(std::integral_constant<int64_t, 2>());
  } else {
    f(step);
  }
}

/// Calls f(output, input, step, count, cell) for every run of outputs of row `row` whose window has
/// its `cell` in the image: `output` counts within the row; `input`, whose neighbours are `step`
/// apart, within the plane.
template <class F>
NORMA_INLINE inline void each_run(const Pool2dShape& s, const Span* columns, int64_t row, F f) {
  for (int64_t i = 0; i < s.kernel_h; ++i) {
    const int64_t y = row * s.stride_h + i * s.dilation_h - s.pad_h;
    if (y < 0 || y >= s.in_h) continue;
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      const Span span = columns[j];
      if (span.first == span.last) continue;
      const int64_t from = y * s.in_w + span.first * s.stride_w + j * s.dilation_w - s.pad_w;
      with_step(s.stride_w, [=](auto step) NORMA_INLINE {
        f(span.first, from, step, span.last - span.first, i * s.kernel_w + j);
      });
    }
  }
}

}  // namespace norma::kernels
