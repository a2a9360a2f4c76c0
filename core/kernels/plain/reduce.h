// Sums, by their definition. The fast version: core/kernels/reduce.h.
#pragma once
#include <cstdint>
#include <type_traits>

namespace norma::kernels::plain {

/// out[o, i] = Σ_k x[o, k, i] / divisor. Integers wrap around, and are not divided.
template <class T>
void sum_middle(T* out, const T* x, int64_t outer, int64_t length, int64_t inner, double divisor) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [=](int64_t k) { return x[(o * length + k) * inner + i]; };
      if constexpr (std::is_floating_point_v<T>) {
        double sum = 0;
        for (int64_t k = 0; k < length; ++k) sum += double(at(k));
        out[o * inner + i] = static_cast<T>(sum / divisor);
      } else {
        uint64_t sum = 0;
        for (int64_t k = 0; k < length; ++k) sum += static_cast<uint64_t>(at(k));
        out[o * inner + i] = static_cast<T>(sum);
      }
    }
  }
}

}  // namespace norma::kernels::plain
