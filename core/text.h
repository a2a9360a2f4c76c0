// Text out of pieces: error messages, and how modules print.
#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace norma {

enum class DType : uint8_t;

namespace detail {

void append(std::string& out, std::string_view piece);
void append(std::string& out, const char* piece);
void append(std::string& out, char piece);
void append(std::string& out, bool value);
void append(std::string& out, double value);
void append(std::string& out, DType dtype);
void append_signed(std::string& out, int64_t value);
void append_unsigned(std::string& out, uint64_t value);

template <std::integral T>
void append(std::string& out, T value) {
  std::is_signed_v<T> ? append_signed(out, static_cast<int64_t>(value))
                      : append_unsigned(out, static_cast<uint64_t>(value));
}

void append(std::string& out, const auto& value) requires requires { value.str(); }
{ append(out, std::string_view(value.str())); }

}  // namespace detail

/// The pieces one after the other: strings and characters as they are, numbers and bools as Python
/// prints them (`3`, `1.0`, `1e-05`, `True`), types by name, and whatever has a `str()` by that.
template <class... Pieces>
std::string text(const Pieces&... pieces) {
  std::string out;
  (detail::append(out, pieces), ...);
  return out;
}

/// "\"name\"" for a message, wherever the name comes from: at most 120 bytes of it, then "…", with
/// escapes for quotes, backslashes, bytes that are no UTF-8, and characters that steer a terminal
/// or are not seen (controls, marks of direction, of width 0).
std::string in_quotes(std::string_view name);

/// The names quoted and with commas between: at most 50, then "… (8 more)".
std::string quoted_list(const std::vector<std::string>& names);

/// The shortest number that reads back as `value`: "0.1", "-1", "1e-08".
std::string shortest(double value);

/// At most `digits` digits, as printf's %g: "0.333333".
std::string rounded(double value, int digits = 6);

}  // namespace norma
