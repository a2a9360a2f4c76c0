// Dropout: in training, some of the numbers are left out at random.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

/// Each element is dropped, becomes 0, with probability p (0 <= p < 1).
inline Tensor dropout(const Tensor& x, double p, bool training) {
  if (!training) return x;
  const Tensor kept = (norma::rand_like(x) >= p).to(x.dtype());
  return x * kept / (1 - p);
}

}  // namespace mine
