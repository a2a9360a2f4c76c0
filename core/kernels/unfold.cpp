#include "norma/core/kernels/unfold.h"

#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

// Calls f(x, y, stride, count) for every run of cells in the image that a row of windows sees, with
// where it begins in x and in y.
template <class F>
void each_run(const Conv2dShape& s, int64_t plane, F f) {
  for (int64_t k = 0; k < s.kernel_size(); ++k) {
    const int64_t top = k / s.kernel_w * s.dilation_h - s.pad_top;
    const int64_t left = k % s.kernel_w * s.dilation_w - s.pad_left;
    const Span rows = valid_positions(s.out_h, s.stride_h, top, s.in_h);
    const Span cols = valid_positions(s.out_w, s.stride_w, left, s.in_w);
    if (cols.first == cols.last) continue;
    for (int64_t row = rows.first; row < rows.last; ++row) {
      const int64_t line = plane * s.in_h + row * s.stride_h + top;
      const int64_t to = (plane * s.kernel_size() + k) * s.out_size() + row * s.out_w;
      f(line * s.in_w + cols.first * s.stride_w + left, to + cols.first, s.stride_w,
        cols.last - cols.first);
    }
  }
}

template <class F>
void each_plane(const Conv2dShape& s, F f) {
  const int64_t cells = limited_product(s.kernel_size(), s.out_size());
  parallel_for(s.batch * s.in_channels, kPoolGrain / (cells / 2 + 1) + 1,
               [&](int64_t first, int64_t last) {
                 for (int64_t plane = first; plane < last; ++plane) f(plane);
               });
}

}  // namespace

template <class T>
void unfold(const Conv2dShape& s, const T* x, T* y) {
  each_plane(s, [&](int64_t plane) {
    const int64_t cells = s.kernel_size() * s.out_size();
    std::fill_n(y + plane * cells, cells, T(0));
    each_run(s, plane, [=](int64_t from, int64_t to, int64_t stride, int64_t count) {
      for (int64_t i = 0; i < count; ++i) y[to + i] = x[from + i * stride];
    });
  });
}

template <class T>
void fold(const Conv2dShape& s, const T* dy, T* dx) {
  each_plane(s, [&](int64_t plane) {
    std::fill_n(dx + plane * s.in_size(), s.in_size(), T(0));
    each_run(s, plane, [=](int64_t to, int64_t from, int64_t stride, int64_t count) {
      for (int64_t i = 0; i < count; ++i) dx[to + i * stride] += dy[from + i];
    });
  });
}

template void unfold(const Conv2dShape&, const float*, float*);
template void unfold(const Conv2dShape&, const double*, double*);
template void fold(const Conv2dShape&, const float*, float*);
template void fold(const Conv2dShape&, const double*, double*);

}  // namespace norma::kernels
