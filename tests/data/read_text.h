// read_csv of a text.
#pragma once
#include <string>

#include "norma/tests/data/helpers.h"

inline norma::data::CsvTable read(const std::string& text,
                                  const norma::data::CsvOptions& options = {}) {
  const TempFolder scratch;
  return norma::data::read_csv(scratch.write("t.csv", text), options);
}
