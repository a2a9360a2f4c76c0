// Any bytes as a zip archive of torch.save.
#include "norma/tests/fuzz/fuzz.h"

NORMA_FUZZ_TARGET(data, size) {
  return fuzz::run([&] {
    const fuzz::MemoryFile file(data, size);
    fuzz::use(norma::load_torch(file.path()));
  });
}
