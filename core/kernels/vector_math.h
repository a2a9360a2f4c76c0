// Fast exp, log, tanh, logistic function, softplus and GELU; their plain twin is
// plain/elementwise.h. They have no branches and no tables, so that loops over them become vector
// code inside `simd`. Where nothing else is said, the polynomials are those of the Cephes library
// (S. Moshier).
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "norma/core/simd.h"

namespace norma {

/// first xⁿ + … + last.
template <class T, class... Rest>
NORMA_INLINE inline T horner(T x, T first, Rest... rest) {
  ((first = first * x + rest), ...);
  return first;
}

/// e^x = (high + low) 2^power for x in [-104, 89]; NaN in `high` for NaN. `Coarse`: `high` has at
/// most twelve digits, so that its products with numbers of as many are exact.
struct ExpParts {
  float high, low;
  int32_t power;
};
template <bool Coarse = false>
NORMA_INLINE inline ExpParts exp_parts(float x) {
  // x = n log 2 + r. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float top = x - n * 0.693359375f;  // exact
  const float r = top - n * -2.12194440e-4f;
  const float lost = (top - r) - n * -2.12194440e-4f;
  const float z = r * r;
  // By pairs of terms: the processor runs few steps of a loop at once, so that a long chain of
  // operations costs more than many.
  float p = 1.9875691500e-4f * r + 1.3981999507e-3f;
  p = p * z + (8.3334519073e-3f * r + 4.1665795894e-2f);
  p = p * z + (1.6666665459e-1f * r + 5.0000001201e-1f);
  // 1 + r + lost + p r², where the first sum is split into what it rounds to and the rest.
  const float sum = Coarse ? (r + 6145.0f) - 6144.0f : 1.0f + r;
  return {sum, p * z + (lost + (r - (sum - 1.0f))),
          static_cast<int32_t>(__builtin_bit_cast(uint32_t, shifted) - 0x4b400000u)};
}

/// e^x within 0.8 ulp, subnormal results included; e^-inf = 0, e^inf = inf, NaN stays NaN.
/// `Large`: whether x may be above 88.
template <bool Large = true>
NORMA_INLINE inline float fast_exp(float x) {
  // Beyond these bounds the result is 0 or inf anyway. NaN passes both comparisons.
  x = x < -104.0f ? -104.0f : x;
  if constexpr (Large) x = x > 89.0f ? 89.0f : x;
  const ExpParts e = exp_parts(x);
  // 2^power in two factors, neither of which leaves the range of normal numbers.
  const int32_t half = e.power >> 1, other = e.power - half;
  const float low = __builtin_bit_cast(float, static_cast<uint32_t>(half + 127) << 23);
  const float high = __builtin_bit_cast(float, static_cast<uint32_t>(other + 127) << 23);
  if constexpr (!Large) return (e.high + e.low) * (low * high);
  return (e.high + e.low) * low * high;
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
  float p = horner(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
                   1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f,
                   3.3333331174e-1f);
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
  float p = horner(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                   -3.33332819422e-1f);
  const float near = p * z * a + a;
  return std::copysign(a < 0.625f ? near : far, x);
}

/// 1 / (1 + e^-x) within 0.8 ulp, relative also where it is tiny: in two steps (see map_loop), of
/// which the first finds e^-|x| = (high + low) last.
struct SigmoidParts {
  float high, low, last;
};
NORMA_INLINE inline SigmoidParts begin_sigmoid(float x) {
  constexpr int32_t kLeast = -64;  // 1 + e is 1 there
  const float a = -std::fabs(x);
  const ExpParts parts = exp_parts<true>(a < -104.0f ? -104.0f : a);
  const int32_t power = parts.power < kLeast ? kLeast : parts.power, more = parts.power - power;
  const float scale = __builtin_bit_cast(float, static_cast<uint32_t>(power + 127) << 23);
  const float last = __builtin_bit_cast(float, static_cast<uint32_t>(more + 127) << 23);
  return {parts.high * scale, parts.low * scale, last};
}
NORMA_INLINE inline float end_sigmoid(float x, SigmoidParts parts) {
  const auto [high, low, last] = parts;
  // e / (1 + e) is its leading digits c, and the quotient of what remains: e - c (1 + e).
  const float e = high + low, inverse = 1.0f / (1.0f + e);
  const uint32_t leading = __builtin_bit_cast(uint32_t, e * inverse) & 0xfffff000u;
  const float c = __builtin_bit_cast(float, leading);
  const float remains = ((high - c) - c * high) + low * (1.0f - c);
  const float below = c + remains * inverse;
  return x < 0.0f ? below * last : 1.0f - below;
}
NORMA_INLINE inline float fast_sigmoid(float x) { return end_sigmoid(x, begin_sigmoid(x)); }

/// The normal distribution Φ(x), within 2.5 ulp for x >= 0 and 8e-6 of it down to -8.25, below
/// which it is 0; and its density φ(x).
template <class T>
struct Normal {
  T distribution, density;
};
NORMA_INLINE inline Normal<float> fast_normal(float x) {
  // Φ(-a) = φ(a) M(a): M / √(2π) is a polynomial in u = a / (3 + a), and e^(-a²/2) is one times a
  // power of two. Both are minimax.
  constexpr float kRound = 12582912.0f, kFar = 8.25f;  // as in exp_parts
  const float a = std::fabs(x);
  const float c = a > kFar ? kFar : a;
  const float u = c / (3.0f + c);
  float m = horner(u, -4.855985433e-2f, 1.105095907e-1f, 1.727615742e-2f, -1.471870764e-1f,
                   -2.886087777e-1f, 1.053266174f, -1.196829072f, 0.5f);
  const float y = c * c * -0.721347520f;
  const float shifted = y + kRound;
  const float f = y - (shifted - kRound);
  float p = horner(f, 1.32765002e-3f, 9.67554160e-3f, 5.55071317e-2f, 2.40221197e-1f,
                   6.93146967e-1f, 1.0f);
  const uint32_t scale = (__builtin_bit_cast(uint32_t, shifted) << 23) + 0x3f800000u;
  const float e = a > kFar ? 0.0f : p * __builtin_bit_cast(float, scale);
  return {x < 0.0f ? m * e : 1.0f - m * e, 0.398942280f * e};
}

// The same for double, within 2 ulp.

/// Subnormal results included; e^-inf = 0, e^inf = inf, NaN stays NaN.
NORMA_INLINE inline double fast_exp(double x) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52, as in exp_parts
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  const double n = (x * 1.44269504088896341 + kRound) - kRound;
  const double r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
  const double z = r * r;
  double p = 1.26177193074810590878e-4;
  p = p * z + 3.02994407707441961300e-2;
  p = (p * z + 1.0) * r;
  double q = horner(z, 3.00198505138664455042e-6, 2.52448340349684104192e-3,
                    2.27265548208155028766e-1, 2.0);
  const double mantissa = 1.0 + 2.0 * (p / (q - p));
  const double half = (n * 0.5 + kRound) - kRound;
  const auto power = [](double m) NORMA_INLINE {
    const uint64_t bits = (__builtin_bit_cast(uint64_t, m + kRound) << 52) + (uint64_t{1023} << 52);
    return __builtin_bit_cast(double, bits);
  };
  return mantissa * power(half) * power(n - half);
}

