// Numbers of 64 binary digits: the long double of x86, or the same made of integers where that has
// others, so that what is computed with them has the same bits on every processor.
#pragma once
#include <cstdint>
#include <limits>
#include <type_traits>

namespace norma {

/// Rounds as x87 does by default: to nearest, ties to even. Exponents have no bounds.
class SoftExtended {
 public:
  SoftExtended() = default;
  SoftExtended(int value) : SoftExtended(static_cast<double>(value)) {}
  SoftExtended(double value) : SoftExtended(static_cast<long double>(value)) {}
  SoftExtended(long double value);
  explicit operator double() const;
  explicit operator int() const { return static_cast<int>(static_cast<double>(*this)); }

  SoftExtended operator-() const;
  friend SoftExtended operator+(const SoftExtended& a, const SoftExtended& b);
  friend SoftExtended operator-(const SoftExtended& a, const SoftExtended& b) { return a + -b; }
  friend SoftExtended operator*(const SoftExtended& a, const SoftExtended& b);
  friend SoftExtended operator/(const SoftExtended& a, const SoftExtended& b);
  SoftExtended& operator-=(const SoftExtended& b) { return *this = *this - b; }
  SoftExtended& operator*=(const SoftExtended& b) { return *this = *this * b; }
  SoftExtended& operator/=(const SoftExtended& b) { return *this = *this / b; }
  friend bool operator<(const SoftExtended& a, const SoftExtended& b);
  friend bool operator>(const SoftExtended& a, const SoftExtended& b) { return b < a; }

  friend SoftExtended fabs(const SoftExtended& x);
  friend SoftExtended sqrt(const SoftExtended& x);
  friend SoftExtended floor(const SoftExtended& x);
  friend SoftExtended ldexp(const SoftExtended& x, int power);
  friend SoftExtended frexp(const SoftExtended& x, int* power);
  friend bool isnan(const SoftExtended& x) { return x.kind_ == Kind::NaN; }

 private:
  enum class Kind : unsigned char { Zero, Number, Infinity, NaN };

  SoftExtended(Kind kind, bool negative) : negative_(negative), kind_(kind) {}

  // ± digits_ 2^exponent_; a number's highest digit is 1.
  uint64_t digits_ = 0;
  int exponent_ = 0;
  bool negative_ = false;
  Kind kind_ = Kind::Zero;
};

using Extended =
    std::conditional_t<std::numeric_limits<long double>::digits == 64, long double, SoftExtended>;

}  // namespace norma
