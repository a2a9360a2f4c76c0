#include "norma/core/elementary.h"

#include <cstdint>
#include <limits>

namespace norma::elementary::portable {
namespace {

using Extended = long double;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Multiples of log 2's high part by numbers of up to eleven bits are exact, those of π/2's first
// two parts, 40 bits each, by numbers of up to 24.
constexpr double kLog2High = 0x1.62e42fefa39efp-1;
constexpr Extended kLog2Low = 2.319046813846299558417771e-17L;
constexpr double kHalfPi[] = {0x1.921fb54442p+0, 0x1.a308d31318p-41, 0x1.8a2e03707344ap-81};

/// e^r - 1 for |r| < 1/2: r (1 + r/2 (1 + r/3 (…))).
Extended exp_series(Extended r) {
  Extended sum = 1;
  for (int k = 18; k > 1; --k) sum = 1 + r / k * sum;
  return r * sum;
}

/// e^x for |x| < 12000.
Extended wide_exp(Extended x) {
  const Extended n = std::floor(x / kLog2High + 0.5L);
  return std::ldexp(1 + exp_series(x - n * kLog2High - n * kLog2Low), static_cast<int>(n));
}

/// 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) for |s| < 0.21.
Extended log_series(Extended s) {
  Extended sum = 0;
  for (int k = 29; k >= 1; k -= 2) sum = sum * s * s + 1.0L / k;
  return 2 * s * sum;
}

/// log x for positive finite x: x = 2ⁿ m with m in [√½, √2), and log m = 2 artanh((m-1) / (m+1)).
Extended wide_log(Extended x) {
  int n = 0;
  Extended m = std::frexp(x, &n);
  if (m < 0.70710678118654752L) {
    m *= 2;
    --n;
  }
  return n * Extended(kLog2High) + (n * kLog2Low + log_series((m - 1) / (m + 1)));
}

}  // namespace

double exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 710) return kInfinity;
  return x < -746 ? 0.0 : static_cast<double>(wide_exp(x));
}

double log(double x) {
  if (x == 0) return -kInfinity;
  if (x < 0) return std::numeric_limits<double>::quiet_NaN();
  return std::isfinite(x) ? static_cast<double>(wide_log(x)) : x;
}

double log1p(double x) {
  if (std::fabs(x) < 0.5) {
    return x == 0 ? x : static_cast<double>(log_series(Extended(x) / (2 + Extended(x))));
  }
  if (x == -1) return -kInfinity;
  if (x < -1) return std::numeric_limits<double>::quiet_NaN();
  return std::isfinite(x) ? static_cast<double>(wide_log(1 + Extended(x))) : x;
}

double tanh(double x) {
  const Extended twice = 2 * std::fabs(Extended(x));
  if (std::isnan(x) || x == 0) return x;
  if (twice > 60) return std::copysign(1.0, x);
  const Extended less_one = twice < 0.5L ? exp_series(twice) : wide_exp(twice) - 1;
  return std::copysign(static_cast<double>(less_one / (less_one + 2)), x);
}

double cos(double x) {
  if (!std::isfinite(x)) return std::numeric_limits<double>::quiet_NaN();
  const Extended quarter = std::floor(std::fabs(x) / Extended(kHalfPi[0]) + 0.5L);
  Extended r = std::fabs(x);
  for (const double part : kHalfPi) r -= quarter * part;
  if (std::fabs(r) > 1) r = 0;  // too far for these parts
  const Extended square = r * r;
  const auto turn = static_cast<int64_t>(std::fmod(quarter, 4.0L));
  const bool is_sine = turn == 1 || turn == 3;
  // 1 - r²/2 (1 - r²/12 (…)), or r (1 - r²/6 (1 - r²/20 (…))).
  Extended sum = 1;
  for (int k = 22; k > 1; k -= 2) sum = 1 - square / (is_sine ? k * (k + 1) : k * (k - 1)) * sum;
  if (is_sine) sum *= r;
  return static_cast<double>(turn == 1 || turn == 2 ? -sum : sum);
}

double pow(double x, double exponent) {
  const double sign = x < 0 && std::fmod(exponent, 2) != 0 ? -1.0 : 1.0;
  const bool has_root = x > 0 || exponent == std::floor(exponent);
  // What is exact, or no number, the C library gives everywhere alike.
  if (x == 0 || x == 1 || exponent == 0 || exponent == 1 || !has_root || !std::isfinite(x) ||
      !std::isfinite(exponent)) {
    return std::pow(x, exponent);
  }
  const Extended power = exponent * wide_log(std::fabs(Extended(x)));
  if (power > 710) return sign * kInfinity;
  return power < -746 ? sign * 0.0 : sign * static_cast<double>(wide_exp(power));
}

}  // namespace norma::elementary::portable
