// Any bytes as a table, plain or gzip: by the default options, and by some that the bytes choose.
#include "norma/tests/fuzz/fuzz.h"

using norma::data::CsvHeader;
using norma::data::CsvOptions;

namespace {

void read(const std::string& path, const CsvOptions& options) {
  fuzz::run([&] {
    const norma::data::CsvTable table = norma::data::read_csv(path, options);
    fuzz::use(table.values);
    for (std::size_t i = 0; i < table.classes.size(); ++i)
      if (!table.classes[i].empty()) table.strings(i);
  });
}

}  // namespace

NORMA_FUZZ_TARGET(data, size) {
  const fuzz::MemoryFile file(data, size);
  read(file.path(), {});
  if (size < 2) return 0;
  const unsigned first = data[size - 1], second = data[size - 2];
  const auto bit = [&](int i) { return (first >> i & 1) != 0; };
  CsvOptions options{.delimiter = ",; \t|,,,"[second % 8],
                     .header = static_cast<CsvHeader>(second / 8 % 3),
                     .dtype = bit(0) ? norma::kFloat64 : norma::kFloat32,
                     .keep_default_na = bit(1),
                     .skip_rows = bit(2) ? 1 : 0,
                     .comment = bit(3) ? '#' : '\0',
                     .decimal = bit(4) ? ',' : '.'};
  if (bit(5)) options.missing = std::nullopt;
  if (bit(6)) options.text_columns = {0};
  if (bit(7)) options.skip_columns = {-1};
  read(file.path(), options);
  return 0;
}
