#include "norma/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <system_error>

#include "norma/core/tensor_impl.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

using detail::FileReader;

constexpr uint64_t kMaxBytes = uint64_t{4} << 30;

enum class Number { Good, Malformed, OutOfRange };

// The whole of `text` as a number; independent of the locale.
template <class T>
Number parse_number(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto parse = [text](auto& target) {
    const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), target);
    if (status == std::errc::invalid_argument || stop != text.data() + text.size()) {
      return Number::Malformed;
    }
    return status == std::errc() ? Number::Good : Number::OutOfRange;
  };
  const Number result = parse(value);
  if constexpr (sizeof(T) == sizeof(float)) {
    // Too small for a float is no error, only zero or nearly so.
    double wide = 0;
    if (result == Number::OutOfRange && parse(wide) == Number::Good && std::abs(wide) < 1) {
      value = static_cast<T>(wide);
      return Number::Good;
    }
  }
  return result;
}

bool is_number(std::string_view text) {
  double value;
  return parse_number(text, value) != Number::Malformed;
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

// Cuts the text into rows of cells.
class Scanner {
 public:
  Scanner(const FileReader& file, std::string_view text, char delimiter)
      : file_(file), text_(text), delimiter_(delimiter) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  }

  // The next row that is not blank; false at the end. `line` is the one the row begins on.
  bool next_row(std::vector<std::string>& cells) {
    std::size_t blank_line = 0;
    while (at_ < text_.size() && skip_blank_line()) {
      if (blank_line == 0) blank_line = line_;
      ++line_;
    }
    if (at_ == text_.size()) return false;
    if (blank_line != 0) {
      refuse("expected a row, got a blank line", blank_line, 1);
    }
    row_line_ = line_;
    std::size_t count = 0;
    bool more = true;
    while (more) {
      if (cells.size() == count) cells.emplace_back();
      more = read_cell(cells[count], count + 1);
      ++count;
    }
    cells.resize(count);
    ++line_;
    return true;
  }

  std::size_t row_line() const { return row_line_; }

  [[noreturn]] void refuse(const std::string& message, std::size_t line, std::size_t column,
                           const std::string& hint = "") const {
    file_.refuse(text(message, " at line ", line, ", column ", column), hint);
  }

 private:
  bool skip_blank_line() {
    std::size_t i = at_;
    while (i < text_.size() && is_space(text_[i]) && text_[i] != delimiter_) ++i;
    if (i < text_.size() && text_[i] == '\r') ++i;
    if (i < text_.size() && text_[i] != '\n') return false;
    at_ = std::min(i + 1, text_.size());
    return true;
  }

  // Reads one cell and what ends it; true when that was a delimiter.
  bool read_cell(std::string& cell, std::size_t column) {
    cell.clear();
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '"') {
      read_quoted(cell, column);
      skip_spaces();
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n') ++at_;
      std::size_t end = at_;
      while (end > begin && (is_space(text_[end - 1]) || text_[end - 1] == '\r')) --end;
      cell = text_.substr(begin, end - begin);
    }
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ == text_.size()) return false;
    const char last = text_[at_++];
    if (last == delimiter_) return true;
    if (last != '\n') {
      refuse("expected the end of the cell after the closing quote, got more text", line_, column);
    }
    return false;
  }

  void read_quoted(std::string& cell, std::size_t column) {
    const std::size_t first_line = line_;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return;
        }
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      cell.push_back(text_[at_]);
    }
    refuse("expected a closing quote, got the end of the file for the cell that begins", first_line,
           column);
  }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_]) && text_[at_] != delimiter_) ++at_;
  }

  const FileReader& file_;
  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
  std::size_t line_ = 1, row_line_ = 1;
};

// The names of the columns, if `cells` holds them.
std::vector<std::string> header_names(const std::vector<std::string>& cells, CsvHeader header) {
  if (header == CsvHeader::No) return {};
  if (header == CsvHeader::Auto && std::any_of(cells.begin(), cells.end(), is_number)) return {};
  return cells;
}

template <class T>
CsvTable read_table(const FileReader& file, std::string_view contents, const CsvOptions& options) {
  Scanner scanner(file, contents, options.delimiter);
  CsvTable table;
  std::vector<std::string> cells;
  std::vector<T> values;
  std::size_t width = 0, first_line = 0;
  int64_t rows = 0;

  while (scanner.next_row(cells)) {
    const std::size_t line = scanner.row_line();
    if (width == 0) {
      width = cells.size();
      first_line = line;
      table.columns = header_names(cells, options.header);
      if (!table.columns.empty()) continue;
    }
    if (cells.size() != width) {
      scanner.refuse(
          text("expected ", width, " cells as in line ", first_line, ", got ", cells.size()), line,
          std::min(width, cells.size()) + 1,
          line == first_line + 1 || width == 1 ? "is the delimiter right?" : "");
    }
    for (std::size_t c = 0; c < width; ++c) {
      T value{};
      const Number result = parse_number(cells[c], value);
      if (result != Number::Good) {
        const std::string cell = cells[c].empty() ? "an empty cell" : '"' + cells[c] + '"';
        if (result == Number::OutOfRange) {
          scanner.refuse(text("expected a number in the range of ", options.dtype, ", got ", cell),
                         line, c + 1);
        }
        scanner.refuse(
            "expected a number, got " + cell, line, c + 1,
            line == first_line ? "if the line names the columns: .header = CsvHeader::Yes" : "");
      }
      values.push_back(value);
    }
    ++rows;
  }
  if (rows == 0) file.refuse("expected at least one row of numbers, got none");

  table.values = new_tensor({rows, static_cast<int64_t>(width)}, options.dtype);
  std::memcpy(table.values.raw_data(), values.data(), values.size() * sizeof(T));
  return table;
}

}  // namespace

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
  const char d = options.delimiter;
  if (d == '"' || d == '\n' || d == '\r' || d == '.' || d == '-' || d == '+' ||
      is_letter_or_digit(d)) {
    fail("read_csv", "expected a delimiter that no number contains, such as ',', ';' or '\\t', ",
         "got character ", static_cast<unsigned char>(d));
  }
  if (!is_floating(options.dtype)) {
    fail("read_csv", "expected the dtype kFloat32 or kFloat64, got ", options.dtype,
         "; convert columns afterwards with to()");
  }
  FileReader file("read_csv", path);
  const std::string text = file.read_rest(kMaxBytes);
  return dispatch_floating(options.dtype,
                           [&]<class T>() { return read_table<T>(file, text, options); });
}

}  // namespace norma::data
