#include "norma/core/write_number.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "norma/core/philox.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/comma_locale.h"

namespace {

template <class... Format>
std::string by_standard(double value, Format... format) {
  char text[800];
  return {text, std::to_chars(text, text + sizeof text, value, format...).ptr};
}

template <class... Format>
std::string by_printf(double value, Format... format) {
  char text[800];
  return {text, norma::detail::write_real(text, text + sizeof text, value, format...).ptr};
}

void writes(double value) {
  CHECK(by_printf(value) == by_standard(value));
  for (const auto format :
       {std::chars_format::fixed, std::chars_format::scientific, std::chars_format::general}) {
    if (format != std::chars_format::general)
      CHECK(by_printf(value, format) == by_standard(value, format));
    for (const int digits : {0, 1, 6, 17}) {
      CHECK(by_printf(value, format, digits) == by_standard(value, format, digits));
    }
  }
}

}  // namespace

TEST_CASE("real numbers are written as std::to_chars does") {
  for (const double value : {0.0,
                             -0.0,
                             1.0,
                             -1.5,
                             0.1,
                             1e-5,
                             1e-4,
                             123456.0,
                             1e5,
                             1e15,
                             1e16,
                             1e22,
                             1e23,
                             1e100,
                             1e-100,
                             5e-324,
                             1.7976931348623157e308,
                             2.0 / 3,
                             123456789012345680.0,
                             0.00012345,
                             3.4028234663852886e38}) {
    INFO(value);
    writes(value);
  }
}

TEST_CASE("so are numbers of any bits, with just the digits that tell them apart") {
  for (uint64_t i = 0; i < 2000; ++i) {
    uint32_t words[4][1];
    norma::philox<1>(12, i, words);
    const auto value = std::bit_cast<double>(uint64_t{words[0][0]} << 32 | words[1][0]);
    if (!std::isfinite(value)) continue;
    REQUIRE(by_printf(value) == by_standard(value));
    const double usual = words[2][0] / 1e6;
    REQUIRE(by_printf(usual) == by_standard(usual));
  }
}

TEST_CASE("numbers have a point in a locale with commas, too") {
  const CommaLocale locale;
  if (!locale.is_set()) SUCCEED("no such locale can be made here");
  CHECK(by_printf(0.5) == "0.5");
  CHECK(by_printf(1234.5, std::chars_format::fixed, 2) == "1234.50");
}

TEST_CASE("a text that does not fit is told") {
  char text[4];
  const auto [end, error] = norma::detail::write_real(text, text + 4, 0.125);
  CHECK(error == std::errc::value_too_large);
  CHECK(end == text + 4);
}

TEST_CASE("write_number is the standard library's where that has one") {
  char text[8];
  CHECK(std::string(text, norma::write_number(text, text + 8, -42).ptr) == "-42");
  CHECK(std::string(text, norma::write_number(text, text + 8, 0.25).ptr) == "0.25");
}
