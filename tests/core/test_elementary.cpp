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

TEST_CASE(
    "functions of angles and their kin from exact steps, beside the C library in long double") {
  using Wide = long double (*)(long double);
  struct Row {
    const char* name;
    double (*function)(double);
    Wide wide;
    double low, high;
  };
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const Row& row :
       {Row{"sin", portable::sin, std::sin, -40, 40}, Row{"cos", portable::cos, std::cos, -40, 40},
        Row{"tan", portable::tan, std::tan, -40, 40}, Row{"asin", portable::asin, std::asin, -1, 1},
        Row{"acos", portable::acos, std::acos, -1, 1},
        Row{"atan", portable::atan, std::atan, -9, 9},
        Row{"sinh", portable::sinh, std::sinh, -720, 720},
        Row{"sinh", portable::sinh, std::sinh, -1, 1},
        Row{"cosh", portable::cosh, std::cosh, -720, 720},
        Row{"asinh", portable::asinh, std::asinh, -9, 9},
        Row{"acosh", portable::acosh, std::acosh, 1, 9},
        Row{"atanh", portable::atanh, std::atanh, -1, 1},
        Row{"exp2", portable::exp2, std::exp2, -1080, 1030},
        Row{"expm1", portable::expm1, std::expm1, -50, 720},
        Row{"expm1", portable::expm1, std::expm1, -1, 1},
        Row{"log2", portable::log2, std::log2, 0, 3},
        Row{"log10", portable::log10, std::log10, 0, 3}, Row{"erf", portable::erf, std::erf, -6, 6},
        Row{"erfc", portable::erfc, std::erfc, -6, 27}}) {
    int exact = 0;
    constexpr int kCount = 500;
    for (int i = 0; i <= kCount; ++i) {
      const double x = row.low + (row.high - row.low) * i / kCount;
      const double got = row.function(x), want = static_cast<double>(row.wide(x));
      INFO(row.name << " of " << x << " is " << got << ", right: " << want);
      CHECK((got == want || got == std::nextafter(want, got)));
      exact += got == want;
    }
    INFO(row.name);
    CHECK(exact >= 0.95 * kCount);
    for (const double x :
         {0.0, -0.0, 1.0, -1.0, kInf, -kInf, kNaN, 5e-324, 2.0, -2.0, 50.0, -50.0}) {
      INFO(row.name << " of " << x);
      CHECK(same(row.function(x), static_cast<double>(row.wide(x))));
    }
  }
  const auto wide = [](double v) { return static_cast<long double>(v); };
  for (const double y : {-3.0, -1e-9, 0.0, 2.0, kInf, kNaN}) {
    for (const double x : {-2.0, -0.0, 1e-9, 5.0, -kInf}) {
      INFO(y << " and " << x);
      CHECK(same(portable::atan2(y, x), static_cast<double>(std::atan2(wide(y), wide(x)))));
      CHECK(same(portable::hypot(y, x), static_cast<double>(std::hypot(wide(y), wide(x)))));
    }
  }
}
