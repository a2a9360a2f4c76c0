// exp, log and their kin, as the kernels and schedules call them: the C library's, whose last bits
// depend on its version and on the processor, or under deterministic algorithms Norma's own.
#pragma once
#include <cmath>

#include "norma/core/simd.h"

namespace norma::elementary {

/// From + - * / of 64 digits (core/extended.h) and powers of two alone, which round alike
/// everywhere. Within 0.51 ulp, `pow` towards the ends of the range within 1.1; zeros, infinities,
/// NaN and signs as in the C library.
namespace portable {
double exp(double x);
double log(double x);
double log1p(double x);
double tanh(double x);
double cos(double x);  ///< for |x| < 2·10⁷; beyond, of any value in [-1, 1]
double sin(double x);  ///< as cos; tan, too
double tan(double x);
double asin(double x);
double acos(double x);
double atan(double x);
double atan2(double y, double x);
double sinh(double x);
double cosh(double x);
double asinh(double x);
double acosh(double x);
double atanh(double x);
double hypot(double x, double y);
double exp2(double x);
double expm1(double x);
double log2(double x);
double log10(double x);
double erf(double x);
double erfc(double x);
double pow(double x, double exponent);
}  // namespace portable

inline double exp(double x) { return deterministic() ? portable::exp(x) : std::exp(x); }
inline double log(double x) { return deterministic() ? portable::log(x) : std::log(x); }
inline double tanh(double x) { return deterministic() ? portable::tanh(x) : std::tanh(x); }

#define NORMA_ELEMENTARY(name)                                                                \
  inline double name(double x) { return deterministic() ? portable::name(x) : std::name(x); } \
  inline float name(float x) {                                                                \
    return deterministic() ? static_cast<float>(portable::name(x)) : std::name(x);            \
  }
NORMA_ELEMENTARY(log1p)
NORMA_ELEMENTARY(cos)
NORMA_ELEMENTARY(sin)
NORMA_ELEMENTARY(tan)
NORMA_ELEMENTARY(asin)
NORMA_ELEMENTARY(acos)
NORMA_ELEMENTARY(atan)
NORMA_ELEMENTARY(sinh)
NORMA_ELEMENTARY(cosh)
NORMA_ELEMENTARY(asinh)
NORMA_ELEMENTARY(acosh)
NORMA_ELEMENTARY(atanh)
NORMA_ELEMENTARY(exp2)
NORMA_ELEMENTARY(expm1)
NORMA_ELEMENTARY(log2)
NORMA_ELEMENTARY(log10)
NORMA_ELEMENTARY(erf)
NORMA_ELEMENTARY(erfc)
#undef NORMA_ELEMENTARY

#define NORMA_ELEMENTARY(name)                                                           \
  inline double name(double x, double y) {                                               \
    return deterministic() ? portable::name(x, y) : std::name(x, y);                     \
  }                                                                                      \
  inline float name(float x, float y) {                                                  \
    return deterministic() ? static_cast<float>(portable::name(x, y)) : std::name(x, y); \
  }
NORMA_ELEMENTARY(pow)
NORMA_ELEMENTARY(atan2)
NORMA_ELEMENTARY(hypot)
#undef NORMA_ELEMENTARY

}  // namespace norma::elementary
