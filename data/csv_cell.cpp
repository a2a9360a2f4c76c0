#include "norma/data/csv_cell.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "norma/core/text.h"

namespace norma::data::detail {

namespace {

constexpr std::string_view kMissing[] = {"?",    "-",    ".",    "na",   "n/a",  "n.a.",
                                         "#n/a", "<na>", "-nan", "null", "none", "nan"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

template <class T>
NumberStatus parse(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status == std::errc::invalid_argument || stop != end) return NumberStatus::Malformed;
  return status == std::errc() ? NumberStatus::Good : NumberStatus::OutOfRange;
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
  if (!options_.keep_default_na || is_digit(cell[0]) || cell.size() > 4) return false;
  std::array<char, 4> small{};
  std::transform(cell.begin(), cell.end(), small.begin(), lower);
  const std::string_view word(small.data(), cell.size());
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
  if constexpr (sizeof(T) == sizeof(float)) {
    // Too small for a float is no error, only zero or nearly so.
    double wide = 0;
    if (result == NumberStatus::OutOfRange && parse(cell, wide) == NumberStatus::Good &&
        std::abs(wide) < 1) {
      value = static_cast<T>(wide);
      return NumberStatus::Good;
    }
  }
  return result;
}

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
  if (reads('.', '\'')) return ".thousands = '\\'' reads it";
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
  return "";
}

std::string written(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  const std::string escaped = quoted({&c, 1});
  return text('\'', std::string_view(escaped).substr(1, escaped.size() - 2), '\'');
}

}  // namespace norma::data::detail
