// How convolutions are cut into pieces: panels of output rows, and where their taps begin.
#pragma once
#include <cstdint>

#include "norma/core/kernels/conv/unrolled_rows.h"

namespace norma::kernels {

/// 1×1, stride 1, no padding: a plain matrix product.
bool is_pointwise(const Conv2dShape& s);

/// The output rows of an image in panels whose working memory stays in the second-level cache.
struct Panels {
  /// `row_bytes`: the working memory that an output row takes.
  Panels(const Conv2dShape& s, int64_t row_bytes);

  int64_t begin(int64_t panel) const { return panel * rows; }
  /// The number of rows; the last panel may have fewer.
  int64_t size(int64_t panel) const {
    return out_h - begin(panel) < rows ? out_h - begin(panel) : rows;
  }

  int64_t out_h, rows, count;
};

/// Of `items` that share the work of a convolution, how many a thread should have at least.
int64_t conv_grain(const Conv2dShape& s, int64_t items);

/// offsets[k]: where term k of a sum begins, in the order of the weights in memory (channel, kernel
/// row, kernel column); in the image itself where it is used directly.
void fill_offsets(const UnrolledRows& unrolled, bool direct, int64_t* offsets);

}  // namespace norma::kernels
