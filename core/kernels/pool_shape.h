// The windows of pooling.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// `planes` images of one channel each, and the windows laid over them.
struct Pool2dShape {
  int64_t planes, in_h, in_w, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

/// What the sum of a window is divided by: `divisor`, or (0) the number of its cells, those in the
/// padding counted or not.
struct AvgPoolRule {
  bool count_include_pad;
  int64_t divisor;
};

}  // namespace norma::kernels
