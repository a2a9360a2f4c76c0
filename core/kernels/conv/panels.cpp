#include "norma/core/kernels/conv/panels.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/threads.h"

namespace norma::kernels {

constexpr int64_t kPanelBytes = 384 * 1024;

bool is_pointwise(const Conv2dShape& s) {
  return s.taps() == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 &&
         s.in_h == s.out_h && s.in_w == s.out_w;
}

Panels::Panels(const Conv2dShape& s, int64_t row_bytes) : out_h(s.out_h) {
  const int64_t fit = std::max<int64_t>(kPanelBytes / std::max<int64_t>(row_bytes, 1), 1);
  count = ceil_div(s.out_h, std::min(fit, s.out_h));
  // With few images, every one is shared out.
  const int64_t threads = get_num_threads();
  if (s.batch < 4 * threads && s.batch % threads != 0) {
    count = std::min(s.out_h, ceil_div(count, threads) * threads);
  }
  rows = ceil_div(s.out_h, count);
  count = ceil_div(s.out_h, rows);
}

int64_t conv_grain(const Conv2dShape& s, int64_t items) {
  const int64_t work = s.batch * s.out_channels * s.out_size() * s.group_in() * s.taps();
  return ceil_div(kMultiplyGrain * std::max<int64_t>(items, 1), std::max<int64_t>(work, 1));
}

void fill_offsets(const UnrolledRows& unrolled, bool direct, int64_t* offsets) {
  const Conv2dShape& s = unrolled.shape;
  for (int64_t c = 0; c < s.group_in(); ++c) {
    for (int64_t i = 0; i < s.kernel_h; ++i) {
      for (int64_t j = 0; j < s.kernel_w; ++j) {
        *offsets++ = direct ? c * s.in_size() : unrolled.offset(c, i, j);
      }
    }
  }
}

}  // namespace norma::kernels
