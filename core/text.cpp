#include "norma/core/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "norma/core/dtype.h"
#include "norma/core/utf8.h"
#include "norma/core/write_number.h"

namespace norma {

namespace {

template <class... Format>
std::string written(Format... format) {
  char buffer[64];
  return {buffer, write_number(buffer, buffer + sizeof buffer, format...).ptr};
}

struct Character {
  uint32_t code;  // of an invalid one, its first byte
  std::size_t bytes;
  bool valid;
};

// The first character of a text in UTF-8 that is not empty.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t bytes = lead < 0x80   ? 1
                            : lead < 0xC0 ? 0
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                                          : 4;
  const Character invalid{lead, 1, false};
  if (bytes == 0 || lead > 0xF4 || text.size() < bytes) return invalid;
  uint32_t code = bytes == 1 ? lead : lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return invalid;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (code < kLeast[bytes] || surrogate || code > 0x10FFFF) return invalid;
  return {code, bytes, true};
}

char escape_letter(uint32_t code) {
  return code == '\n'                  ? 'n'
         : code == '\t'                ? 't'
         : code == '\r'                ? 'r'
         : code == '"' || code == '\\' ? static_cast<char>(code)
                                       : '\0';
}

// Controls beyond ASCII, and what Unicode has for the direction and the joining of text.
bool unseen(uint32_t code) {
  constexpr uint32_t kRanges[][2] = {
      {0x80, 0x9F},     {0xAD, 0xAD},      {0x34F, 0x34F},   {0x61C, 0x61C},   {0x115F, 0x1160},
      {0x17B4, 0x17B5}, {0x180B, 0x180F},  {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
      {0x3164, 0x3164}, {0xFE00, 0xFE0F},  {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
      {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF}};
  for (const auto& range : kRanges)
    if (code >= range[0] && code <= range[1]) return true;
  return false;
}

// A backslash, the letter, and so many hexadecimal digits.
void append_escaped(std::string& out, char letter, uint32_t code, int digits) {
  out += '\\';
  out += letter;
  while (digits-- > 0) out += "0123456789abcdef"[code >> (4 * digits) & 15];
}

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

}  // namespace

namespace detail {

void Piece::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::Text:
      out.append(text_, size_);
      break;
    case Kind::Character:
      out += static_cast<char>(whole_);
      break;
    case Kind::Bool:
      out += whole_ ? "True" : "False";
      break;
    case Kind::Real:
      append(out, real_);
      break;
    case Kind::Type:
      out += dtype_name(static_cast<DType>(whole_));
      break;
    case Kind::Signed:
      out += std::to_string(whole_);
      break;
    case Kind::Unsigned:
      out += std::to_string(static_cast<uint64_t>(whole_));
      break;
    case Kind::Object:
      out += write_(object_);
      break;
  }
}

std::string joined(std::initializer_list<Piece> pieces) {
  std::string out;
  for (const Piece& piece : pieces) piece.append_to(out);
  return out;
}

}  // namespace detail

std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::string out = "\"";
  for (std::size_t at = 0; at < name.size();) {
    const Character next = first_character(name.substr(at));
    if (at + next.bytes > kLongest) {
      out += "…";
      break;
    }
    if (next.code < 0x80 && escape_letter(next.code)) {
      append_escaped(out, escape_letter(next.code), 0, 0);
    } else if (!next.valid || next.code < 0x20 || next.code == 0x7F) {
      append_escaped(out, 'x', next.code, 2);
    } else if (unseen(next.code)) {
      append_escaped(out, next.code < 0x10000 ? 'u' : 'U', next.code, next.code < 0x10000 ? 4 : 8);
    } else {
      out += name.substr(at, next.bytes);
    }
    at += next.bytes;
  }
  return out + '"';
}

std::size_t utf8_length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character next = first_character(text);
    if (!next.valid) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::string quoted_list(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 50;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    out += (i ? ", " : "") + in_quotes(names[i]);
  if (names.size() > kMost) out += text(", … (", names.size() - kMost, " more)");
  return out;
}

std::string shortest(double value) { return written(value); }

std::string rounded(double value, int digits) {
  return written(value, std::chars_format::general, digits);
}

}  // namespace norma
