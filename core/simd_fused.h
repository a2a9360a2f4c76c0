// A product and a sum, rounded once.
#pragma once
#include <type_traits>

#include "norma/core/simd.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace norma {

/// sum += a b for a vector b, and a that is a number or a vector. On x86-64 the compiler fuses it
/// where the level has an instruction for that; on arm64, where every level has, it may not (see
/// cmake/flags.cmake), and is told to here.
template <class V, class A>
NORMA_INLINE inline void add_fused(V& sum, const A& a, const V& b) {
#if defined(__aarch64__)
  using Number = std::remove_cvref_t<decltype(b[0])>;
  if constexpr (sizeof(Number) == sizeof(float)) {
    if constexpr (std::is_same_v<A, Number>) {
      sum = (V)vfmaq_n_f32((float32x4_t)sum, (float32x4_t)b, a);
    } else {
      sum = (V)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
    }
  } else if constexpr (std::is_same_v<A, Number>) {
    sum = (V)vfmaq_n_f64((float64x2_t)sum, (float64x2_t)b, a);
  } else {
    sum = (V)vfmaq_f64((float64x2_t)sum, (float64x2_t)a, (float64x2_t)b);
  }
#else
  sum += a * b;
#endif
}

}  // namespace norma
