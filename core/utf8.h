// Whether bytes are text.
#pragma once
#include <cstddef>
#include <string_view>

namespace norma {

/// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);
/// How many characters it has: bytes that are not inside of one.
std::size_t utf8_length(std::string_view text);

}  // namespace norma
