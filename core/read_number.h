// Numbers out of text, also where the standard library reads no real ones (libc++ before 20).
#pragma once
#include <charconv>
#include <concepts>
#include <type_traits>
#include <version>

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
#ifndef __cpp_lib_to_chars
  if constexpr (std::is_floating_point_v<T>)
    return detail::read_real(first, last, value);
  else
#endif
    return std::from_chars(first, last, value);
}

}  // namespace norma
