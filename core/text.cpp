#include "norma/core/text.h"

#include <charconv>
#include <cmath>

#include "norma/core/dtype.h"

namespace norma {

namespace {

template <class... Format>
std::string written(Format... format) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, format...).ptr};
}

}  // namespace

namespace detail {

void append(std::string& out, std::string_view piece) { out += piece; }
void append(std::string& out, const char* piece) { out += piece; }
void append(std::string& out, char piece) { out += piece; }
void append(std::string& out, bool value) { out += value ? "True" : "False"; }
void append(std::string& out, DType dtype) { out += dtype_name(dtype); }
void append_signed(std::string& out, int64_t value) { out += std::to_string(value); }
void append_unsigned(std::string& out, uint64_t value) { out += std::to_string(value); }

void append(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    return;
  }
  const double size = std::fabs(value);
  if (value != 0 && (size < 1e-4 || size >= 1e16)) {
    out += written(value, std::chars_format::scientific);
    return;
  }
  const std::string fixed = written(value, std::chars_format::fixed);
  out += fixed;
  if (fixed.find('.') == std::string::npos) out += ".0";
}

}  // namespace detail

std::string quoted(std::string_view name) { return text('"', name, '"'); }

std::string shortest(double value) { return written(value); }

std::string rounded(double value, int digits) {
  return written(value, std::chars_format::general, digits);
}

}  // namespace norma
