// The padding of an image.
#pragma once
#include <cstdint>

namespace norma::kernels {

enum class Border { Zeros, Reflect, Replicate, Circular };

/// `planes` images [in_h, in_w], which grow by the four margins.
struct Pad2dShape {
  int64_t planes, in_h, in_w, left, right, top, bottom;
  Border border;
  int64_t out_h() const { return top + in_h + bottom; }
  int64_t out_w() const { return left + in_w + right; }
};

}  // namespace norma::kernels
