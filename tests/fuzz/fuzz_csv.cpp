// Any bytes as a table, plain or gzip.
#include "norma/tests/fuzz/fuzz.h"

NORMA_FUZZ_TARGET(data, size) {
  const fuzz::MemoryFile file(data, size);
  return fuzz::run([&] { fuzz::use(norma::data::read_csv(file.path()).values); });
}
