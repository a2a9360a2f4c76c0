#include "norma/core/write_number.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

namespace norma::detail {

namespace {

/// As printf does, but with a point whatever the locale.
std::string printed(char conversion, int precision, double value) {
  const char format[] = {'%', '.', '*', conversion, '\0'};
  std::string text(static_cast<std::size_t>(precision) + 330,
                   ' ');  // 1e308 has 309 before the point
  const int length = std::snprintf(text.data(), text.size(), format, precision, value);
  text.resize(static_cast<std::size_t>(length));
  const std::size_t point = text.find_first_not_of("-+0123456789e");
  if (point != std::string::npos) {
    const std::size_t behind = text.find_first_of("0123456789", point);
    text.replace(point, behind - point, ".");
  }
  return text;
}

/// The fewest digits behind the first that tell `value` from all other numbers.
int shortest(double value) {
  char text[32];
  for (int digits = 0; digits < 16; ++digits) {
    std::snprintf(text, sizeof text, "%.*e", digits, value);
    if (std::strtod(text, nullptr) == value) return digits;
  }
  return 16;
}

std::string shortest_text(double value, std::optional<std::chars_format> format) {
  const int digits = shortest(value);
  std::string scientific = printed('e', digits, value);
  if (format == std::chars_format::scientific) return scientific;
  const int power = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  const std::string fixed = printed('f', power < digits ? digits - power : 0, value);
  return format || fixed.size() <= scientific.size() ? fixed : scientific;
}

}  // namespace

std::to_chars_result write_real(char* first, char* last, double value,
                                std::optional<std::chars_format> format,
                                std::optional<int> precision) {
  std::string text;
  if (!precision) {
    text = shortest_text(value, format);
  } else {
    const char conversion = format == std::chars_format::fixed        ? 'f'
                            : format == std::chars_format::scientific ? 'e'
                                                                      : 'g';
    text = printed(conversion, *precision, value);
  }
  if (text.size() > static_cast<std::size_t>(last - first)) {
    return {last, std::errc::value_too_large};
  }
  return {std::copy(text.begin(), text.end(), first), std::errc()};
}

}  // namespace norma::detail
