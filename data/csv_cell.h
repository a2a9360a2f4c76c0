// What a cell of a text file is. For read_csv.
#pragma once
#include <string>
#include <string_view>

#include "norma/data/csv_options.h"

namespace norma::data::detail {

enum class CellKind { Number, Missing, Word };
enum class NumberStatus { Good, Malformed, OutOfRange };

/// Tells the cells of a file apart, by the options for it.
class CellRules {
 public:
  explicit CellRules(const CsvOptions& options);

  CellKind kind(std::string_view cell) const;
  bool missing(std::string_view cell) const;
  /// The whole cell as a number, independent of the locale, rounded once to T: float or double.
  template <class T>
  NumberStatus number(std::string_view cell, T& value) const;
  bool is_number(std::string_view cell) const;
  /// Whether the cell is an integer that T, which read it as `value`, has no place for.
  template <class T>
  bool rounds(std::string_view cell, T value) const;
  /// For a word that is a number in another notation, or several numbers: how to read it. Otherwise
  /// "".
  std::string other_notation(std::string_view cell) const;

 private:
  const CsvOptions& options_;
};

/// ',' as it is written in C++.
std::string written(char c);

}  // namespace norma::data::detail
