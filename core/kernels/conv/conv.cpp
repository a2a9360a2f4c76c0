// Fast convolution; its plain twin is plain/conv.h. Which way one is computed is decided here:
//
//     forward                         |
//     a kernel as large as the image  | matmul: a product of images and weights
//     one channel in or out per group | depthwise: one kernel position after the other
//     3×3, stride 1, padding 1, large | winograd; images whose results are not finite, as below
//     1×1, stride 1, no padding       | im2col: products of weights and images
//     anything else                   | im2col: products of weights and unrolled rows
//
// The way depends on the layer and the size of an image alone, and each sums an output in an order
// of its own, so that no bit of a sample depends on the batch around it or on the threads.
//
//     gradient of x                   |
//     a kernel as large as the image  | matmul
//     an image far larger than dy     | input_grad: products of w and dy, added to dx
//     stride 1                        | input_grad: as forward, of dy with the weights in reverse
//     larger strides                  | input_grad: so for each residue modulo the stride
//
//     gradient of w                   |
//     a kernel as large as the image  | matmul
//     one input channel per group     | depthwise
//     3×3, stride 1, padding 1, large | winograd; where a result is not finite, as below
//     anything else                   | im2col: products of unrolled rows (1×1: images) and dy
//
//     gradient of the bias            | im2col: sums of dy
//
// Signals (height 1) go the same ways, as columns.
#include "norma/core/kernels/conv/conv.h"

#include <algorithm>

#include "norma/core/kernels/conv/depthwise.h"
#include "norma/core/kernels/conv/im2col.h"
#include "norma/core/kernels/conv/input_grad.h"
#include "norma/core/kernels/conv/winograd.h"
#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/plain/conv.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

// Every image and every row of weights is one line. A row of OpenBLAS's products is not independent
// of the others.
bool is_product(const Conv2dShape& s) {
  return (own_products() || deterministic()) && s.groups == 1 && s.out_size() == 1 &&
         s.pad_top == 0 && s.pad_left == 0 && s.kernel_h == s.in_h && s.kernel_w == s.in_w;
}
// Whether the kernel reaches not far beyond the image, whose padded copies stay small then.
bool is_compact(const Conv2dShape& s) {
  return (s.kernel_h - 1) * s.dilation_h <= 4 * (s.in_h + s.kernel_h) &&
         (s.kernel_w - 1) * s.dilation_w <= 4 * (s.in_w + s.kernel_w);
}
bool is_depthwise(const Conv2dShape& s) {
  return ((s.group_in() == 1 && s.groups > 1) || s.group_out() == 1) && is_compact(s);
}

// Winograd's transforms pay off from so many channels and tiles on.
bool suits_winograd(const Conv2dShape& s) {
  return has_winograd(s) && std::min(s.group_in(), s.group_out()) >= 8 &&
         s.group_in() * s.group_out() >= 128 && std::min(s.in_h, s.in_w) >= 5;
}
bool suits_winograd_weight_grad(const Conv2dShape& s) {
  const int64_t tiles = s.batch * ceil_div(s.out_h, 2) * ceil_div(s.out_w, 2);
  return has_winograd(s) && std::min(s.group_in(), s.group_out()) >= 16 && tiles >= 32;
}

template <class T>
void correlate(const Conv2dShape& s, const WeightView<T>& weights, const T* x, T* y) {
  if (is_depthwise(s)) return depthwise_correlate(s, weights, x, y);
  if (suits_winograd(s)) {
    Scratch<unsigned char> finite(s.batch);
    winograd_correlate(s, weights, x, y, finite.data());
    const unsigned char* const end = finite.data() + s.batch;
    for (const unsigned char* at = finite.data(); (at = std::find(at, end, 0)) != end;) {
      const int64_t n = at - finite.data();
      Conv2dShape some = s;
      some.batch = std::find(at, end, 1) - at;
      im2col_correlate(some, weights, x + n * s.in_channels * s.in_size(),
                       y + n * s.out_channels * s.out_size());
      at += some.batch;
    }
    return;
  }
  im2col_correlate(s, weights, x, y);
}

// Treats a signal (height 1) as a column, which is the same in memory: panels are made of rows, so
// that a long signal is cut into pieces that fit the cache and are shared out among the threads.
Conv2dShape signal_as_column(Conv2dShape s) {
  if (s.in_h != 1 || s.out_h != 1 || s.kernel_h != 1 || s.pad_top != 0) return s;
  s.in_h = s.in_w, s.out_h = s.out_w, s.kernel_h = s.kernel_w;
  s.stride_h = s.stride_w, s.pad_top = s.pad_left, s.dilation_h = s.dilation_w;
  s.in_w = s.out_w = s.kernel_w = s.stride_w = s.dilation_w = 1;
  s.pad_left = 0;
  return s;
}

}  // namespace

template <class T>
void conv2d_forward(const Conv2dShape& shape, const T* x, const T* w, const T* bias, T* y,
                    Storage* kept) {
  if (plain_kernels()) return plain::conv2d_forward(shape, x, w, bias, y);
  const Conv2dShape s = signal_as_column(shape);
  const int64_t depth = s.group_in() * s.kernel_size(), outputs = s.out_channels;
  if (is_product(s)) {
    return layer_product<T>(
        {false, true, s.batch, outputs, depth, x, depth, w, depth, bias, y, outputs}, kept);
  }
  const WeightView<T> weights{.data = w,
                              .bias = bias,
                              .storage = kept,
                              .group = s.group_out() * depth,
                              .row = depth,
                              .channel = s.kernel_size(),
                              .kernel_row = s.kernel_w,
                              .kernel_column = 1};
  correlate(s, weights, x, y);
}

template <class T>
void conv2d_backward(const Conv2dShape& shape, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db) {
  if (plain_kernels()) return plain::conv2d_backward(shape, x, w, dy, dx, dw, db);
  if (shape.batch == 0) {
    if (dw) std::fill_n(dw, shape.out_channels * shape.group_in() * shape.kernel_size(), T(0));
    if (db) std::fill_n(db, shape.out_channels, T(0));
    return;
  }
  const Conv2dShape s = signal_as_column(shape);
  const int64_t depth = s.group_in() * s.kernel_size(), outputs = s.out_channels;
  if (dw && is_product(s)) {
    parallel_matmul<T>(
        {true, false, outputs, depth, s.batch, dy, outputs, x, depth, nullptr, dw, depth});
    dw = nullptr;
  }
  if (dx && is_product(s)) {
    parallel_matmul<T>(
        {false, false, s.batch, depth, outputs, dy, outputs, w, depth, nullptr, dx, depth});
    dx = nullptr;
  }
  const bool depthwise = s.group_in() == 1 && s.groups > 1 && is_compact(s);
  if (dw && depthwise && depthwise_weight_grad(s, x, dy, dw)) dw = nullptr;
  if (dw && suits_winograd_weight_grad(s) && winograd_weight_grad(s, x, dy, dw)) dw = nullptr;
  if (dw || db) im2col_weight_grad(s, x, dy, dw, db);
  if (dx) input_grad(s, w, dy, dx, correlate<T>);
}

template void conv2d_forward(const Conv2dShape&, const float*, const float*, const float*, float*,
                             Storage*);
template void conv2d_forward(const Conv2dShape&, const double*, const double*, const double*,
                             double*, Storage*);
template void conv2d_backward(const Conv2dShape&, const float*, const float*, const float*, float*,
                              float*, float*);
template void conv2d_backward(const Conv2dShape&, const double*, const double*, const double*,
                              double*, double*, double*);

}  // namespace norma::kernels
