#include "norma/core/text.h"

#include <limits>

#include "norma/core/dtype.h"
#include "norma/core/error.h"
#include "norma/core/shape.h"
#include "norma/tests/support/catch.h"

using norma::quoted;
using norma::rounded;
using norma::Shape;
using norma::shortest;
using norma::text;

TEST_CASE("a text is its pieces one after the other") {
  const std::string name = "weight";
  CHECK(text() == "");
  CHECK(text("expected ", name, ' ', Shape{2, 3}, " of ", norma::kFloat32, ", got ", 7) ==
        "expected weight [2, 3] of float32, got 7");
  CHECK(text(std::string_view("a"), quoted("b")) == "a\"b\"");
}

TEST_CASE("integers of every kind are numbers in a text") {
  CHECK(text(int64_t{-7}, ' ', std::size_t{8}, ' ', uint8_t{65}) == "-7 8 65");
  CHECK(text(std::numeric_limits<int64_t>::min()) == "-9223372036854775808");
  CHECK(text(std::numeric_limits<uint64_t>::max()) == "18446744073709551615");
}

TEST_CASE("bools and reals read as Python prints them") {
  CHECK(text(true, ' ', false) == "True False");
  CHECK(text(0.1) == "0.1");
  CHECK(text(1.0) == "1.0");
  CHECK(text(0.5f) == "0.5");
  CHECK(text(-2.5) == "-2.5");
  CHECK(text(0.0) == "0.0");
  CHECK(text(-0.0) == "-0.0");
  CHECK(text(1e-5) == "1e-05");
  CHECK(text(1.25e-7) == "1.25e-07");
  CHECK(text(0.0001) == "0.0001");
  CHECK(text(9.999999999999999e-05) == "9.999999999999999e-05");
  CHECK(text(123456789.0) == "123456789.0");
  CHECK(text(1e15) == "1000000000000000.0");
  CHECK(text(9999999999999998.0) == "9999999999999998.0");
  CHECK(text(1e16) == "1e+16");
  CHECK(text(-1e300) == "-1e+300");
  CHECK(text(1.0 / 3.0) == "0.3333333333333333");
  CHECK(text(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(text(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("the shortest form of a real reads back as the same") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(-1.0) == "-1");
  CHECK(shortest(1e-8) == "1e-08");
  CHECK(shortest(1e5) == "1e+05");
}

TEST_CASE("a rounded real has as many digits as asked for") {
  CHECK(rounded(1.0 / 3.0) == "0.333333");
  CHECK(rounded(1.0 / 3.0, 9) == "0.333333333");
  CHECK(rounded(1.5) == "1.5");
  CHECK(rounded(-1e-7) == "-1e-07");
  CHECK(rounded(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("fail takes the pieces of its message") {
  CHECK_THROWS_WITH(norma::fail("op", "expected ", 1, ", got ", Shape{2}),
                    "[op] expected 1, got [2]");
  CHECK_THROWS_WITH(norma::fail("op", "refused"), "[op] refused");
}
