// The plain twin is core/kernels/plain/conv.h. Which way a convolution is computed:
//
//     forward                         |
//     one input channel per group     | depthwise: the taps, one after the other
//     3×3, stride 1, padding 1, large | winograd; where a result is not finite, as below
//     1×1, stride 1, no padding       | correlate: products of weights and images (*)
//     anything else                   | correlate: products of weights and unrolled rows
//
//     gradient of x                   |
//     one input channel per group     | depthwise
//     stride 1                        | input_grad: forward of dy with the weights in reverse
//     larger strides                  | input_grad: so for each residue modulo the stride
//
//     gradient of w                   |
//     one input channel per group     | depthwise
//     3×3, stride 1, padding 1, large | winograd; where a result is not finite, as below
//     1×1, stride 1, no padding       | weight_grad: sums over images and dy
//     anything else                   | weight_grad: sums over unrolled rows and dy
//
// (*) of a multiple of kTileSlack cells. Signals (height 1) go the same ways, as columns.
#include "norma/core/kernels/conv/conv.h"

#include <algorithm>

#include "norma/core/kernels/conv/correlate.h"
#include "norma/core/kernels/conv/depthwise.h"
#include "norma/core/kernels/conv/input_grad.h"
#include "norma/core/kernels/conv/weight_grad.h"
#include "norma/core/kernels/conv/winograd.h"
#include "norma/core/kernels/plain/conv.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

bool is_depthwise(const Conv2dShape& s) { return s.group_in() == 1 && s.groups > 1; }

// Treats a signal (height 1) as a column, which is the same in memory: panels are made of rows, so
// that a long signal is cut into pieces that fit the cache and are shared out among the threads.
Conv2dShape upright(Conv2dShape s) {
  if (s.in_h != 1 || s.out_h != 1 || s.kernel_h != 1 || s.pad_top != 0) return s;
  s.in_h = s.in_w, s.out_h = s.out_w, s.kernel_h = s.kernel_w;
  s.stride_h = s.stride_w, s.pad_top = s.pad_left, s.dilation_h = s.dilation_w;
  s.in_w = s.out_w = s.kernel_w = s.stride_w = s.dilation_w = 1;
  s.pad_left = 0;
  return s;
}

}  // namespace

template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (plain_kernels()) return plain::conv2d_forward(s, x, w, bias, y);
  if (is_depthwise(s)) return depthwise_forward(s, x, w, bias, y);
  const Conv2dShape t = upright(s);
  const int64_t depth = s.group_in() * s.taps();
  const WeightView<T> view{
      .data = w, .row = depth, .channel = s.taps(), .tap_h = t.kernel_w, .tap_w = 1};
  correlate(t, view, s.group_out() * depth, bias, x, y);
}

template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db) {
  if (plain_kernels()) return plain::conv2d_backward(s, x, w, dy, dx, dw, db);
  if (s.batch == 0) {
    if (dw) std::fill_n(dw, s.out_channels * s.group_in() * s.taps(), T(0));
    if (db) std::fill_n(db, s.out_channels, T(0));
    return;
  }
  if (is_depthwise(s)) {
    depthwise_backward(s, x, w, dy, dx, dw);
    dx = dw = nullptr;
  }
  if (dw && winograd_suits_weight_grad(s) && winograd_weight_grad(s, x, dy, dw)) dw = nullptr;
  if (dw || db) weight_grad(upright(s), x, dy, dw, db);
  if (dx) input_grad(upright(s), w, dy, dx);
}

template void conv2d_forward(const Conv2dShape&, const float*, const float*, const float*, float*);
template void conv2d_forward(const Conv2dShape&, const double*, const double*, const double*,
                             double*);
template void conv2d_backward(const Conv2dShape&, const float*, const float*, const float*, float*,
                              float*, float*);
template void conv2d_backward(const Conv2dShape&, const double*, const double*, const double*,
                              double*, double*, double*);

}  // namespace norma::kernels
