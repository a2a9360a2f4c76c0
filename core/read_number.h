// Numbers out of text, also where the standard library reads no real ones (libc++ before 20).
#pragma once
#include <charconv>
#include <concepts>

namespace norma {

namespace detail {
/// What std::from_chars does for real numbers in decimal digits, by the streams that every library
/// has, some twenty times slower.
template <std::floating_point T>
std::from_chars_result read_real(const char* first, const char* last, T& value);
}  // namespace detail

/// `std::from_chars(first, last, value)`, in the C locale as there.
template <class T>
std::from_chars_result read_number(const char* first, const char* last, T& value) {
  if constexpr (requires { std::from_chars(first, last, value); })
    return std::from_chars(first, last, value);
  else
    return detail::read_real(first, last, value);
}

}  // namespace norma