/// log 0 = -inf, log inf = inf, NaN for negative x and NaN.
NORMA_INLINE inline double fast_log(double x) {
  constexpr double kInf = std::numeric_limits<double>::infinity(), kWhole = 4503599627370496.0;
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdu, kFraction = (uint64_t{1} << 52) - 1;
  const bool subnormal = x < std::numeric_limits<double>::min();
  const double scaled = subnormal ? x * 18014398509481984.0 : x;  // 2^54
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)); e + 1022 is put together from its bits.
  const uint64_t bits = __builtin_bit_cast(uint64_t, scaled) - kSqrtHalf + (uint64_t{1022} << 52);
  const double whole = __builtin_bit_cast(double, 0x4330000000000000u | (bits >> 52)) - kWhole;
  const double e = whole - (subnormal ? 1076.0 : 1022.0);
  const double f = __builtin_bit_cast(double, (bits & kFraction) + kSqrtHalf) - 1.0;
  const double z = f * f;
  double p = horner(f, 1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854,
                    1.44989225341610930846e1, 1.79368678507819816313e1, 7.70838733755885391666);
  double q = horner(f, 1.0, 1.12873587189167450590e1, 4.52279145837532221105e1,
                    8.29875266912776603211e1, 7.11544750618563894466e1, 2.31251620126765340583e1);
  double y = f * z * (p / q);
  y = y + e * -2.121944400546905827679e-4;
  y = y - 0.5 * z;
  y = (f + y) + e * 0.693359375;
  y = x < kInf ? y : x;  // inf and NaN
  y = x < 0.0 ? std::numeric_limits<double>::quiet_NaN() : y;
  return x == 0.0 ? -kInf : y;
}

