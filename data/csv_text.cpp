#include "norma/data/csv_text.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "norma/core/text.h"

namespace norma::data::detail {

namespace {

std::size_t count_in(std::string_view text, char c) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

}  // namespace

CsvText::CsvText(const FileReader& file, std::string contents, const CsvOptions& options)
    : file_(file),
      rules_(options),
      text_(std::move(contents)),
      delimiter_(options.delimiter),
      comment_(options.comment),
      blanks_(options.delimiter == ' ') {
  clean();
  find_rows(options);
  if (rows_.empty()) return;
  find_width();
  drop_empty_columns();
  refuse_lost_row();
  if (width_ > 1 && last_comment_ != std::string::npos) read_comment_names();
}

void CsvText::read_comment_names() {
  // "# a,b" names a and b; "#,a" names # and a.
  std::size_t at = last_comment_;
  while (text_[at] == comment_ && at + 1 < text_.size() && text_[at + 1] != delimiter_) ++at;
  if (blanks_ && text_[at] == comment_) ++at;
  if (std::string_view(text_).substr(at, line_end(at) - at).find('"') != std::string::npos) return;
  const auto width = static_cast<std::size_t>(width_);
  Cursor cursor(*this, at, 1);
  while (!cursor.at_end_of_row() && comment_names_.size() <= width) {
    comment_names_.emplace_back(cursor.next());
  }
  const auto is_number = [&](const std::string& s) { return rules_.is_number(s); };
  if (comment_names_.size() != width ||
      std::any_of(comment_names_.begin(), comment_names_.end(), is_number)) {
    comment_names_.clear();
  }
}

// Takes away a byte order mark, and makes the line ends of old Macs those of today.
void CsvText::clean() {
  if (text_.starts_with("\xef\xbb\xbf")) text_.erase(0, 3);
  if (const std::size_t zero = text_.find('\0'); zero != std::string::npos) {
    const auto line = 1 + count_in(std::string_view(text_).substr(0, zero), '\n');
    file_.refuse(text("expected text, got a zero byte in line ", line),
                 "it is a binary file, or text in UTF-16; save it as UTF-8");
  }
  if (text_.find('\n') == std::string::npos) std::replace(text_.begin(), text_.end(), '\r', '\n');
}

std::size_t CsvText::line_end(std::size_t at) const {
  return std::min(text_.find('\n', at), text_.size());
}

// Not so #N/A, which spreadsheets write.
bool CsvText::begins_comment(std::size_t at, std::size_t end) const {
  if (comment_ == '\0' || at >= end || text_[at] != comment_) return false;
  const std::string_view line =
      std::string_view(text_).substr(at, std::min<std::size_t>(end - at, 8));
  const std::size_t length =
      line.find_first_of(std::array{delimiter_, '\r', ' ', '\t'}.data(), 0, 4);
  return !rules_.missing(line.substr(0, length));
}

void CsvText::find_rows(const CsvOptions& options) {
  std::size_t at = 0, line = 1, blank = 0, full_rows = 0;
  std::vector<int64_t> skipped = options.skip_lines;
  std::sort(skipped.begin(), skipped.end());
  const auto is_skipped = [&] {
    return line <= static_cast<std::size_t>(options.skip_rows) ||
           std::binary_search(skipped.begin(), skipped.end(), static_cast<int64_t>(line));
  };
  // What Excel writes into the first line for itself.
  if (text_.starts_with("sep=") && line_end(0) <= 6) {
    if (text_.size() > 4 && text_[4] != delimiter_ && text_[4] != '\n' && text_[4] != '\r') {
      refuse(text("expected the delimiter ", written(delimiter_), ", got the line ",
                  in_quotes(text_.substr(0, 5))),
             1, 0, "", text(".delimiter = ", written(text_[4])));
    }
    at = std::min(line_end(0) + 1, text_.size());
    ++line;
  }
  while (at < text_.size()) {
    std::size_t first = at;
    while (first < text_.size() && is_blank(text_[first])) ++first;
    const std::size_t end = line_end(at);
    const bool is_comment = begins_comment(first, end);
    const bool is_empty = first >= end || (text_[first] == '\r' && first + 1 == end);
    if (is_skipped() || is_comment || is_empty) {
      if (is_empty && blank == 0) blank = line;
      if (is_comment && rows_.empty()) last_comment_ = first;
      if (is_comment && !rows_.empty() && !is_skipped()) {
        comments_.push_back({first, static_cast<uint32_t>(line), 0, 0});
      }
      at = std::min(end + 1, text_.size());
      ++line;
      continue;
    }
    if (blank != 0 && inner_blank_ == 0) inner_blank_ = blank;
    Cursor cursor(*this, at, line);
    int64_t count = 0;
    bool empty = true;
    for (; !cursor.at_end_of_row(); ++count) empty &= cursor.next().empty();
    if (count > kMaxWidth) {
      refuse(text("expected at most ", kMaxWidth, " cells in a row, got ", count), line, kMaxWidth);
    }
    rows_.push_back(
        {at, static_cast<uint32_t>(line), static_cast<uint32_t>(count) & 0x7fffffff, 0});
    at = cursor.at();
    line = cursor.line();
    if (!empty || count == 1) full_rows = rows_.size();
  }
  // Spreadsheets leave rows of delimiters behind.
  rows_.resize(full_rows);
}

void CsvText::find_width() {
  const auto least = std::min_element(rows_.begin(), rows_.end(),
                                      [](const Row& a, const Row& b) { return a.cells < b.cells; });
  width_ = least->cells;
  for (Row& row : rows_) {
    if (row.cells == width_) continue;
    Cursor cursor(*this, row.at, row.line);
    int64_t full = 0, last_full = 0;
    for (int64_t c = 1; c <= row.cells; ++c) {
      if (cursor.next().empty()) continue;
      ++full;
      last_full = c;
    }
    row.doubled = last_full > width_ ? 1 : 0;
    if (row.doubled == 0 || (delimiter_ == '\t' && full == width_)) continue;
    refuse_lengths();
  }
  if (width_ > 1) return;
  if (const std::string hint = delimiter_hint(); !hint.empty()) {
    refuse(text("expected cells between ", written(delimiter_), ", got one cell in every row, ",
                shown_line(rows_.front().at)),
           rows_.front().line, 0, "", hint);
  }
  if (inner_blank_ != 0) {
    refuse(
        "expected a row, got a blank line", inner_blank_, 0, "",
        text("in a file of one column it may be a missing value: write NA into it, or .skip_lines "
             "= {",
             inner_blank_, "}"));
  }
}

// Columns without a single character at the end of all rows come from delimiters at their end.
void CsvText::drop_empty_columns() {
  int64_t kept = 0;
  for (const Row& row : rows_) {
    for_cells(row, [&](int64_t c, std::string_view cell) {
      if (!cell.empty()) kept = std::max(kept, c + 1);
    });
    if (kept == width_) return;
  }
  width_ = std::max<int64_t>(kept, 1);
}

// The cells of a line that may be a comment, where quotes need not match.
std::vector<std::string_view> CsvText::split(std::size_t at) const {
  std::vector<std::string_view> cells;
  const std::size_t end = line_end(at);
  for (bool more = true; more;) {
    bool quoted = false;
    std::size_t to = at;
    for (; to < end && (quoted || (text_[to] != delimiter_ && !(blanks_ && is_blank(text_[to]))));
         ++to) {
      quoted ^= text_[to] == '"';
    }
    std::string_view cell = std::string_view(text_).substr(at, to - at);
    const auto is_around = [this](char c) { return is_blank(c) || c == '"' || c == '\r'; };
    while (!cell.empty() && is_around(cell.front())) cell.remove_prefix(1);
    while (!cell.empty() && is_around(cell.back())) cell.remove_suffix(1);
    if (!blanks_ || !cell.empty()) cells.push_back(cell);
    more = to < end;
    at = to + 1;
  }
  return cells;
}

// A line after the first row that begins as comments do, but otherwise as the first column's texts,
// and has as many cells as a row, with numbers where rows have numbers.
void CsvText::refuse_lost_row() const {
  if (comments_.empty()) return;
  const auto width = static_cast<std::size_t>(width_);
  std::vector<bool> words(width), numbers(width);
  for (std::size_t r = rows_.size() > 1 ? 1 : 0; r < std::min<std::size_t>(rows_.size(), 100);
       ++r) {
    for_cells(rows_[r], [&](int64_t column, std::string_view cell) {
      const auto c = static_cast<std::size_t>(column);
      const CellKind kind = rules_.kind(cell);
      if (kind == CellKind::Word) words[c] = true;
      if (kind == CellKind::Number) numbers[c] = true;
    });
  }
  if (!words[0]) return;
  for (const Row& row : comments_) {
    std::vector<std::string_view> cells = split(row.at);
    while (cells.size() > width && cells.back().empty()) cells.pop_back();
    bool fits = cells.size() == width;
    if (fits && width == 1) fits = cells[0].size() > 1 && cells[0].find(' ') == cells[0].npos;
    for (std::size_t c = 1; fits && c < width; ++c) {
      const std::string_view cell = cells[c].substr(0, cells[c].find(std::string{' ', comment_}));
      fits = words[c] || !numbers[c] || rules_.kind(cell) != CellKind::Word;
    }
    if (!fits) continue;
    refuse(text("expected a row or a comment, got what may be either, ", shown_line(row.at)),
           row.line, 0, "",
           text("if it is a row: .comment = '\\0'; if it is none: .skip_lines = {", row.line, "}"));
  }
}

std::string CsvText::with_comment(std::string_view cell) const {
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  const std::less<const char*> before;
  if (comment_ == '\0' || cell.empty() || before(cell.data(), begin) || !before(cell.data(), end)) {
    return "";
  }
  const auto at = static_cast<std::size_t>(cell.data() - begin);
  std::size_t behind = at + cell.size();
  while (behind < text_.size() && is_blank(text_[behind])) ++behind;
  return behind < text_.size() && text_[behind] == comment_ ? shown_line(at) : "";
}

void CsvText::refuse_lengths() const {
  const Row& first = rows_.front();
  const auto differs = [](int64_t cells) { return [=](const Row& r) { return r.cells != cells; }; };
  const Row& other = *std::find_if(rows_.begin(), rows_.end(), differs(first.cells));
  std::string hint = delimiter_hint();
  if (hint.empty()) {
    const bool first_alone =
        std::none_of(rows_.begin() + 1, rows_.end(), differs(rows_.back().cells));
    hint = text("is the delimiter right? .skip_lines = {", first_alone ? first.line : other.line,
                "} passes over a line that is no row");
  }
  refuse(text("expected ", first.cells, first.cells == 1 ? " cell" : " cells", " as in line ",
              first.line, ", got ", other.cells, " in ", shown_line(other.at)),
         other.line, std::min(first.cells, other.cells), "", hint);
}

// Another delimiter that cuts the first rows into two or more cells each, the same number in all.
std::string CsvText::delimiter_hint() const {
  const std::size_t looked_at = std::min<std::size_t>(rows_.size(), 100);
  for (const char mark : {'\t', ';', '|', ',', ' '}) {
    if (mark == delimiter_ || (blanks_ && mark == '\t')) continue;
    std::size_t pieces = 0;
    bool fits = true, numbers = false;
    for (std::size_t r = 0; fits && r < looked_at; ++r) {
      const std::string_view all = text_;
      std::string_view line = all.substr(rows_[r].at, line_end(rows_[r].at) - rows_[r].at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      std::size_t found = 0;
      numbers = true;
      for (std::size_t from = 0; from <= line.size();) {
        const std::size_t to = std::min(line.find(mark, from), line.size());
        const std::string_view piece = line.substr(from, to - from);
        from = to + 1;
        if (mark == ' ' && piece.empty()) continue;
        ++found;
        numbers &= rules_.kind(piece) != CellKind::Word;
      }
      fits = found > 1 && (pieces == 0 || found == pieces);
      pieces = found;
    }
    if (!fits || (mark == ' ' && !numbers)) continue;
    std::string hint = text("is the delimiter right? .delimiter = ", written(mark));
    if (mark == ';' && delimiter_ == ',') hint += ", and .decimal = ',' if half is written 0,5";
    return hint;
  }
  return "";
}

std::string CsvText::shown_line(std::size_t at) const {
  std::string_view line = std::string_view(text_).substr(at, line_end(at) - at);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return in_quotes(line);
}

std::vector<std::string> CsvText::cells(const Row& row) const {
  std::vector<std::string> result;
  for_cells(row, [&](int64_t, std::string_view cell) { result.emplace_back(cell); });
  return result;
}

void CsvText::refuse(const std::string& message, std::size_t line, int64_t column,
                     const std::string& name, const std::string& hint) const {
  file_.refuse(message + place(line, column, name), hint);
}

std::string CsvText::place(std::size_t line, int64_t column, const std::string& name) {
  return text(" at line ", line, ", column ", column + 1,
              name.empty() ? "" : text(" (", in_quotes(name), ")"));
}

std::string_view CsvText::Cursor::next() {
  ++column_;
  skip_blanks();
  std::string_view cell;
  if (at_ < text_.size() && text_[at_] == '"') {
    cell = quoted_cell();
    skip_blanks();
  } else {
    cell = plain();
  }
  finish();
  return cell;
}

std::string_view CsvText::Cursor::plain() {
  const std::size_t begin = at_;
  std::size_t end = std::string_view::npos;
  bool is_word = false;
  for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    const char c = text_[at_];
    if (c == csv_.delimiter_ || (csv_.blanks_ && c == '\t')) break;
    if (c != csv_.comment_ || c == '\0' || at_ == 0) continue;
    // What follows a number, or the blank after it, is a comment.
    std::string_view before = text_.substr(begin, at_ - begin);
    const bool starts_word = before.empty() && csv_.blanks_ && column_ > 0;
    while (!before.empty() && csv_.is_blank(before.back())) before.remove_suffix(1);
    const bool follows = !is_word && !before.empty() && csv_.is_blank(text_[at_ - 1]);
    // A word stays one, however many comments follow.
    is_word = is_word || (follows && csv_.rules_.kind(before) == CellKind::Word);
    if (starts_word || (follows && !is_word)) {
      end = begin + before.size();
      at_ = csv_.line_end(at_);
      break;
    }
  }
  if (end == std::string_view::npos) end = at_;
  while (end > begin && (csv_.is_blank(text_[end - 1]) || text_[end - 1] == '\r')) --end;
  return text_.substr(begin, end - begin);
}

// A view of the text where there is no quote inside, which is copied otherwise.
std::string_view CsvText::Cursor::quoted_cell() {
  const std::size_t first_line = line_, begin = ++at_;
  bool copied = false;
  std::size_t from = begin;
  unescaped_.clear();
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"') continue;
    const std::string_view part = text_.substr(from, at_ - from);
    if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
      ++at_;
      return copied ? std::string_view(unescaped_.append(part)) : part;
    }
    copied = true;
    unescaped_.append(part);
    from = ++at_;
  }
  csv_.refuse(text("expected a closing quote, got the end of the file for the cell ",
                   csv_.shown_line(begin - 1), " that begins"),
              first_line, column_);
}

void CsvText::Cursor::skip_blanks() {
  while (at_ < text_.size() && csv_.is_blank(text_[at_])) ++at_;
}

bool CsvText::Cursor::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' ||
         (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
}

// Passes over what ends a cell.
void CsvText::Cursor::finish() {
  if (csv_.blanks_) skip_blanks();
  end_of_row_ = at_line_end();
  if (end_of_row_) {
    at_ = std::min(csv_.line_end(at_) + 1, text_.size());
    ++line_;
  } else if (text_[at_] == csv_.delimiter_) {
    ++at_;
  } else if (!csv_.blanks_ || text_[at_ - 1] == '"') {
    csv_.refuse(
        text("expected the end of the cell after the closing quote, got ", csv_.shown_line(at_)),
        line_, column_, "", "a quote inside is written twice");
  }
}

}  // namespace norma::data::detail
