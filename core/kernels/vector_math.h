// Fast exp, log, tanh, logistic function and GELU; their plain twin is plain/elementwise.h. They
// have no branches and no tables, so that loops over them become vector code inside `simd`. Where
// nothing else is said, the polynomials are those of the Cephes library (S. Moshier).
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "norma/core/kernels/plain/elementwise.h"
#include "norma/core/simd.h"

namespace norma {

/// e^x = (high + low) 2^power for x in [-104, 89]; NaN in `high` for NaN.
struct ExpParts {
  float high, low;
  int32_t power;
};
NORMA_INLINE inline ExpParts exp_parts(float x) {
  // x = n log 2 + r. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float top = x - n * 0.693359375f;  // exact
  const float r = top - n * -2.12194440e-4f;
  const float lost = (top - r) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  // 1 + r + lost + p r², where the first sum is split into what it rounds to and the rest.
  const float sum = 1.0f + r;
  return {sum, (p * (r * r) + lost) + (r - (sum - 1.0f)),
          static_cast<int32_t>(__builtin_bit_cast(uint32_t, shifted) - 0x4b400000u)};
}

/// e^x within 0.8 ulp, subnormal results included; e^-inf = 0, e^inf = inf, NaN stays NaN.
NORMA_INLINE inline float fast_exp(float x) {
  // Beyond these bounds the result is 0 or inf anyway. NaN passes both comparisons.
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  const ExpParts e = exp_parts(x);
  // 2^power in two factors, neither of which leaves the range of normal numbers.
  const int32_t half = e.power >> 1;
  const uint32_t low = static_cast<uint32_t>(half + 127) << 23;
  const uint32_t high = (static_cast<uint32_t>(e.power) - static_cast<uint32_t>(half) + 127u) << 23;
  return (e.high + e.low) * __builtin_bit_cast(float, low) * __builtin_bit_cast(float, high);
}

/// e^x to 26 bits for x up to 89; 0 where float has none.
NORMA_INLINE inline double exact_exp(float x) {
  const ExpParts e = exp_parts(x < -104.0f ? -104.0f : x);
  const uint64_t scale = static_cast<uint64_t>(static_cast<int64_t>(e.power) + 1023) << 52;
  const double mantissa = static_cast<double>(e.high) + static_cast<double>(e.low);
  return x < -104.0f ? 0.0 : mantissa * __builtin_bit_cast(double, scale);
}

/// Natural logarithm within 1 ulp; log 0 = -inf, log inf = inf, NaN for negative x and NaN.
NORMA_INLINE inline float fast_log(float x) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr uint32_t kSqrtHalf = 0x3f3504f3u;
  const bool subnormal = x < std::numeric_limits<float>::min();
  const float scaled = subnormal ? x * 8388608.0f : x;
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)).
  const uint32_t bits = __builtin_bit_cast(uint32_t, scaled) - kSqrtHalf;
  const float e = static_cast<float>((static_cast<int32_t>(bits) >> 23) - (subnormal ? 23 : 0));
  const float f = __builtin_bit_cast(float, (bits & 0x7fffffu) + kSqrtHalf) - 1.0f;
  const float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  p = p * f * z;
  p = p + e * -2.12194440e-4f;
  p = p - 0.5f * z;
  float y = (f + p) + e * 0.693359375f;
  y = x < kInf ? y : x;  // inf and NaN
  y = x < 0.0f ? std::numeric_limits<float>::quiet_NaN() : y;
  return x == 0.0f ? -kInf : y;
}

