// Elementary functions from exact steps alone, against values of 60 digits (golden_elementary.py),
// and where there is nothing to round against the C library.
#include "norma/core/elementary.h"

#include <cmath>
#include <limits>
#include <string>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/golden_file.h"

namespace portable = norma::elementary::portable;

namespace {

double call(const std::string& name, const std::vector<double>& x) {
  if (name == "exp") return portable::exp(x[0]);
  if (name == "log") return portable::log(x[0]);
  if (name == "log1p") return portable::log1p(x[0]);
  if (name == "tanh") return portable::tanh(x[0]);
  if (name == "cos") return portable::cos(x[0]);
  REQUIRE(name == "pow");
  return portable::pow(x[0], x[1]);
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

}  // namespace

TEST_CASE("elementary functions from exact steps are within a unit in the last place") {
  int exact = 0, count = 0;
  for (const GoldenLine& line : read_golden(NORMA_CORE_TESTS "golden_elementary.txt")) {
    const double got = call(line.words[0], line.numbers), want = line.numbers.back();
    INFO(line.words[0] << " of " << line.numbers[0] << " is " << got << ", right: " << want);
    const double next = std::nextafter(want, got);
    CHECK((got == want || got == next));
    ++count;
    exact += got == want;
  }
  // 0.51 units in the last place: one in fifty may be rounded to the wrong side.
  CHECK(exact >= 0.98 * count);
}

TEST_CASE("elementary functions from exact steps end as the C library's do") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const double x : {0.0, -0.0, 1.0, -1.0, kInf, -kInf, kNaN, 5e-324, 1e308, -1e308, -2.0}) {
    INFO("x = " << x);
    CHECK(same(portable::exp(x), std::exp(x)));
    CHECK(same(portable::log(x), std::log(x)));
    CHECK(same(portable::log1p(x), std::log1p(x)));
    CHECK(same(portable::tanh(x), std::tanh(x)));
    for (const double p : {0.0, 1.0, -1.0, 2.0, 3.0, -3.0, 0.5, 1e300, -1e300, kInf, -kInf, kNaN}) {
      INFO("p = " << p);
      CHECK(same(portable::pow(x, p), std::pow(x, p)));
    }
  }
  CHECK(portable::exp(709.0) < kInf);
  CHECK(portable::exp(709.8) == kInf);
  CHECK(portable::exp(-744.0) > 0);
  CHECK(portable::pow(10.0, 22.0) == 1e22);
  CHECK(portable::pow(-2.0, 3.0) == -8.0);
}
