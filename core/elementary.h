// exp, log and their kin, as the kernels and schedules call them: the C library's, whose last bits
// depend on its version and on the processor, or under deterministic algorithms Norma's own.
#pragma once
#include <cmath>

#include "norma/core/simd.h"

namespace norma::elementary {

/// From + - * / in long double and powers of two alone, which every x86-64 rounds alike. Within
/// 0.51 ulp, `pow` towards the ends of the range within 1.1; zeros, infinities, NaN and signs as in
/// the C library.
namespace portable {
double exp(double x);
double log(double x);
double log1p(double x);
double tanh(double x);
double cos(double x);  ///< for |x| < 2·10⁷; beyond, of any value in [-1, 1]
double pow(double x, double exponent);
}  // namespace portable

inline double exp(double x) { return deterministic() ? portable::exp(x) : std::exp(x); }
inline double log(double x) { return deterministic() ? portable::log(x) : std::log(x); }
inline double log1p(double x) { return deterministic() ? portable::log1p(x) : std::log1p(x); }
inline double tanh(double x) { return deterministic() ? portable::tanh(x) : std::tanh(x); }
inline double cos(double x) { return deterministic() ? portable::cos(x) : std::cos(x); }

inline double pow(double x, double exponent) {
  return deterministic() ? portable::pow(x, exponent) : std::pow(x, exponent);
}
inline float pow(float x, float exponent) {
  return deterministic() ? static_cast<float>(portable::pow(x, exponent)) : std::pow(x, exponent);
}

}  // namespace norma::elementary
