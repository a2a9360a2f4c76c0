// The windows of pooling.
#pragma once
#include <cstdint>

#include "norma/core/integers.h"

namespace norma::kernels {

/// `planes` images of one channel each, and the windows laid over them.
struct Pool2dShape {
  int64_t planes, in_h, in_w, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;

  /// 2^63 - 1 where there are more.
  int64_t window_cells() const { return limited_product(kernel_h, kernel_w); }
  /// Whether most cells of a window are outside the image: the plain kernels, which ask for those
  /// inside alone, are the fast ones then.
  bool sees_little() const { return kernel_h > in_h + kMargin || kernel_w > in_w + kMargin; }
  static constexpr int64_t kMargin = 64;
};

/// What the sum of a window is divided by: `divisor`, or (0) the number of its cells, those in the
/// padding counted or not.
struct AvgPoolRule {
  bool count_include_pad;
  int64_t divisor;
};

}  // namespace norma::kernels
