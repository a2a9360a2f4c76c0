#include "norma/core/platform/console.h"

#include <cstdio>

namespace norma::platform {

void print_error(const char* text) noexcept { std::fputs(text, stderr); }

}  // namespace norma::platform
