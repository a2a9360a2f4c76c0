// Tables from text files.
#pragma once
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"
#include "norma/data/csv_options.h"

namespace norma::data {

/// What `read_csv` returns. `auto [values, columns] = …` takes the first two members.
struct CsvTable {
  Tensor values;                     ///< [rows, columns]
  std::vector<std::string> columns;  ///< their names; empty without a header
  /// For each column of text its different cells, sorted: `values` has their numbers, from 0. Empty
  /// for a column of numbers.
  std::vector<std::vector<std::string>> classes;
  std::vector<std::string> units;  ///< a row of units under the names, such as (m); or empty
  int64_t missing = 0;             ///< how many cells were missing

  /// The number of a column; refuses one that is not there.
  int64_t index_of(const CsvColumn& column) const;
  /// One column of `values`, [rows], sharing memory: `table.column("age")`. Refuses likewise.
  Tensor column(const CsvColumn& column) const;
  /// The cells of a column of text; "" where they are missing. Refuses a column of numbers.
  std::vector<std::string> strings(const CsvColumn& column) const;

  /// For `auto [values, names] = …`.
  template <std::size_t I>
  auto& get() {
    if constexpr (I == 0) {
      return values;
    } else {
      return columns;
    }
  }
  template <std::size_t I>
  const auto& get() const {
    return const_cast<CsvTable*>(this)->get<I>();
  }
};

/// Reads a table, plain or gzip:
/// ```cpp
/// data::CsvTable iris = data::read_csv("iris.csv");
/// data::Dataset flowers{iris.values.narrow(1, 0, 4), iris.column("species").to(kInt64)};
/// iris.classes.at(4);  // {"setosa", "versicolor", "virginica"}
/// ```
/// A column of words is text: it becomes the numbers of its classes. Words among numbers are
/// refused, as are numbers in another notation (`0,5`, `1,000`, `5 %`) and rows of another length
/// than the others. Every refusal names line, column (from 1, and its name), text and path, and the
/// option that would help. An integer that the dtype rounds, as kFloat32 does some above 2^24, is
/// warned of (`set_warnings`).
///
/// Lines end with LF, CRLF or CR; cells may stand in double quotes, with `""` for a quote inside.
/// Passed over are spaces around a cell, a byte order mark, blank lines (unless there is one column
/// alone), lines that begin with the comment character and what follows it after a number, empty
/// cells at the end of every row, and at the end of the file rows of empty cells. A comment of as
/// many cells as the table has columns, straight before it, names them where the first row does
/// not; one behind that which may as well be a row is refused. Under the names may stand a row of
/// units.
///
/// Time and memory are in proportion to the contents. Those of a compressed file are refused above
/// 256 times its size, or 16 MB where that is more.
CsvTable read_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace norma::data

template <>
struct std::tuple_size<norma::data::CsvTable> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, norma::data::CsvTable> {
  using type = std::conditional_t<I == 0, norma::Tensor, std::vector<std::string>>;
};
