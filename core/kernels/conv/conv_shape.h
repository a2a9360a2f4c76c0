// The sizes of a convolution, and which of its positions see the image.
#pragma once
#include <cstdint>

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
  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t in_size() const { return in_h * in_w; }
  int64_t out_size() const { return out_h * out_w; }
};

/// The positions o in [0, out_size) with 0 <= o * stride + offset < in_size, as [first, last).
struct Span {
  int64_t first, last;
};
inline Span valid_positions(int64_t out_size, int64_t stride, int64_t offset, int64_t in_size) {
  const int64_t first = offset >= 0 ? 0 : (stride - 1 - offset) / stride;
  const int64_t last = in_size > offset ? (in_size - offset + stride - 1) / stride : 0;
  const int64_t end = last < out_size ? last : out_size;
  return {first < end ? first : end, end};
}

}  // namespace norma::kernels
