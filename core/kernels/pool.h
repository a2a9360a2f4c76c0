// Pooling over windows of images, on contiguous memory.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// `planes` images of one channel each, and the windows laid over them.
struct Pool2dShape {
  int64_t planes, in_h, in_w, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

/// Writes the maxima to y and, where `choice` is not null, the cell of the window that won:
/// row * kernel_w + column. `Index` (uint8_t or int32_t) must hold every cell of a window.
template <class T, class Index>
void max_pool_forward(const Pool2dShape& s, const T* x, T* y, Index* choice);
template <class T, class Index>
void max_pool_backward(const Pool2dShape& s, const T* dy, const Index* choice, T* dx);

/// What the sum of a window is divided by: `divisor`, or (0) the number of its cells, those in the
/// padding counted or not.
struct AvgPoolRule {
  bool count_include_pad;
  int64_t divisor;
};
template <class T>
void avg_pool_forward(const Pool2dShape& s, const AvgPoolRule& rule, const T* x, T* y);
template <class T>
void avg_pool_backward(const Pool2dShape& s, const AvgPoolRule& rule, const T* dy, T* dx);

/// Uses the sizes of `s` only.
template <class T>
void adaptive_avg_pool_forward(const Pool2dShape& s, const T* x, T* y);
template <class T>
void adaptive_avg_pool_backward(const Pool2dShape& s, const T* dy, T* dx);

}  // namespace norma::kernels
