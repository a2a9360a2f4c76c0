#include "norma/core/extended.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace norma {

namespace {

__extension__ typedef unsigned __int128 Wide;

int length_of(Wide value) {
  const auto high = static_cast<uint64_t>(value >> 64), low = static_cast<uint64_t>(value);
  return high ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

/// value / 2^drop, rounded; `more`: whether something lies below the last digit of `value`.
Wide rounded(Wide value, int drop, bool more) {
  if (drop <= 0) return value << -drop;
  if (drop > 128) return 0;
  const Wide kept = drop == 128 ? 0 : value >> drop, half = Wide(1) << (drop - 1);
  const Wide rest = drop == 128 ? value : value - (kept << drop);
  const bool up = rest > half || (rest == half && (more || (kept & 1)));
  return kept + up;
}

struct Digits {
  uint64_t digits;
  int exponent;
};
/// value 2^exponent as 64 digits; value > 0.
Digits normalized(Wide value, int exponent, bool more = false) {
  const int drop = length_of(value) - 64;
  const Wide digits = rounded(value, drop, more);
  if (digits >> 64) return {uint64_t{1} << 63, exponent + drop + 1};
  return {static_cast<uint64_t>(digits), exponent + drop};
}

}  // namespace

SoftExtended::SoftExtended(long double value) : negative_(std::signbit(value)) {
  if (std::isnan(value)) kind_ = Kind::NaN;
  if (std::isinf(value)) kind_ = Kind::Infinity;
  if (value == 0 || !std::isfinite(value)) return;
  int exponent = 0;
  const long double part = std::frexp(std::fabs(value), &exponent);
  const auto [digits, at] =
      normalized(static_cast<Wide>(std::ldexp(part, 113)), exponent - 113);  // exact
  digits_ = digits, exponent_ = at, kind_ = Kind::Number;
}

SoftExtended::operator double() const {
  if (kind_ == Kind::NaN) return std::numeric_limits<double>::quiet_NaN();
  double size = kind_ == Kind::Infinity ? std::numeric_limits<double>::infinity() : 0.0;
  if (kind_ == Kind::Number && exponent_ > 1024) size = std::numeric_limits<double>::infinity();
  if (kind_ == Kind::Number && exponent_ >= -1200 && exponent_ <= 1024) {
    const int drop = std::max(11, -1074 - exponent_);
    size = std::ldexp(static_cast<double>(rounded(digits_, drop, false)), exponent_ + drop);
  }
  return negative_ ? -size : size;
}

SoftExtended SoftExtended::operator-() const {
  SoftExtended result = *this;
  result.negative_ = !negative_;
  return result;
}

SoftExtended operator+(const SoftExtended& a, const SoftExtended& b) {
  using Kind = SoftExtended::Kind;
  if (a.kind_ != Kind::Number || b.kind_ != Kind::Number) {
    if (a.kind_ == Kind::Zero && b.kind_ == Kind::Zero)
      return {Kind::Zero, a.negative_ && b.negative_};
    if (a.kind_ == b.kind_ && a.negative_ != b.negative_) return {Kind::NaN, false};
    return a.kind_ > b.kind_ ? a : b;
  }
  const bool larger = std::pair(a.exponent_, a.digits_) >= std::pair(b.exponent_, b.digits_);
  const SoftExtended &high = larger ? a : b, &low = larger ? b : a;
  const int distance = high.exponent_ - low.exponent_;
  const Wide first = Wide(high.digits_) << 63, second = Wide(low.digits_) << 63;
  Wide sum = distance < 128 ? second >> distance : 0;
  const bool more = distance >= 128 || (sum << distance) != second;
  sum = high.negative_ == low.negative_ ? first + sum : first - sum - more;
  if (sum == 0) return {};
  SoftExtended result(Kind::Number, high.negative_);
  const auto [digits, exponent] = normalized(sum, high.exponent_ - 63, more);
  result.digits_ = digits, result.exponent_ = exponent;
  return result;
}

SoftExtended operator*(const SoftExtended& a, const SoftExtended& b) {
  using Kind = SoftExtended::Kind;
  SoftExtended result(std::max(a.kind_, b.kind_), a.negative_ != b.negative_);
  if (std::min(a.kind_, b.kind_) == Kind::Zero) {
    result.kind_ = result.kind_ > Kind::Number ? Kind::NaN : Kind::Zero;
  } else if (result.kind_ == Kind::Number) {
    const auto [digits, exponent] =
        normalized(Wide(a.digits_) * b.digits_, a.exponent_ + b.exponent_);
    result.digits_ = digits, result.exponent_ = exponent;
  }
  return result;
}

SoftExtended operator/(const SoftExtended& a, const SoftExtended& b) {
  using Kind = SoftExtended::Kind;
  SoftExtended result(Kind::Number, a.negative_ != b.negative_);
  if (a.kind_ == Kind::NaN || b.kind_ == Kind::NaN ||
      (a.kind_ == b.kind_ && a.kind_ != Kind::Number)) {
    result.kind_ = Kind::NaN;
  } else if (a.kind_ == Kind::Infinity || b.kind_ == Kind::Zero) {
    result.kind_ = Kind::Infinity;
  } else if (a.kind_ == Kind::Zero || b.kind_ == Kind::Infinity) {
    result.kind_ = Kind::Zero;
  } else {
    const Wide whole = (Wide(a.digits_) << 64) / b.digits_;
    const Wide rest = ((Wide(a.digits_) << 64) % b.digits_) << 63;
    const Wide quotient = (whole << 63) + rest / b.digits_;
    const auto [digits, exponent] =
        normalized(quotient, a.exponent_ - b.exponent_ - 127, rest % b.digits_ != 0);
    result.digits_ = digits, result.exponent_ = exponent;
  }
  return result;
}

bool operator<(const SoftExtended& a, const SoftExtended& b) {
  using Kind = SoftExtended::Kind;
  if (a.kind_ == Kind::NaN || b.kind_ == Kind::NaN) return false;
  if (a.kind_ == Kind::Infinity || b.kind_ == Kind::Infinity) {
    const auto side = [](const SoftExtended& x) {
      return x.kind_ != Kind::Infinity ? 0 : x.negative_ ? -1 : 1;
    };
    return side(a) < side(b);
  }
  const SoftExtended difference = a - b;
  return difference.kind_ == Kind::Number && difference.negative_;
}

SoftExtended fabs(const SoftExtended& x) {
  SoftExtended result = x;
  result.negative_ = false;
  return result;
}

SoftExtended sqrt(const SoftExtended& x) {
  using Kind = SoftExtended::Kind;
  if (x.kind_ == Kind::Zero || x.kind_ == Kind::NaN) return x;
  if (x.negative_) return {Kind::NaN, false};
  if (x.kind_ == Kind::Infinity) return x;
  const bool odd = x.exponent_ % 2 != 0;
  const Wide square = Wide(x.digits_) << (odd ? 63 : 64);
  uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const uint64_t trial = root | uint64_t{1} << bit;
    if (Wide(trial) * trial <= square) root = trial;
  }
  SoftExtended result(Kind::Number, false);
  // Never half way: (root + ½)² is no integer.
  const bool up = square - Wide(root) * root > root;
  const auto [digits, exponent] = normalized(Wide(root) + up, (x.exponent_ - (odd ? 63 : 64)) / 2);
  result.digits_ = digits, result.exponent_ = exponent;
  return result;
}

SoftExtended floor(const SoftExtended& x) {
  if (x.kind_ != SoftExtended::Kind::Number || x.exponent_ >= 0) return x;
  SoftExtended whole(SoftExtended::Kind::Zero, x.negative_);
  if (x.exponent_ > -64) {
    whole = x;
    whole.digits_ &= ~((uint64_t{1} << -x.exponent_) - 1);
  }
  return x.negative_ && whole - x > SoftExtended() ? whole - SoftExtended(1) : whole;
}

SoftExtended ldexp(const SoftExtended& x, int power) {
  SoftExtended result = x;
  result.exponent_ += power;
  return result;
}

SoftExtended frexp(const SoftExtended& x, int* power) {
  *power = x.kind_ == SoftExtended::Kind::Number ? x.exponent_ + 64 : 0;
  return ldexp(x, -*power);
}

}  // namespace norma
