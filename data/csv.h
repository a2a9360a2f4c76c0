// Tables of numbers from text files. Not a library: the errors name line and column, and numbers go
// straight into the tensor.
#pragma once
#include <string>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::data {

/// Whether the first line of a file names its columns. `Auto`: it does when no cell of it is a
/// number.
enum class CsvHeader { Auto, Yes, No };

struct CsvOptions {
  char delimiter = ',';
  CsvHeader header = CsvHeader::Auto;
  DType dtype = kFloat32;  ///< or kFloat64
};

struct CsvTable {
  Tensor values;                     ///< [rows, columns]
  std::vector<std::string> columns;  ///< their names; empty without a header
};

/// Reads a table of numbers, plain or gzip. Lines end with LF or CRLF; cells may stand in double
/// quotes, with `""` for a quote inside; spaces around a cell, a byte order mark and blank lines
/// at the end are passed over. Empty cells, words, and rows of another length than the first are
/// refused; every error names path, line and column. Labels are a column like any other:
///
///     auto [values, columns] = data::read_csv("digits.csv");
///     data::Dataset digits{values.narrow(1, 0, 64), values.select(1, 64).to(kInt64)};
CsvTable read_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace norma::data
