#include "norma/layers/repr.h"

#include <limits>

#include "tests/support/catch.h"

using norma::Shape;
using norma::nn::repr;

TEST_CASE("numbers read as Python's repr") {
  CHECK(repr(0.1) == "0.1");
  CHECK(repr(1.0) == "1.0");
  CHECK(repr(-2.5) == "-2.5");
  CHECK(repr(0.0) == "0.0");
  CHECK(repr(-0.0) == "-0.0");
  CHECK(repr(1e-5) == "1e-05");
  CHECK(repr(1.25e-7) == "1.25e-07");
  CHECK(repr(0.0001) == "0.0001");
  CHECK(repr(123456789.0) == "123456789.0");
  CHECK(repr(1e15) == "1000000000000000.0");
  CHECK(repr(1e16) == "1e+16");
  CHECK(repr(1e300) == "1e+300");
  CHECK(repr(1.0 / 3.0) == "0.3333333333333333");
  CHECK(repr(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(repr(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(repr(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("bools, integers and tuples read as Python's repr") {
  CHECK(repr(true) == "True");
  CHECK(repr(false) == "False");
  CHECK(repr(int64_t{-7}) == "-7");
  CHECK(repr(Shape({10})) == "(10,)");
  CHECK(repr(Shape({10, 20})) == "(10, 20)");
  CHECK(repr(Shape()) == "()");
}
