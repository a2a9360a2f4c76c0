// Sums and extrema, by their definition. The fast versions: core/kernels/reduce.h and extremum.h.
#pragma once
#include <cstdint>
#include <type_traits>

namespace norma::kernels::plain {

/// out[o, i] = Σ_k x[o, k, i] / divisor. Integers wrap around, and are not divided.
template <class Out, class T>
void sum_middle(Out* out, const T* x, int64_t outer, int64_t length, int64_t inner,
                double divisor) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [=](int64_t k) { return x[(o * length + k) * inner + i]; };
      if constexpr (std::is_floating_point_v<T>) {
        double sum = 0;
        for (int64_t k = 0; k < length; ++k) sum += double(at(k));
        out[o * inner + i] = static_cast<Out>(sum / divisor);
      } else {
        uint64_t sum = 0;
        for (int64_t k = 0; k < length; ++k) sum += static_cast<uint64_t>(at(k));
        out[o * inner + i] = static_cast<Out>(sum);
      }
    }
  }
}

/// out[o, i] = Σ_k x[o, k, i]².
template <class T>
void sum_squares(double* out, const T* x, int64_t outer, int64_t length, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < length; ++k) {
        const double value = double(x[(o * length + k) * inner + i]);
        sum += value * value;
      }
      out[o * inner + i] = sum;
    }
  }
}

/// out[o, i] = the k of the largest (or smallest) x[o, k, i]: the first of equals; NaN wins.
template <class T>
void extreme_position(int64_t* out, const T* x, int64_t outer, int64_t length, int64_t inner,
                      bool largest) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [=](int64_t k) { return x[(o * length + k) * inner + i]; };
      int64_t best = 0;
      for (int64_t k = 1; k < length && at(best) == at(best); ++k) {
        const bool better = largest ? at(k) > at(best) : at(k) < at(best);
        if (better || at(k) != at(k)) best = k;
      }
      out[o * inner + i] = best;
    }
  }
}

}  // namespace norma::kernels::plain