/// ±1 for ±inf, -0 for -0.
NORMA_INLINE inline double fast_tanh(double x) {
  const double a = std::fabs(x), z = x * x;
  const double far = 1.0 - 2.0 / (fast_exp(a > 20.0 ? 40.0 : 2.0 * a) + 1.0);
  double p =
      horner(z, -9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3);
  double q =
      horner(z, 1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3);
  const double near = a + a * z * (p / q);
  return std::copysign(a < 0.625 ? near : far, x);
}

/// Within 2.5 ulp.
NORMA_INLINE inline double fast_sigmoid(double x) {
  const double e = fast_exp(-std::fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/// Within 2.5 ulp for x >= 0 and 4 + x² ulp of it below.
NORMA_INLINE inline Normal<double> fast_normal(double x) {
  // Φ(-a) = e^(-a²/2) p / q, minimax up to 39, from where on it is 0.
  const double a = std::fabs(x), c = a > 39.0 ? 39.0 : a;
  double p =
      horner(c, 1.3858730425139861807e-6, 3.7257888467214465015e-5, 4.9045727986088819919e-4,
             4.0895823248829104057e-3, 2.3623658349113212565e-2, 9.7703282191150010292e-2,
             2.8934116673566199566e-1, 5.9405789239072630082e-1, 7.7488170999679331746e-1, 0.5);
  double q = horner(c, 3.4738685534247548068e-6, 9.3391676682833986845e-5, 1.2328679539505571360e-3,
                    1.0344454352483387968e-2, 6.0438176741527572934e-2, 2.5497007728400432243e-1,
                    7.8206267406416071410e-1, 1.7144159471926648742, 2.5612678628592784841,
                    2.3476479807964418690, 1.0);
  const double e = fast_exp(c * c * -0.5), tail = e * (p / q);
  return {x < 0.0 ? tail : 1.0 - tail, 0.39894228040143267794 * e};
}

// For both types.

/// log s for a sum s >= 1 of exponentials; for float to 28 bits, where that is half the work.
template <class T>
NORMA_INLINE inline double log_of_sum(double s) {
  if constexpr (sizeof(T) == sizeof(double)) return fast_log(s);
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdu, kFraction = (uint64_t{1} << 52) - 1;
  // As in fast_log; minimax, by pairs of terms.
  const uint64_t bits = __builtin_bit_cast(uint64_t, s) - kSqrtHalf;
  const double e = __builtin_bit_cast(double, 0x4330000000000000u | (bits >> 52)) - 0x1p52;
  const double f = __builtin_bit_cast(double, (bits & kFraction) + kSqrtHalf) - 1.0, z = f * f;
  const double p =
      horner(z, 6.769024113816e-2 * f - 1.155728788202e-1,
             1.181213614233e-1 * f - 1.242081446791e-1, 1.423231785955e-1 * f - 1.666753677243e-1,
             2.00014467222e-1 * f - 2.50000109401e-1, 3.333332279361e-1 * f - 4.99999999435e-1);
  return (p * z + f) + (e * 0.693147180559945309 + (s - s));  // NaN stays
}

/// e^x for x that is at most 0.
NORMA_INLINE inline float exp_of_shifted(float x) { return fast_exp<false>(x); }
NORMA_INLINE inline double exp_of_shifted(double x) { return fast_exp(x); }

/// log(1 + e^x) without overflow.
template <class T>
NORMA_INLINE inline T fast_softplus(T x) {
  const T e = exp_of_shifted(-std::fabs(x));
  // log(1 + e) = log(u) + (what rounding took from 1 + e) / u.
  const T u = T(1) + e;
  return (x > T(0) ? x : T(0)) + (fast_log(u) + (e - (u - T(1))) / u);
}

/// x Φ(x); NaN for -inf, as in PyTorch.
template <class T>
NORMA_INLINE inline T fast_gelu(T x) {
  return x * fast_normal(x).distribution;
}
/// Its slope, Φ(x) + x φ(x).
template <class T>
NORMA_INLINE inline T fast_gelu_slope(T x) {
  const Normal<T> normal = fast_normal(x);
  return normal.distribution + x * normal.density;
}

}  // namespace norma
