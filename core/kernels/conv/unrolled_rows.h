// Implicit im2col: images written out so that every tap of a convolution is a shift in memory.
#pragma once
#include <numeric>

#include "norma/core/kernels/conv/conv_shape.h"

namespace norma::kernels {

/// Where im2col copies every tap's view of the image, this copies one for each kernel column,
/// shared by its taps ("implicit im2col"). An unrolled row holds, for a channel c and a kernel
/// column j, what that column sees while the kernel slides along an image row: `out_w` cells, zeros
/// outside the image. Those of consecutive output rows at kernel row i follow each other, so that
///
///     unrolled[offset(c, i, j) + position]
///
/// is the cell tap (c, i, j) sees at `position` of a panel of output rows. Kernel rows share what
/// they see of the same image rows: all of them at stride 1, every second at stride 2.
struct UnrolledRows {
  /// For panels of `panel_rows` output rows.
  UnrolledRows(const Conv2dShape& s, int64_t panel_rows)
      : shape(s),
        rows(panel_rows),
        row_step(s.stride_h / std::gcd(s.stride_h, s.dilation_h)),
        shift_step(row_step * s.dilation_h / s.stride_h),
        height(start(sets())) {}

  /// Kernel rows i, i + row_step, i + 2 row_step, … share a set, in which each begins shift_step
  /// unrolled rows after the one before.
  int64_t sets() const { return row_step < shape.kernel_h ? row_step : shape.kernel_h; }
  int64_t rows_of_set(int64_t i) const { return (shape.kernel_h - 1 - i) / row_step + 1; }
  int64_t offset(int64_t c, int64_t i, int64_t j) const {
    const int64_t own = start(i % row_step) + i / row_step * shift_step;
    return ((c * shape.kernel_w + j) * height + own) * shape.out_w;
  }
  /// Elements for all channels of a group.
  int64_t size() const { return shape.group_in() * shape.kernel_w * height * shape.out_w; }

  Conv2dShape shape;
  int64_t rows, row_step, shift_step, height;

 private:
  // Where a set begins: the first `longer` of them serve a kernel row more than the others.
  int64_t start(int64_t set) const {
    const int64_t least = shape.kernel_h / row_step, longer = shape.kernel_h % row_step;
    return set * rows + (set * (least - 1) + (set < longer ? set : longer)) * shift_step;
  }
};

/// Writes what output rows [first, first + count) see of the channels of a group.
template <class T>
void unroll_rows(const UnrolledRows& layout, int64_t first, int64_t count, const T* image, T* out);

}  // namespace norma::kernels
