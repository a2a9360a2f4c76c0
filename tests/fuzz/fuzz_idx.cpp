// Any bytes as an IDX file, plain or gzip.
#include "norma/tests/fuzz/fuzz.h"

NORMA_FUZZ_TARGET(data, size) {
  const fuzz::MemoryFile file(data, size);
  return fuzz::run([&] { fuzz::use(norma::data::read_idx(file.path())); });
}
