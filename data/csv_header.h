// Which rows of a text file name its columns. For read_csv.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "norma/data/csv_cell.h"
#include "norma/data/csv_text.h"

namespace norma::data::detail {

/// The rows that hold no data: names, and units under them.
struct CsvHeaderRows {
  std::vector<std::string> names, units;
  std::size_t rows = 0;
};

/// Of a text with at least one row. Refuses what could be either under `CsvHeader::Auto`.
CsvHeaderRows find_header(const CsvText& csv, const CellRules& rules, CsvHeader asked);

}  // namespace norma::data::detail
