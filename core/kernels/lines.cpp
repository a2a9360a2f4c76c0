#include "norma/core/kernels/lines.h"

#include <algorithm>

#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

// `count` lines, from image row y on, every `step` rows; `shift` is the image column of cell 0.
template <class T>
NORMA_INLINE inline void fill_run(const Conv2dShape& s, const T* channel, int64_t y, int64_t step,
                                  int64_t count, int64_t shift, T* out) {
  const Span rows = valid_positions(count, step, y, s.in_h);
  const Span cols = valid_positions(s.out_w, s.stride_w, shift, s.in_w);
  const int64_t width = s.out_w;
  std::fill(out, out + rows.first * width, T(0));
  std::fill(out + rows.last * width, out + count * width, T(0));
  if (step == 1 && s.stride_w == 1 && width == s.in_w) {
    // Neighbours in memory both here and there: one copy, then the edges.
    const int64_t from = (y + rows.first) * width + shift;
    const int64_t skip = std::max<int64_t>(-from, 0);
    const int64_t stop = std::min((rows.last - rows.first) * width, s.in_size() - from);
    if (skip < stop)
      std::copy(channel + from + skip, channel + from + stop, out + rows.first * width + skip);
    for (int64_t row = rows.first; row < rows.last; ++row) {
      for (int64_t k = 0; k < cols.first; ++k) out[row * width + k] = T(0);
      for (int64_t k = cols.last; k < width; ++k) out[row * width + k] = T(0);
    }
    return;
  }
  for (int64_t row = rows.first; row < rows.last; ++row) {
    const T* in = channel + (y + row * step) * s.in_w + shift;
    T* line = out + row * width;
    for (int64_t k = 0; k < cols.first; ++k) line[k] = T(0);
    if (s.stride_w == 1) {
      for (int64_t k = cols.first; k < cols.last; ++k) line[k] = in[k];
    } else {
      for (int64_t k = cols.first; k < cols.last; ++k) line[k] = in[k * s.stride_w];
    }
    for (int64_t k = cols.last; k < width; ++k) line[k] = T(0);
  }
}

}  // namespace

template <class T>
void fill_lines(const Lines& lines, int64_t first, int64_t count, const T* image, T* out) {
  simd([=]() NORMA_INLINE {
    const Conv2dShape& s = lines.shape;
    const int64_t top = first * s.stride_h - s.pad_top;
    for (int64_t c = 0; c < s.group_in(); ++c) {
      const T* channel = image + c * s.in_size();
      for (int64_t j = 0; j < s.kernel_w; ++j) {
        const int64_t shift = j * s.dilation_w - s.pad_left;
        if (s.stride_h == 1) {
          fill_run(s, channel, top, int64_t{1}, count + (s.kernel_h - 1) * s.dilation_h, shift,
                   out + lines.offset(c, 0, j));
          continue;
        }
        for (int64_t i = 0; i < s.kernel_h; ++i) {
          fill_run(s, channel, top + i * s.dilation_h, s.stride_h, count, shift,
                   out + lines.offset(c, i, j));
        }
      }
    }
  });
}

template void fill_lines(const Lines&, int64_t, int64_t, const float*, float*);
template void fill_lines(const Lines&, int64_t, int64_t, const double*, double*);

}  // namespace norma::kernels
