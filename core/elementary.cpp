#include "norma/core/elementary.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "norma/core/extended.h"

namespace norma::elementary::portable {
namespace {

using std::fabs, std::floor, std::frexp, std::isnan, std::ldexp, std::sqrt;  // of long double

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr long double kQuarterTurn = 1.570796326794896619231321691639751442L;
// Multiples of log 2's high part by numbers of up to eleven bits are exact, those of π/2's first
// two parts, 40 bits each, by numbers of up to 24.
constexpr double kLog2High = 0x1.62e42fefa39efp-1;
constexpr long double kLog2Low = 2.319046813846299558417771e-17L;
constexpr double kHalfPi[] = {0x1.921fb54442p+0, 0x1.a308d31318p-41, 0x1.8a2e03707344ap-81};

/// e^r - 1 for |r| < 1/2: r (1 + r/2 (1 + r/3 (…))).
Extended exp_series(Extended r) {
  Extended sum = 1;
  for (int k = 18; k > 1; --k) sum = 1 + r / k * sum;
  return r * sum;
}

/// e^x for |x| < 12000.
Extended wide_exp(Extended x) {
  const Extended n = floor(x / kLog2High + 0.5);
  return ldexp(1 + exp_series(x - n * kLog2High - n * kLog2Low), static_cast<int>(n));
}

/// 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) for |s| < 0.21.
Extended log_series(Extended s) {
  Extended sum = 0;
  for (int k = 29; k >= 1; k -= 2) sum = sum * s * s + Extended(1) / k;
  return 2 * s * sum;
}

/// log x for positive finite x: x = 2ⁿ m with m in [√½, √2), and log m = 2 artanh((m-1) / (m+1)).
Extended wide_log(Extended x) {
  int n = 0;
  Extended m = frexp(x, &n);
  if (m < 0.70710678118654752L) {
    m *= 2;
    --n;
  }
  return n * Extended(kLog2High) + (n * kLog2Low + log_series((m - 1) / (m + 1)));
}

Extended wide_expm1(Extended x) { return fabs(x) < 0.5 ? exp_series(x) : wide_exp(x) - 1; }

Extended wide_log1p(Extended x) {
  return fabs(x) < 0.5 ? log_series(x / (2 + x)) : wide_log(1 + x);
}

/// |x| = turn π/2 + rest; NaN for what is not finite.
struct Angle {
  Extended rest = kNan;
  int turn = 0;  // of 4

  explicit Angle(double x) {
    if (!std::isfinite(x)) return;
    const Extended quarter = floor(std::fabs(x) / Extended(kHalfPi[0]) + 0.5);
    rest = std::fabs(x);
    for (const double part : kHalfPi) rest -= quarter * part;
    if (fabs(rest) > 1) rest = 0;  // too far for these parts
    turn = static_cast<int>(quarter - 4 * floor(quarter / 4));
  }
  /// r (1 - r²/6 (1 - r²/20 (…))), and 1 - r²/2 (1 - r²/12 (…)).
  Extended sine() const {
    Extended sum = 1;
    for (int k = 22; k > 1; k -= 2) sum = 1 - rest * rest / (k * (k + 1)) * sum;
    return rest * sum;
  }
  Extended cosine() const {
    Extended sum = 1;
    for (int k = 22; k > 1; k -= 2) sum = 1 - rest * rest / (k * (k - 1)) * sum;
    return sum;
  }
};

/// For x >= 0: twice tan(α/2) = x / (1 + √(1 + x²)), then t - t³/3 + t⁵/5 - ….
Extended wide_atan(Extended x) {
  if (x > 1) return kQuarterTurn - wide_atan(1 / x);
  for (int i = 0; i < 2; ++i) x /= 1 + sqrt(1 + x * x);
  Extended sum = 0;
  for (int k = 31; k >= 1; k -= 2) sum = Extended(1) / k - x * x * sum;
  return 4 * x * sum;
}

constexpr long double kRootPi = 1.772453850905516027298167483341145183L;

/// 2/√π e^(-x²) (x + 2 x³/3 + 2² x⁵/(3·5) + …) for |x| < 1.5.
Extended erf_series(Extended x) {
  Extended sum = 1;
  for (int k = 50; k >= 1; --k) sum = 1 + sum * 2 * x * x / (2 * k + 1);
  return 2 / Extended(kRootPi) * wide_exp(-(x * x)) * x * sum;
}

/// e^(-x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))) for x >= 1.5.
Extended erfc_fraction(Extended x) {
  Extended below = 0;
  for (int k = 140; k >= 1; --k) below = Extended(k) / 2 / (x + below);
  return wide_exp(-(x * x)) / (kRootPi * (x + below));
}

}  // namespace

double exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 710) return kInfinity;
  return x < -746 ? 0.0 : static_cast<double>(wide_exp(x));
}

