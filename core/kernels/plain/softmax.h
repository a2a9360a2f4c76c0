// softmax and its logarithm, by their definition. The fast version: core/kernels/softmax.h.
#pragma once
#include <cmath>
#include <cstdint>

namespace norma::kernels::plain {

/// Calls f(at) for each line along the middle of [outer, length, inner]: element k of the line lies
/// at `at(k)`.
template <class F>
void each_line(int64_t outer, int64_t length, int64_t inner, F f) {
  for (int64_t line = 0; line < outer * inner; ++line) {
    f([=](int64_t k) { return (line / inner * length + k) * inner + line % inner; });
  }
}

/// y = exp(x) / Σ exp(x), or its logarithm x - log Σ exp(x). Taking the largest x from all of them
/// changes neither, and no exp overflows.
template <class T>
void softmax_forward(int64_t outer, int64_t length, int64_t inner, bool log, const T* x, T* y) {
  each_line(outer, length, inner, [=](auto at) {
    double largest = double(x[at(0)]), sum = 0;
    for (int64_t k = 0; k < length; ++k) {
      if (double(x[at(k)]) > largest) largest = double(x[at(k)]);  // fmax breaks GCC 12 on arm64
    }
    for (int64_t k = 0; k < length; ++k) sum += std::exp(double(x[at(k)]) - largest);
    for (int64_t k = 0; k < length; ++k) {
      const double z = double(x[at(k)]) - largest;
      y[at(k)] = static_cast<T>(log ? z - std::log(sum) : std::exp(z) / sum);
    }
  });
}

/// dx = y (dy - Σ dy y / Σ y), or dy - exp(y) Σ dy. Σ y is 1 but for the rounding of y.
template <class T>
void softmax_backward(int64_t outer, int64_t length, int64_t inner, bool log, const T* dy,
                      const T* y, T* dx) {
  each_line(outer, length, inner, [=](auto at) {
    double sum = 0, product = 0, total = 0;
    for (int64_t k = 0; k < length; ++k) {
      sum += double(dy[at(k)]);
      product += double(dy[at(k)]) * double(y[at(k)]);
      total += double(y[at(k)]);
    }
    for (int64_t k = 0; k < length; ++k) {
      const double g = double(dy[at(k)]), p = double(y[at(k)]);
      dx[at(k)] = static_cast<T>(log ? g - std::exp(p) * sum : p * (g - product / total));
    }
  });
}

}  // namespace norma::kernels::plain
