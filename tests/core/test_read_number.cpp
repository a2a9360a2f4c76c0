#include "norma/core/read_number.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "norma/core/philox.h"
#include "norma/core/text.h"
#include "norma/tests/support/catch.h"

namespace {

struct Read {
  double value = -7;  // stays where nothing was read
  std::size_t length = 0;
  std::errc error{};
};

template <class Number = double>
Read by_streams(std::string_view text) {
  Number value = -7;
  const auto [end, error] = norma::detail::read_real(text.data(), text.data() + text.size(), value);
  return {static_cast<double>(value), static_cast<std::size_t>(end - text.data()), error};
}

void reads(std::string_view text, double value, std::size_t length) {
  INFO(text);
  const Read read = by_streams(text);
  CHECK(read.error == std::errc());
  CHECK(std::bit_cast<uint64_t>(read.value) == std::bit_cast<uint64_t>(value));
  CHECK(read.length == length);
}

}  // namespace

TEST_CASE("real numbers are read as far as they go, as std::from_chars does") {
  reads("1", 1, 1);
  reads("-0", -0.0, 2);
  reads("1.", 1, 2);
  reads(".5x", 0.5, 2);
  reads("2.5e3 ", 2500, 5);
  reads("2.5E-3,", 0.0025, 6);
  reads("1e", 1, 1);
  reads("1e+", 1, 1);
  reads("1.5.2", 1.5, 3);
  reads("0x10", 0, 1);
  reads("inf", INFINITY, 3);
  reads("-Infinity", -INFINITY, 9);
  reads("infinit", INFINITY, 3);
  reads("4.9406564584124654e-324", 5e-324, 23);
  reads("1.7976931348623157e308", 1.7976931348623157e308, 22);
  CHECK(std::isnan(by_streams("NaN").value));
  CHECK(by_streams("nan(ab_1)!").length == 9);
  CHECK(by_streams("nan(a-b)").length == 3);
  CHECK(std::signbit(by_streams("-nan").value));
}

TEST_CASE("what is no number is told, and leaves the value alone") {
  for (const std::string_view text : {"", "-", ".", "+1", " 1", "e5", "--1", "in", "-.e1", "x"}) {
    INFO(text);
    const Read read = by_streams(text);
    CHECK(read.error == std::errc::invalid_argument);
    CHECK(read.length == 0);
    CHECK(read.value == -7);
  }
}

TEST_CASE("numbers too large and too small are told apart from good ones") {
  for (const std::string_view text : {"1e400", "-1e400", "1e-400", "123e99999999999999999999"}) {
    INFO(text);
    const Read read = by_streams(text);
    CHECK(read.error == std::errc::result_out_of_range);
    CHECK(read.length == text.size());
    CHECK(read.value == -7);
  }
  CHECK(by_streams<float>("1e39").error == std::errc::result_out_of_range);
  CHECK(by_streams<float>("1e-45").value == static_cast<double>(1e-45f));
  CHECK(by_streams<long double>("1e-320").value == 1e-320);
}

TEST_CASE("every bit of a number comes back, as strtod reads it") {
  for (uint64_t i = 0; i < 2000; ++i) {
    uint32_t words[4][1];
    norma::philox<1>(11, i, words);
    const auto value = std::bit_cast<double>(uint64_t{words[0][0]} << 32 | words[1][0]);
    if (!std::isfinite(value)) continue;
    const std::string digits = norma::shortest(value);
    REQUIRE(std::bit_cast<uint64_t>(std::strtod(digits.c_str(), nullptr)) ==
            std::bit_cast<uint64_t>(value));
    REQUIRE(std::bit_cast<uint64_t>(by_streams(digits).value) == std::bit_cast<uint64_t>(value));
  }
}

TEST_CASE("whole numbers are the standard library's") {
  int value = 0;
  const std::string_view text = "-42;";
  const auto [end, error] = norma::read_number(text.data(), text.data() + text.size(), value);
  CHECK(error == std::errc());
  CHECK(value == -42);
  CHECK(*end == ';');
  double real = 0;
  CHECK(norma::read_number(text.data(), text.data() + text.size(), real).ec == std::errc());
  CHECK(real == -42);
}
