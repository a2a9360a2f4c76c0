// A text file as rows of cells. For read_csv.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "norma/data/csv_cell.h"
#include "norma/data/file_reader.h"

namespace norma::data::detail {

/// Finds the rows, and how many cells they have in common.
class CsvText {
 public:
  struct Row {
    std::size_t at;        // its first byte
    uint32_t line;         // its first line, from 1
    uint32_t cells : 31;   // also the empty ones that are passed over
    uint32_t doubled : 1;  // to be read without its empty cells
  };
  static constexpr int64_t kMaxWidth = 1'000'000;

  CsvText(const FileReader& file, std::string contents, const CsvOptions& options);

  const std::vector<Row>& rows() const { return rows_; }
  int64_t width() const { return width_; }
  /// Calls `f(column, cell)` for each cell of a row; the cell lasts for the call.
  template <class F>
  void for_cells(const Row& row, F f) const {
    Cursor cursor(*this, row.at, row.line);
    for (int64_t c = 0; c < width_;) {
      const std::string_view cell = cursor.next();
      if (row.doubled != 0 && cell.empty()) continue;
      f(c++, cell);
    }
  }
  std::vector<std::string> cells(const Row& row) const;
  /// The rest of the line from byte `at` on, quoted, for a message.
  std::string shown_line(std::size_t at) const;
  /// Where what follows the number in a cell was taken for a comment: both, quoted. Else "".
  std::string with_comment(std::string_view cell) const;
  /// The names in a comment straight before the first row, if there are as many as columns.
  const std::vector<std::string>& comment_names() const { return comment_names_; }

  /// " at line …, column … (name)"; `column` counts from 0.
  static std::string place(std::size_t line, int64_t column, const std::string& name);
  /// Throws `[read_csv] message at line …, column … in "path"; hint`; `column` counts from 0.
  [[noreturn]] void refuse(const std::string& message, std::size_t line, int64_t column,
                           const std::string& name = "", const std::string& hint = "") const;

 private:
  // Reads cells one after the other.
  class Cursor {
   public:
    Cursor(const CsvText& csv, std::size_t at, std::size_t line)
        : csv_(csv), text_(csv.text_), at_(at), line_(line) {}
    std::string_view next();
    bool at_end_of_row() const { return end_of_row_; }
    std::size_t at() const { return at_; }
    std::size_t line() const { return line_; }

   private:
    std::string_view plain();
    std::string_view quoted_cell();
    void skip_blanks();
    bool at_line_end() const;
    void finish();

    const CsvText& csv_;
    std::string_view text_;
    std::size_t at_, line_;
    int64_t column_ = -1;
    bool end_of_row_ = false;
    std::string unescaped_;
  };

  bool is_blank(char c) const { return (c == ' ' || c == '\t') && (c != delimiter_ || blanks_); }
  std::size_t line_end(std::size_t at) const;
  bool begins_comment(std::size_t at, std::size_t end) const;
  void clean();
  void find_rows(const CsvOptions& options);
  void find_width();
  void drop_empty_columns();
  void read_comment_names();
  std::vector<std::string_view> split(std::size_t at) const;
  void refuse_lost_row() const;
  [[noreturn]] void refuse_lengths() const;
  std::string delimiter_hint() const;

  const FileReader& file_;
  const CellRules rules_;
  std::string text_;
  const char delimiter_, comment_;
  const bool blanks_;  // any run of spaces and tabs is one delimiter
  std::vector<Row> rows_;
  int64_t width_ = 0;
  std::size_t inner_blank_ = 0;                   // the first blank line before a row
  std::size_t last_comment_ = std::string::npos;  // the last one before the first row
  std::vector<Row> comments_;                     // those behind it
  std::vector<std::string> comment_names_;
};

}  // namespace norma::data::detail
