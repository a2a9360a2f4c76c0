// Text of numbers, also where the standard library writes no real ones (libc++ before 14).
#pragma once
#include <charconv>
#include <optional>

namespace norma {

namespace detail {
/// What std::to_chars does for real numbers that are finite, by printf: several times slower.
/// Without a format the shorter of fixed and scientific, without a precision as many digits as
/// tell the number from all others; general has one.
std::to_chars_result write_real(char* first, char* last, double value,
                                std::optional<std::chars_format> format = {},
                                std::optional<int> precision = {});
}  // namespace detail

/// `std::to_chars(first, last, value, format...)`, in the C locale as there.
template <class T, class... Format>
std::to_chars_result write_number(char* first, char* last, T value, Format... format) {
  if constexpr (requires { std::to_chars(first, last, value, format...); })
    return std::to_chars(first, last, value, format...);
  else
    return detail::write_real(first, last, value, format...);
}

}  // namespace norma
