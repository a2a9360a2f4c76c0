// The view of an image that makes every tap of a convolution a plain shift in memory.
#pragma once
#include "norma/core/kernels/conv.h"

namespace norma::kernels {

/// Lines hold, for a channel c and a kernel column j, what that column sees while the kernel slides
/// along an image row: `out_w` cells, zeros outside the image. The lines that kernel row i meets in
/// consecutive output rows follow each other, so that
///
///     lines[offset(c, i, j) + position]
///
/// is the cell tap (c, i, j) sees at `position` of a panel of output rows. At stride 1 the kernel
/// rows share their lines.
struct Lines {
  /// For panels of `panel_rows` output rows.
  Lines(const Conv2dShape& s, int64_t panel_rows)
      : shape(s),
        rows(panel_rows),
        height(s.stride_h == 1 ? rows + (s.kernel_h - 1) * s.dilation_h : rows * s.kernel_h) {}

  int64_t offset(int64_t c, int64_t i, int64_t j) const {
    const int64_t line = shape.stride_h == 1 ? i * shape.dilation_h : i * rows;
    return ((c * shape.kernel_w + j) * height + line) * shape.out_w;
  }
  /// Elements for all channels of a group.
  int64_t size() const { return offset(shape.group_in(), 0, 0); }

  Conv2dShape shape;
  int64_t rows, height;
};

/// Fills the lines for output rows [first, first + count) from the channels of a group.
template <class T>
void fill_lines(const Lines& lines, int64_t first, int64_t count, const T* image, T* out);

}  // namespace norma::kernels