double log(double x) {
  if (x == 0) return -kInfinity;
  if (x < 0) return kNan;
  return std::isfinite(x) ? static_cast<double>(wide_log(x)) : x;
}

double log1p(double x) {
  if (std::fabs(x) < 0.5) {
    return x == 0 ? x : static_cast<double>(log_series(Extended(x) / (2 + Extended(x))));
  }
  if (x == -1) return -kInfinity;
  if (x < -1) return kNan;
  return std::isfinite(x) ? static_cast<double>(wide_log(1 + Extended(x))) : x;
}

double tanh(double x) {
  const Extended twice = 2 * fabs(Extended(x));
  if (std::isnan(x) || x == 0) return x;
  if (twice > 60) return std::copysign(1.0, x);
  const Extended less_one = twice < 0.5 ? exp_series(twice) : wide_exp(twice) - 1;
  return std::copysign(static_cast<double>(less_one / (less_one + 2)), x);
}

double cos(double x) {
  const Angle angle(x);
  if (isnan(angle.rest)) return kNan;
  const Extended value = angle.turn % 2 == 1 ? angle.sine() : angle.cosine();
  return static_cast<double>(angle.turn == 1 || angle.turn == 2 ? -value : value);
}

double sin(double x) {
  const Angle angle(x);
  if (x == 0 || isnan(angle.rest)) return std::isinf(x) ? kNan : x;
  const Extended value = angle.turn % 2 == 1 ? angle.cosine() : angle.sine();
  return static_cast<double>((angle.turn >= 2) != (x < 0) ? -value : value);
}

double tan(double x) {
  const Angle angle(x);
  if (x == 0 || isnan(angle.rest)) return std::isinf(x) ? kNan : x;
  const Extended value =
      angle.turn % 2 == 1 ? -angle.cosine() / angle.sine() : angle.sine() / angle.cosine();
  return static_cast<double>(x < 0 ? -value : value);
}

double atan(double x) {
  if (x == 0 || std::isnan(x)) return x;
  return std::copysign(static_cast<double>(wide_atan(fabs(Extended(x)))), x);
}

double asin(double x) {
  if (x == 0 || !(std::fabs(x) <= 1)) return x == 0 ? x : kNan;
  const Extended a = fabs(Extended(x));
  return std::copysign(static_cast<double>(wide_atan(a / sqrt((1 - a) * (1 + a)))), x);
}

double acos(double x) {
  if (!(std::fabs(x) <= 1)) return kNan;
  return static_cast<double>(2 * wide_atan(sqrt((1 - Extended(x)) / (1 + Extended(x)))));
}

double atan2(double y, double x) {
  // Multiples of π/4, or no number, the C library gives everywhere alike.
  if (x == 0 || y == 0 || !std::isfinite(x) || !std::isfinite(y)) return std::atan2(y, x);
  const Extended angle = wide_atan(fabs(Extended(y)) / fabs(Extended(x)));
  return std::copysign(static_cast<double>(x < 0 ? 2 * kQuarterTurn - angle : angle), y);
}