/// Within 0.8 ulp; ±1 for ±inf, -0 for -0.
NORMA_INLINE inline float fast_tanh(float x) {
  const float a = std::fabs(x);
  // From 0.625 on: 1 - 2 / (e^2a + 1), all sums with what rounding took from them.
  const ExpParts e = exp_parts(a > 10.0f ? 20.0f : 2.0f * a);
  const float scale = __builtin_bit_cast(float, static_cast<uint32_t>(e.power + 127) << 23);
  const float mantissa = e.high + e.low, rest = e.low - (mantissa - e.high);
  const float power = mantissa * scale, sum = 1.0f + power;
  const float lost = (1.0f - (sum - power)) + rest * scale;
  const float quotient = 2.0f / sum, difference = 1.0f - quotient;
  const float far =
      difference + (((1.0f - difference) - quotient) + 0.5f * quotient * quotient * lost);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * a + a;
  return std::copysign(a < 0.625f ? near : far, x);
}

/// 1 / (1 + e^-x) within 0.8 ulp, relative also where it is tiny.
NORMA_INLINE inline float fast_sigmoid(float x) {
  const float a = -std::fabs(x);
  const double e = exact_exp(a);
  return static_cast<float>((x < 0.0f ? e : 1.0) / (1.0 + e));
}

/// log(1 + e^x) without overflow.
NORMA_INLINE inline float fast_softplus(float x) {
  const float e = fast_exp(-std::fabs(x));
  // log(1 + e) = log(u) + (what rounding took from 1 + e) / u.
  const float u = 1.0f + e;
  return (x > 0.0f ? x : 0.0f) + (fast_log(u) + (e - (u - 1.0f)) / u);
}

/// The normal distribution Φ(x), within 2.5 ulp for x >= 0 and 8e-6 of it down to -8.25, below
/// which it is 0; and its density φ(x).
struct Normal {
  float distribution, density;
};
NORMA_INLINE inline Normal fast_normal(float x) {
  // Φ(-a) = φ(a) M(a): M / √(2π) is a polynomial in u = a / (3 + a), and e^(-a²/2) is one times a
  // power of two. Both are minimax.
  constexpr float kRound = 12582912.0f, kFar = 8.25f;  // as in exp_parts
  const float a = std::fabs(x);
  const float c = a > kFar ? kFar : a;
  const float u = c / (3.0f + c);
  float m = -4.855985433e-2f;
  m = m * u + 1.105095907e-1f;
  m = m * u + 1.727615742e-2f;
  m = m * u - 1.471870764e-1f;
  m = m * u - 2.886087777e-1f;
  m = m * u + 1.053266174f;
  m = m * u - 1.196829072f;
  m = m * u + 0.5f;
  const float y = c * c * -0.721347520f;
  const float shifted = y + kRound;
  const float f = y - (shifted - kRound);
  float p = 1.32765002e-3f;
  p = p * f + 9.67554160e-3f;
  p = p * f + 5.55071317e-2f;
  p = p * f + 2.40221197e-1f;
  p = p * f + 6.93146967e-1f;
  p = p * f + 1.0f;
  const uint32_t scale = (__builtin_bit_cast(uint32_t, shifted) << 23) + 0x3f800000u;
  const float e = a > kFar ? 0.0f : p * __builtin_bit_cast(float, scale);
  return {x < 0.0f ? m * e : 1.0f - m * e, 0.398942280f * e};
}

/// x Φ(x); NaN for -inf, as in PyTorch.
NORMA_INLINE inline float fast_gelu(float x) { return x * fast_normal(x).distribution; }
/// Its slope, Φ(x) + x φ(x).
NORMA_INLINE inline float fast_gelu_slope(float x) {
  const Normal normal = fast_normal(x);
  return normal.distribution + x * normal.density;
}

// The same names for double: their plain twins.
inline double fast_exp(double x) { return kernels::plain::exp(x); }
inline double exact_exp(double x) { return kernels::plain::exp(x); }
inline double fast_log(double x) { return kernels::plain::log(x); }
inline double fast_tanh(double x) { return kernels::plain::tanh(x); }
inline double fast_sigmoid(double x) { return kernels::plain::sigmoid(x); }
inline double fast_softplus(double x) { return kernels::plain::softplus(x); }
inline double fast_gelu(double x) { return kernels::plain::gelu(x); }
inline double fast_gelu_slope(double x) { return kernels::plain::gelu_backward(1, x); }

}  // namespace norma
