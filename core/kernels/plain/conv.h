// Convolution in two dimensions, by its definition. The fast version: core/kernels/conv/conv.h.
#pragma once
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// Calls f(y, x, w) for all the products of the sum below, with where the three numbers lie:
///
///     y[n, o, row, col] = bias[o] + Σ_{c,i,j} x[n, first + c, h, k] w[o, c, i, j]
///     h = row stride_h + i dilation_h - pad_top,  k = col stride_w + j dilation_w - pad_left
///
/// Output channel o sees the input channels of its group, from `first` on. Outside the image x = 0.
template <class F>
void each_product(const Conv2dShape& s, F f) {
  int64_t y = 0;
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t o = 0; o < s.out_channels; ++o) {
      const int64_t first = o / s.group_out() * s.group_in();
      for (int64_t row = 0; row < s.out_h; ++row) {
        for (int64_t col = 0; col < s.out_w; ++col, ++y) {
          for (int64_t c = 0; c < s.group_in(); ++c) {
            for (int64_t i = 0; i < s.kernel_h; ++i) {
              for (int64_t j = 0; j < s.kernel_w; ++j) {
                const int64_t h = row * s.stride_h + i * s.dilation_h - s.pad_top;
                const int64_t k = col * s.stride_w + j * s.dilation_w - s.pad_left;
                if (h < 0 || h >= s.in_h || k < 0 || k >= s.in_w) continue;
                f(y, ((n * s.in_channels + first + c) * s.in_h + h) * s.in_w + k,
                  ((o * s.group_in() + c) * s.kernel_h + i) * s.kernel_w + j);
              }
            }
          }
        }
      }
    }
  }
}

template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y) {
  Sums sum(s.batch * s.out_channels * s.out_size());
  for (int64_t i = 0; bias && i < s.batch * s.out_channels * s.out_size(); ++i) {
    sum[i] = double(bias[i / s.out_size() % s.out_channels]);
  }
  each_product(s, [&](int64_t to, int64_t from, int64_t tap) {
    sum[to] += double(x[from]) * double(w[tap]);
  });
  sum.store(y);
}

/// The product x w in a sum hands its dy on to x, times w, and to w, times x.
template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db) {
  Sums x_sum(s.batch * s.in_channels * s.in_size());
  Sums w_sum(s.out_channels * s.group_in() * s.kernel_size());
  Sums b_sum(s.out_channels);
  each_product(s, [&](int64_t to, int64_t from, int64_t tap) {
    if (dx) x_sum[from] += double(dy[to]) * double(w[tap]);
    if (dw) w_sum[tap] += double(dy[to]) * double(x[from]);
  });
  for (int64_t i = 0; i < s.batch * s.out_channels * s.out_size(); ++i) {
    b_sum[i / s.out_size() % s.out_channels] += double(dy[i]);
  }
  x_sum.store(dx);
  w_sum.store(dw);
  b_sum.store(db);
}

}  // namespace norma::kernels::plain
