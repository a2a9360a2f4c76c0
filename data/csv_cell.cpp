#include "norma/data/csv_cell.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "norma/core/ascii.h"
#include "norma/core/read_number.h"
#include "norma/core/text.h"

namespace norma::data::detail {

namespace {

constexpr std::string_view kMissing[] = {"?",    "-",    ".",    "na",   "n/a",  "n.a.", "#n/a",
                                         "<na>", "-nan", "+nan", "null", "none", "nan"};

template <class T>
NumberStatus parse(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, status] = read_number(text.data(), end, value);
  if (status == std::errc::invalid_argument || stop != end) return NumberStatus::Malformed;
  return status == std::errc() ? NumberStatus::Good : NumberStatus::OutOfRange;
}

// nan(ind), as some programs write NaN.
bool is_long_nan(std::string_view cell) {
  if (cell.back() != ')') return false;
  if (cell[0] == '-' || cell[0] == '+') cell.remove_prefix(1);
  return cell.size() > 4 && lower(cell[0]) == 'n' && lower(cell[1]) == 'a' &&
         lower(cell[2]) == 'n' && cell[3] == '(';
}

// A number that a spreadsheet, another language or a text with typography wrote, in plain digits.
std::string plain_number(std::string_view cell) {
  for (const auto& [open, close] :
       {std::pair{"'", "'"}, {"`", "`"}, {"\u2018", "\u2019"}, {"\u201c", "\u201d"}}) {
    const std::string_view first = open, last = close;
    if (cell.size() <= first.size() + last.size() || !cell.starts_with(first) ||
        !cell.ends_with(last)) {
      continue;
    }
    cell.remove_prefix(first.size());
    cell.remove_suffix(last.size());
  }
  std::string plain;
  if (cell.size() > 2 && cell.front() == '(' && cell.back() == ')') {  // as in accounts
    cell = cell.substr(1, cell.size() - 2);
    plain.push_back('-');
  }
  while (!cell.empty()) {
    std::size_t length = 1;
    for (const std::string_view blank : {"\u00a0", "\u2009", "\u200b", "\u202f", "\ufeff"}) {
      if (cell.starts_with(blank)) length = blank.size();
    }
    const std::string_view minus = "\u2212";
    if (cell.starts_with(minus)) {
      plain.push_back('-');
      length = minus.size();
    } else if (length == 1) {
      plain.push_back(cell[0]);
    }
    cell.remove_prefix(length);
  }
  const std::size_t exponent = plain.find_first_of("dD");  // Fortran's
  if (exponent != std::string::npos && exponent + 1 < plain.size() &&
      (plain.find('.') != std::string::npos || !is_digit(plain[exponent + 1]))) {
    plain[exponent] = 'e';
  }
  return plain;
}

bool is_hexadecimal(std::string_view cell) {
  if (cell.starts_with('-') || cell.starts_with('+')) cell.remove_prefix(1);
  return cell.size() > 2 && cell[0] == '0' && lower(cell[1]) == 'x' &&
         cell.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

// Without its marks of thousands, all of which must stand before three digits; with a point for the
// decimal mark. False if that does not fit.
bool rewrite(std::string_view cell, char decimal, char thousands, std::string& out) {
  out.clear();
  std::size_t since = 0;  // digits since the last mark of thousands
  bool grouped = false, whole = true;
  for (const char c : cell) {
    if (whole && c == thousands) {
      if (since == 0 || since > 3 || (grouped && since != 3)) return false;
      grouped = true;
      since = 0;
      continue;
    }
    if (whole && is_digit(c)) {
      ++since;
    } else if (whole && !out.empty() && since > 0) {
      if (grouped && since != 3) return false;
      whole = false;
    }
    if (c == '.' && decimal != '.') return false;
    out.push_back(c == decimal ? '.' : c);
  }
  return !(whole && grouped && since != 3);
}

}  // namespace

CellRules::CellRules(const CsvOptions& options) : options_(options) {}

bool CellRules::missing(std::string_view cell) const {
  if (cell.empty()) return true;
  for (const std::string& mark : options_.na_values) {
    if (cell == mark) return true;
  }
  if (!options_.keep_default_na || is_digit(cell[0])) return false;
  if (cell.size() > 4) return is_long_nan(cell);
  std::string word(cell);
  std::transform(word.begin(), word.end(), word.begin(), norma::lower);
  return std::find(std::begin(kMissing), std::end(kMissing), word) != std::end(kMissing);
}

template <class T>
NumberStatus CellRules::number(std::string_view cell, T& value) const {
  std::string plain;
  if (options_.decimal != '.' || options_.thousands != '\0') {
    if (!rewrite(cell, options_.decimal, options_.thousands, plain)) return NumberStatus::Malformed;
    cell = plain;
  }
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  const NumberStatus result = parse(cell, value);
  // Too small is no error, only zero or nearly so.
  long double wide = 0;
  if (result == NumberStatus::OutOfRange && parse(cell, wide) == NumberStatus::Good &&
      std::abs(wide) < 1) {
    value = static_cast<T>(wide);
    return NumberStatus::Good;
  }
  return result;
}

template <class T>
bool CellRules::rounds(std::string_view cell, T value) const {
  constexpr T kFirst = static_cast<T>(uint64_t{1} << std::numeric_limits<T>::digits);
  if (!(std::abs(value) >= kFirst)) return false;
  if (cell[0] == '-' || cell[0] == '+') cell.remove_prefix(1);
  uint64_t whole = 0;
  for (const char c : cell) {
    if (c == options_.thousands && c != '\0') continue;
    if (!is_digit(c)) return false;
    if (whole > (UINT64_MAX - 9) / 10) return true;
    whole = 10 * whole + static_cast<uint64_t>(c - '0');
  }
  return std::abs(value) >= T(0x1p64) || static_cast<uint64_t>(std::abs(value)) != whole;
}

template bool CellRules::rounds(std::string_view cell, float value) const;
template bool CellRules::rounds(std::string_view cell, double value) const;

template NumberStatus CellRules::number(std::string_view cell, float& value) const;
template NumberStatus CellRules::number(std::string_view cell, double& value) const;

bool CellRules::is_number(std::string_view cell) const {
  double value;
  return number(cell, value) != NumberStatus::Malformed;
}

CellKind CellRules::kind(std::string_view cell) const {
  if (missing(cell)) return CellKind::Missing;
  return is_number(cell) ? CellKind::Number : CellKind::Word;
}

std::string CellRules::other_notation(std::string_view cell) const {
  // Only what has a digit near its beginning can be meant as a number.
  const std::size_t digit = cell.find_first_of("0123456789");
  if (digit > 4 || cell.size() > 64) return "";
  for (const char mark : {';', '\t', '|', ' '}) {
    if (mark == options_.delimiter) continue;
    bool all = cell.find(mark) != std::string_view::npos;
    for (std::size_t from = 0; all && from <= cell.size();) {
      const std::size_t to = std::min(cell.find(mark, from), cell.size());
      const std::string_view piece = cell.substr(from, to - from);
      // Decimal commas inside: 1,5;2,5
      all = missing(piece) || is_number(piece) || !other_notation(piece).empty();
      from = to + 1;
    }
    if (!all) continue;
    std::string hint = text("is the delimiter right? .delimiter = ", written(mark));
    if (mark == ' ') hint += ", or .thousands = ' '";
    return hint;
  }
  std::string plain;
  double value;
  const auto reads = [&](char decimal, char thousands) {
    return rewrite(cell, decimal, thousands, plain) && parse(plain, value) == NumberStatus::Good;
  };
  if (reads('.', ',') && plain.size() != cell.size()) {
    return "if the comma marks thousands: .thousands = ','; if it is the decimal mark: .decimal = "
           "','";
  }
  if (reads(',', '\0')) return "if the comma is the decimal mark: .decimal = ','";
  if (reads(',', '.')) return ".decimal = ',', .thousands = '.' reads it";
  if (reads('.', '\'') && plain.size() != cell.size()) return ".thousands = '\\'' reads it";
  if (reads('.', '_') && plain.size() != cell.size()) return ".thousands = '_' reads it";
  if (options_.decimal != '.' && reads('.', '\0')) {
    return "if the point is the decimal mark: .decimal = '.'; if it marks thousands: .thousands = "
           "'.'";
  }
  std::string_view bare = cell;
  for (const std::string_view sign : {"$", "€", "£", "%", "°"}) {
    if (bare.starts_with(sign)) bare.remove_prefix(sign.size());
    if (bare.ends_with(sign)) bare.remove_suffix(sign.size());
  }
  while (bare.starts_with(' ')) bare.remove_prefix(1);
  while (bare.ends_with(' ')) bare.remove_suffix(1);
  if (bare.size() < cell.size() && (is_number(bare) || !other_notation(bare).empty())) {
    return "write the numbers without the sign, or read the column as text with .text_columns";
  }
  plain = plain_number(cell);
  if (is_hexadecimal(cell) || (plain != cell && is_number(plain))) {
    return "write the numbers in plain decimal digits, or read the column as text with "
           ".text_columns";
  }
  return "";
}

std::string written(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  const std::string escaped = in_quotes({&c, 1});
  return text('\'', std::string_view(escaped).substr(1, escaped.size() - 2), '\'');
}

}  // namespace norma::data::detail
