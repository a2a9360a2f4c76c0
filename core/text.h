// Text out of pieces: error messages, and how modules print.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace norma {

enum class DType : uint8_t;

namespace detail {

/// A piece of a text, of one type for all: so each text is not a function of its own.
class Piece {
 public:
  Piece(const char* text) : Piece(std::string_view(text)) {}
  Piece(std::string_view text) : kind_(Kind::Text), size_(text.size()), text_(text.data()) {}
  Piece(const std::string& text) : Piece(std::string_view(text)) {}
  Piece(char value) : kind_(Kind::Character), whole_(value) {}
  Piece(bool value) : kind_(Kind::Bool), whole_(value) {}
  Piece(double value) : kind_(Kind::Real), real_(value) {}
  Piece(DType value) : kind_(Kind::Type), whole_(static_cast<int64_t>(value)) {}
  template <std::integral T>
  Piece(T value)
      : kind_(std::is_signed_v<T> ? Kind::Signed : Kind::Unsigned),
        whole_(static_cast<int64_t>(value)) {}
  template <class T>
  requires requires(const T& value) { value.str(); }
  Piece(const T& value)
      : kind_(Kind::Object), object_(&value), write_([](const void* object) {
          return std::string(static_cast<const T*>(object)->str());
        }) {}

  void append_to(std::string& out) const;

 private:
  enum class Kind : uint8_t { Text, Character, Bool, Real, Type, Signed, Unsigned, Object };
  Kind kind_;
  std::size_t size_ = 0;
  union {
    const char* text_;
    int64_t whole_;
    double real_;
    const void* object_;
  };
  std::string (*write_)(const void* object) = nullptr;
};

std::string joined(std::initializer_list<Piece> pieces);

}  // namespace detail

/// The pieces one after the other: strings and characters as they are, numbers and bools as Python
/// prints them (`3`, `1.0`, `1e-05`, `True`), types by name, and whatever has a `str()` by that.
template <class... Pieces>
[[gnu::always_inline]] inline std::string text(const Pieces&... pieces) {
  return detail::joined({detail::Piece(pieces)...});
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
