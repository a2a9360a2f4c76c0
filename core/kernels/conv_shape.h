// The sizes of a convolution, its padding "same", and which of its positions see the image.
#pragma once
#include <algorithm>
#include <cstdint>

#include "norma/core/grains.h"
#include "norma/core/integers.h"

namespace norma::kernels {

/// Everything a convolution needs to know but the values. Cells outside the image read as zero;
/// the padding below and to the right follows from the output size.
struct Conv2dShape {
  int64_t batch, in_channels, in_h, in_w;
  int64_t out_channels, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int64_t groups;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t kernel_size() const { return kernel_h * kernel_w; }
  int64_t in_size() const { return in_h * in_w; }
  int64_t out_size() const { return out_h * out_w; }
  /// 1×1, stride 1, no padding: a plain matrix product.
  bool is_pointwise() const {
    return kernel_size() == 1 && stride_h == 1 && stride_w == 1 && pad_top == 0 && pad_left == 0 &&
           in_h == out_h && in_w == out_w;
  }
  int64_t multiplications() const {
    return limited_product(batch * out_channels * out_size(), group_in() * kernel_size());
  }
};

/// Of `items` that share so many multiplications, how many a thread should have at least.
inline int64_t conv_grain(int64_t items, int64_t multiplications) {
  return ceil_div(kMultiplyGrain * std::max<int64_t>(items, 1),
                  std::max<int64_t>(multiplications, 1));
}

/// What padding "same" adds along an axis, so that the output is as long as the input: of an odd
/// number of cells, the larger part goes behind.
struct SamePadding {
  int64_t before, behind;
};
inline SamePadding same_padding(int64_t kernel_size, int64_t dilation) {
  const int64_t cells = checked_reach("padding", dilation, kernel_size);
  return {cells / 2, cells - cells / 2};
}

/// The positions o in [0, out_size) with 0 <= o * stride + offset < in_size, as [first, last).
struct Span {
  int64_t first, last;
};
inline Span valid_positions(int64_t out_size, int64_t stride, int64_t offset, int64_t in_size) {
  const int64_t first = offset >= 0 ? 0 : (stride - 1 - offset) / stride;
  const int64_t last = in_size > offset ? (in_size - offset + stride - 1) / stride : 0;
  const int64_t end = std::min(last, out_size);
  return {std::min(first, end), end};
}

}  // namespace norma::kernels
