// Padding, by its definition. The fast version: core/kernels/pad.h.
#pragma once
#include "norma/core/kernels/pad_shape.h"
#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// The cell of a line of `size` that position `at`, possibly outside, shows; -1 for a zero.
inline int64_t shown(int64_t at, int64_t size, Border border) {
  if (at >= 0 && at < size) return at;
  if (border == Border::Reflect) return at < 0 ? -at : 2 * (size - 1) - at;
  if (border == Border::Replicate) return at < 0 ? 0 : size - 1;
  if (border == Border::Circular) return at < 0 ? at + size : at - size;
  return -1;
}

/// Calls f(y, x) for the cells of y that show one of x.
template <class F>
void each_shown(const Pad2dShape& s, F f) {
  int64_t y = 0;
  for (int64_t p = 0; p < s.planes; ++p) {
    for (int64_t row = 0; row < s.out_h(); ++row) {
      for (int64_t col = 0; col < s.out_w(); ++col, ++y) {
        const int64_t h = shown(row - s.top, s.in_h, s.border);
        const int64_t w = shown(col - s.left, s.in_w, s.border);
        if (h >= 0 && w >= 0) f(y, (p * s.in_h + h) * s.in_w + w);
      }
    }
  }
}

template <class T>
void pad2d_forward(const Pad2dShape& s, const T* x, T* y) {
  for (int64_t i = 0; i < s.planes * s.out_h() * s.out_w(); ++i) y[i] = T(0);
  each_shown(s, [=](int64_t to, int64_t from) { y[to] = x[from]; });
}

template <class T>
void pad2d_backward(const Pad2dShape& s, const T* dy, T* dx) {
  Sums sum(s.planes * s.in_h * s.in_w);
  each_shown(s, [&](int64_t from, int64_t to) { sum[to] += double(dy[from]); });
  sum.store(dx);
}

}  // namespace norma::kernels::plain
