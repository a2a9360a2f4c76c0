// The view of an image that makes every tap of a convolution a plain shift in memory.
#pragma once
#include <numeric>

#include "norma/core/kernels/conv.h"

namespace norma::kernels {

/// Lines hold, for a channel c and a kernel column j, what that column sees while the kernel slides
/// along an image row: `out_w` cells, zeros outside the image. The lines that kernel row i meets in
/// consecutive output rows follow each other, so that
///
///     lines[offset(c, i, j) + position]
///
/// is the cell tap (c, i, j) sees at `position` of a panel of output rows. Kernel rows share their
/// lines where they see the same image rows: all of them at stride 1, every second at stride 2.
struct Lines {
  /// For panels of `panel_rows` output rows.
  Lines(const Conv2dShape& s, int64_t panel_rows)
      : shape(s),
        rows(panel_rows),
        row_step(s.stride_h / std::gcd(s.stride_h, s.dilation_h)),
        line_step(row_step * s.dilation_h / s.stride_h),
        height(line(sets())) {}

  /// Kernel rows i, i + row_step, i + 2 row_step, … share lines, line_step after one another.
  int64_t sets() const { return row_step < shape.kernel_h ? row_step : shape.kernel_h; }
  int64_t rows_of_set(int64_t i) const { return (shape.kernel_h - 1 - i) / row_step + 1; }
  int64_t offset(int64_t c, int64_t i, int64_t j) const {
    const int64_t own = line(i % row_step) + i / row_step * line_step;
    return ((c * shape.kernel_w + j) * height + own) * shape.out_w;
  }
  /// Elements for all channels of a group.
  int64_t size() const { return shape.group_in() * shape.kernel_w * height * shape.out_w; }

  Conv2dShape shape;
  int64_t rows, row_step, line_step, height;

 private:
  // Where a set of lines begins: the first `longer` of them serve a kernel row more than the others.
  int64_t line(int64_t set) const {
    const int64_t least = shape.kernel_h / row_step, longer = shape.kernel_h % row_step;
    return set * rows + (set * (least - 1) + (set < longer ? set : longer)) * line_step;
  }
};

/// Fills the lines for output rows [first, first + count) from the channels of a group.
template <class T>
void fill_lines(const Lines& lines, int64_t first, int64_t count, const T* image, T* out);

}  // namespace norma::kernels
