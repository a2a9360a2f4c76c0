// What read_csv may be told about a file.
#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "norma/core/dtype.h"

namespace norma::data {

/// Whether the first row of a file names its columns. `Auto` finds out: it does when it has words
/// and no number, under one of the words stand numbers, and no word comes again in its column. A
/// row of words over nothing but words is refused under `Auto`, unless one of them comes again, and
/// so is one of years over other numbers (`country,2010,2020`), of a word and numbers that count up
/// from 0 or 1 (`gene,0,1`), unless they are two over nothing but 0 and 1, or of a word and numbers
/// that rise evenly over fractions. Any other row with a number in it is data. Under `Yes`, too, a
/// row of numbers and marks of missing values (`1,2,?`) is data.
enum class CsvHeader { Auto, Yes, No };

/// A column, by its name or by its number from 0; -1 is the last.
struct CsvColumn {
  template <std::integral T>
  CsvColumn(T column_number) : number(static_cast<int64_t>(column_number)) {}
  CsvColumn(const char* column_name) : name(column_name), named(true) {}
  CsvColumn(std::string column_name) : name(std::move(column_name)), named(true) {}

  int64_t number = 0;  ///< from 0; negative: from the last
  std::string name;    ///< in the first row
  bool named = false;  ///< whether it is told by its name
};

/// How a table of text is read.
struct CsvOptions {
  /// Between cells. A blank, `' '`, stands for any run of spaces and tabs, and those at the ends
  /// of a line. Between tabs, rows with a tab too many are read without their empty cells.
  char delimiter = ',';
  CsvHeader header = CsvHeader::Auto;  ///< whether the first row has the names
  DType dtype = kFloat32;              ///< or kFloat64
  /// The value of missing cells; `std::nullopt` refuses them. In columns of text it is always NaN.
  std::optional<double> missing = std::numeric_limits<double>::quiet_NaN();
  /// Marks of missing cells beside the usual ones: no text, ?, -, ., and in any case NA, N/A, n.a.,
  /// #N/A, <NA>, NaN, NaN(…), null, None.
  std::vector<std::string> na_values = {};
  bool keep_default_na = true;               ///< false: only `na_values` and no text are missing
  std::vector<CsvColumn> columns = {};       ///< those to read, in this order; all if empty
  std::vector<CsvColumn> skip_columns = {};  ///< those to leave out
  std::vector<CsvColumn> text_columns = {};  ///< those that are text even where they hold numbers
  int64_t skip_rows = 0;                     ///< lines to pass over at the beginning of the file
  std::vector<int64_t> skip_lines = {};      ///< others, by the numbers that errors give, from 1
  char comment = '#';                        ///< begins lines to pass over; '\0': none are
  char decimal = '.';                        ///< ',' where half is written 0,5
  char thousands = '\0';                     ///< ',' where a million is written 1,000,000
  /// The classes of the table's columns, so that the codes of two files agree: `train.classes`.
  /// Where a column's list is not empty, its cells must be in it.
  std::vector<std::vector<std::string>> classes = {};
};

}  // namespace norma::data
