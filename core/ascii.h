// Letters of ASCII, whatever the locale is.
#pragma once

namespace norma {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace norma
