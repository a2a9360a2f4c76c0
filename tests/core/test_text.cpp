#include "norma/core/text.h"

#include <limits>

#include "norma/core/dtype.h"
#include "norma/core/error.h"
#include "norma/core/shape.h"
#include "norma/tests/support/catch.h"

using norma::in_quotes;
using norma::rounded;
using norma::Shape;
using norma::shortest;
using norma::text;

TEST_CASE("a text is its pieces one after the other") {
  const std::string name = "weight";
  CHECK(text() == "");
  CHECK(text("expected ", name, ' ', Shape{2, 3}, " of ", norma::kFloat32, ", got ", 7) ==
        "expected weight [2, 3] of float32, got 7");
  CHECK(text(std::string_view("a"), in_quotes("b")) == "a\"b\"");
}

TEST_CASE("a quoted name shows what cannot be seen and steers no terminal") {
  CHECK(in_quotes("0.weight ünï 日本 😀") == "\"0.weight ünï 日本 😀\"");
  CHECK(in_quotes("\x1b[31mred\a\b\x7f") == "\"\\x1b[31mred\\x07\\x08\\x7f\"");
  CHECK(in_quotes(std::string_view("a\0b", 3)) == "\"a\\x00b\"");
  CHECK(in_quotes("a\nb\tc\rd\"e\\") == "\"a\\nb\\tc\\rd\\\"e\\\\\"");
  // C1 controls, marks of direction, zero width, a byte-order mark, a tag.
  CHECK(in_quotes("\xC2\x9B|\u202E|\u2066|\u200B|\uFEFF|\U000E0041") ==
        "\"\\u009b|\\u202e|\\u2066|\\u200b|\\ufeff|\\U000e0041\"");
  // No UTF-8: a lone byte, a cut character, a long form, a surrogate, a number too large.
  CHECK(in_quotes("\xFF|\x80|\xE2\x82|\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80") ==
        "\"\\xff|\\x80|\\xe2\\x82|\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80\"");
  CHECK(in_quotes(std::string(120, 'n')) == '"' + std::string(120, 'n') + '"');
  CHECK(in_quotes(std::string(121, 'n')) == '"' + std::string(120, 'n') + "…\"");
  CHECK(in_quotes(std::string(119, 'n') + "ü") == '"' + std::string(119, 'n') + "…\"");
  CHECK(in_quotes(std::string(1'000'000, '\1')).size() < 500);
  CHECK(norma::quoted_list({"a", "b\n"}) == "\"a\", \"b\\n\"");
  CHECK(norma::quoted_list(std::vector<std::string>(1000, "x")).ends_with(", \"x\", … (950 more)"));
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
