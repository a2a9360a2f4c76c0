// Where warnings go.
#pragma once

namespace norma::platform {

/// UTF-8 to stderr; to a console in the characters that it shows.
void print_error(const char* text) noexcept;

}  // namespace norma::platform
