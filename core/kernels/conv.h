// Convolution in two dimensions on contiguous memory: the loops behind functional::conv2d.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// Everything a convolution needs to know but the values. Cells outside the image read as zero;
/// the frame below and to the right follows from the output size.
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

/// y = x ⋆ w + bias; `bias` may be null.
template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y);

/// The gradients that are wanted: `dx`, `dw` and `db` may each be null. They are overwritten.
template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db);

/// One input channel per group (depthwise): no matrix product pays off there.
template <class T>
void depthwise_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y);
template <class T>
void depthwise_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw);

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