double sinh(double x) {
  const Extended a = fabs(Extended(x));
  if (x == 0 || !std::isfinite(x)) return x;
  if (a > 711) return std::copysign(kInfinity, x);
  const Extended e = wide_expm1(a);
  return std::copysign(static_cast<double>((e + e / (e + 1)) / 2), x);
}

double cosh(double x) {
  const Extended a = fabs(Extended(x));
  if (std::isnan(x) || a > 711) return std::isnan(x) ? x : kInfinity;
  const Extended e = wide_exp(a);
  return static_cast<double>((e + 1 / e) / 2);
}

double asinh(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  const Extended a = fabs(Extended(x));
  return std::copysign(static_cast<double>(wide_log1p(a + a * a / (1 + sqrt(a * a + 1)))), x);
}

double acosh(double x) {
  if (!(x >= 1) || std::isinf(x)) return x < 1 ? kNan : x;
  const Extended over = Extended(x) - 1;
  return static_cast<double>(wide_log1p(over + sqrt(over * (over + 2))));
}

double atanh(double x) {
  const Extended a = fabs(Extended(x));
  if (x == 0 || std::isnan(x)) return x;
  if (!(a < 1)) return a > 1 ? kNan : std::copysign(kInfinity, x);
  return std::copysign(static_cast<double>(wide_log1p(2 * a / (1 - a)) / 2), x);
}

double hypot(double x, double y) {
  if (std::isinf(x) || std::isinf(y)) return kInfinity;
  return static_cast<double>(sqrt(Extended(x) * x + Extended(y) * y));
}

double exp2(double x) {
  if (std::isnan(x)) return x;
  if (std::fabs(x) > 1100) return x > 0 ? kInfinity : 0.0;
  const Extended n = floor(Extended(x) + 0.5), rest = x - n;
  return static_cast<double>(
      ldexp(1 + exp_series(rest * kLog2High + rest * kLog2Low), static_cast<int>(n)));
}

double expm1(double x) {
  if (x == 0 || std::isnan(x)) return x;
  if (x > 710) return kInfinity;
  return x < -60 ? -1.0 : static_cast<double>(wide_expm1(x));
}

double log2(double x) {
  if (!(x > 0) || std::isinf(x)) return log(x);
  return static_cast<double>(wide_log(x) / (kLog2High + Extended(kLog2Low)));
}

double log10(double x) {
  if (!(x > 0) || std::isinf(x)) return log(x);
  return static_cast<double>(wide_log(x) / 2.302585092994045684017991454684364208L);
}

double erf(double x) {
  const Extended a = fabs(Extended(x));
  if (x == 0 || std::isnan(x)) return x;
  if (a > 7) return std::copysign(1.0, x);
  return std::copysign(static_cast<double>(a < 1.5 ? erf_series(a) : 1 - erfc_fraction(a)), x);
}

double erfc(double x) {
  if (std::isnan(x)) return x;
  if (x > 28) return 0;
  if (x >= 1.5) return static_cast<double>(erfc_fraction(x));
  if (x < -7) return 2;
  return static_cast<double>(x > -1.5 ? 1 - erf_series(x) : 2 - erfc_fraction(-Extended(x)));
}

double pow(double x, double exponent) {
  const double sign = x < 0 && std::fmod(exponent, 2) != 0 ? -1.0 : 1.0;
  const bool has_root = x > 0 || exponent == floor(exponent);
  // What is exact, or no number, the C library gives everywhere alike.
  if (x == 0 || x == 1 || exponent == 0 || exponent == 1 || !has_root || !std::isfinite(x) ||
      !std::isfinite(exponent)) {
    return std::pow(x, exponent);
  }
  const Extended power = exponent * wide_log(fabs(Extended(x)));
  if (power > 710) return sign * kInfinity;
  return power < -746 ? sign * 0.0 : sign * static_cast<double>(wide_exp(power));
}

}  // namespace norma::elementary::portable
