// Convolution of images.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

/// Element [i][j][k][l] of a float32 tensor with four axes, to be read or written.
inline float& at(const Tensor& t, int64_t i, int64_t j, int64_t k, int64_t l) {
  const int64_t index[] = {i, j, k, l};
  int64_t offset = 0;
  for (int axis = 0; axis < 4; ++axis) {
    if (index[axis] < 0 || index[axis] >= t.size(axis)) {
      norma::fail("at", "expected an index from 0 to ", t.size(axis) - 1, " for axis ", axis,
                  ", got ", index[axis], "; what lies in the padding is 0 and is not read");
    }
    offset += index[axis] * t.stride(axis);  // rows need not lie one after the other
  }
  return t.data_ptr<float>()[offset];
}

/// x [N, C, H, W], weight [O, C, kH, kW], bias [O] without gaps; the result [N, O, H', W'].
inline Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride,
                     int64_t padding) {
  const int64_t n = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t outputs = weight.size(0), kernel_h = weight.size(2), kernel_w = weight.size(3);
  const int64_t out_h = (height + 2 * padding - kernel_h) / stride + 1;
  const int64_t out_w = (width + 2 * padding - kernel_w) / stride + 1;
  const Tensor y = norma::zeros({n, outputs, out_h, out_w});
  for (int64_t sample = 0; sample < n; ++sample) {
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t i = 0; i < out_h; ++i) {
        for (int64_t j = 0; j < out_w; ++j) {
          float sum = bias.data_ptr<float>()[o];
          for (int64_t c = 0; c < channels; ++c) {
            for (int64_t a = 0; a < kernel_h; ++a) {
              for (int64_t b = 0; b < kernel_w; ++b) {
                const int64_t row = i * stride + a - padding, column = j * stride + b - padding;
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                sum += at(x, sample, c, row, column) * at(weight, o, c, a, b);
              }
            }
          }
          at(y, sample, o, i, j) = sum;
        }
      }
    }
  }
  return y;
}

}  // namespace mine
