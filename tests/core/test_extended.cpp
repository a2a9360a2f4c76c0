// Numbers of 64 digits made of integers against those of x86, bit for bit; on other processors
// against sums and products that are known.
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "norma/core/extended.h"
#include "norma/tests/support/catch.h"

using namespace norma;

namespace {

/// All 64 digits, in two exact parts.
template <class Number>
std::string digits_of(Number x) {
  char text[80];
  const auto high = static_cast<double>(x);
  const auto low = std::isfinite(high) ? static_cast<double>(x - Number(high)) : 0.0;
  std::snprintf(text, sizeof text, "%a %a", high, low);
  return text;
}

struct Summands {
  double high, low;
};
/// Of every size, many with few digits, many near each other.
std::vector<Summands> operands() {
  std::mt19937_64 random(5);
  std::vector<Summands> pairs;
  for (int i = 0; i < 4000; ++i) {
    const int size = static_cast<int>(random() % 140) - 70;
    const auto digits = static_cast<double>(random() >> (11 + random() % 50)) * 0x1p-53;
    const auto rest = static_cast<double>(random() % 4 ? random() % 2048 : 1024) * 0x1p-65;
    const double sign = random() % 2 ? 1 : -1;
    pairs.push_back({sign * std::ldexp(digits, size), sign * std::ldexp(rest, size)});
    if (random() % 4 == 0) pairs.push_back({-pairs.back().high, pairs.back().low});
  }
  return pairs;
}

}  // namespace

TEST_CASE("numbers of 64 digits are those of x86") {
  if (std::numeric_limits<long double>::digits != 64) {
    WARN("skipped: this processor has none");
    return;
  }
  const std::vector<Summands> pairs = operands();
  for (std::size_t i = 0; i + 1 < pairs.size(); ++i) {
    const auto [high, low] = pairs[i];
    const auto [other_high, other_low] = pairs[i + 1];
    const SoftExtended a = SoftExtended(high) + low, b = SoftExtended(other_high) + other_low;
    const long double x = static_cast<long double>(high) + low;
    const long double y = static_cast<long double>(other_high) + other_low;
    INFO(high << " + " << low << ", " << other_high << " + " << other_low);
    REQUIRE(digits_of(a) == digits_of(x));
    REQUIRE(digits_of(SoftExtended(x)) == digits_of(x));
    REQUIRE(digits_of(a + b) == digits_of(x + y));
    REQUIRE(digits_of(a - b) == digits_of(x - y));
    REQUIRE(digits_of(a * b) == digits_of(x * y));
    if (y != 0) REQUIRE(digits_of(a / b) == digits_of(x / y));
    REQUIRE((a < b) == (x < y));
    REQUIRE(digits_of(sqrt(fabs(a))) == digits_of(std::sqrt(std::fabs(x))));
    REQUIRE(digits_of(floor(a)) == digits_of(std::floor(x)));
    int power = 0, wanted = 0;
    REQUIRE(digits_of(frexp(a, &power)) == digits_of(std::frexp(x, &wanted)));
    REQUIRE(power == wanted);
    for (const int to : {-1030, -1060, -1100, 990}) {
      REQUIRE(static_cast<double>(ldexp(a, to)) == static_cast<double>(std::ldexp(x, to)));
    }
  }
}

TEST_CASE("numbers of 64 digits round to nearest, ties to even") {
  const SoftExtended one = 1, last = 0x1p-63;
  CHECK(digits_of(one + 0x1p-64) == digits_of(one));
  CHECK(digits_of(one + last + 0x1p-64) == digits_of(one + 0x1p-62));
  CHECK(digits_of(one + 0x1.0001p-64) == digits_of(one + last));
  CHECK(digits_of(one - 0x1p-65) == digits_of(one));
  CHECK(digits_of(one - 0x1.8p-65) == digits_of(one - 0x1p-64));
  CHECK(digits_of((one + last) * (one + last)) == digits_of(one + 0x1p-62));
  CHECK(digits_of(one / 3 * 3) == digits_of(one));
  CHECK(digits_of(SoftExtended(1) / 3) == "0x1.5555555555555p-2 0x1.558p-56");
  CHECK(digits_of(sqrt(SoftExtended(2))) == "0x1.6a09e667f3bcdp+0 -0x1.bep-54");
}

TEST_CASE("numbers of 64 digits that are none") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const SoftExtended zero = 0, one = 1;
  CHECK(static_cast<double>(one / zero) == infinity);
  CHECK(static_cast<double>(-one / zero) == -infinity);
  CHECK(static_cast<double>(one / SoftExtended(infinity)) == 0);
  CHECK(std::signbit(static_cast<double>(-zero)));
  CHECK_FALSE(std::signbit(static_cast<double>(one - one)));
  CHECK(SoftExtended(infinity) > one);
  CHECK_FALSE(SoftExtended(nan) > one);
  CHECK_FALSE(SoftExtended(nan) < one);
  for (const SoftExtended& none : {zero / zero, SoftExtended(infinity) - infinity, sqrt(-one),
                                   SoftExtended(nan) * one, SoftExtended(infinity) * zero}) {
    CHECK(isnan(none));
    CHECK(std::isnan(static_cast<double>(none)));
  }
}
