// Whether bytes are text.
#pragma once
#include <string_view>

namespace norma {

/// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);

}  // namespace norma
