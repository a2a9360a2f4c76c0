#include "norma/core/read_number.h"

#include <algorithm>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "norma/core/ascii.h"

namespace norma::detail {

namespace {

/// The length of `word` where `text` begins with it, in either case; 0 otherwise.
std::size_t matched(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return a == lower(b); };
  const bool begins =
      text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(), same);
  return begins ? word.size() : 0;
}

std::size_t digits(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  return static_cast<std::size_t>(end - text.begin());
}

/// The length of digits, point and exponent at the beginning of `text`; 0 if there is no digit.
std::size_t decimal(std::string_view text) {
  std::size_t length = digits(text), found = length;
  if (length < text.size() && text[length] == '.') {
    const std::size_t behind = digits(text.substr(length + 1));
    found += behind;
    length += 1 + behind;
  }
  if (found == 0) return 0;
  if (length < text.size() && lower(text[length]) == 'e') {
    std::size_t at = length + 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (const std::size_t exponent = digits(text.substr(at))) length = at + exponent;
  }
  return length;
}

/// The length of nan or nan(letters).
std::size_t not_a_number(std::string_view text) {
  const std::size_t length = matched(text, "nan");
  if (length == 0 || length == text.size() || text[length] != '(') return length;
  const auto inside = [](char c) {
    return is_digit(c) || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z');
  };
  std::size_t close = length + 1;
  while (close < text.size() && inside(text[close])) ++close;
  return close < text.size() && text[close] == ')' ? close + 1 : length;
}

}  // namespace

template <std::floating_point T>
std::from_chars_result read_real(const char* first, const char* last, T& value) {
  const bool negative = first != last && *first == '-';
  const char* const begin = first + negative;
  const std::string_view text(begin, static_cast<std::size_t>(last - begin));
  const auto give = [&](T magnitude, std::size_t length) -> std::from_chars_result {
    value = negative ? -magnitude : magnitude;
    return {begin + length, std::errc()};
  };
  if (const std::size_t length = std::max(matched(text, "inf"), matched(text, "infinity")))
    return give(std::numeric_limits<T>::infinity(), length);
  if (const std::size_t length = not_a_number(text))
    return give(std::numeric_limits<T>::quiet_NaN(), length);
  const std::size_t length = decimal(text);
  if (length == 0) return {first, std::errc::invalid_argument};
  std::istringstream stream{std::string(text.substr(0, length))};
  stream.imbue(std::locale::classic());
  T magnitude = 0;
  stream >> magnitude;
  // Some libraries tell a number among the smallest as a failure, some give zero for one below.
  const std::string_view mantissa = text.substr(0, std::min(length, text.find_first_of("eE")));
  const bool is_zero = mantissa.find_first_of("123456789") == std::string_view::npos;
  if ((magnitude == 0 && !is_zero) || (stream.fail() && magnitude >= std::numeric_limits<T>::max()))
    return {begin + length, std::errc::result_out_of_range};
  return give(magnitude, length);
}

template std::from_chars_result read_real(const char*, const char*, float&);
template std::from_chars_result read_real(const char*, const char*, double&);
template std::from_chars_result read_real(const char*, const char*, long double&);

}  // namespace norma::detail
