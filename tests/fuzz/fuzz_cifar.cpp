// Any bytes as the test set of CIFAR-10, plain or gzip.
#include <filesystem>
#include <fstream>

#include "norma/tests/fuzz/fuzz.h"
#include "norma/tests/support/temp_folder.h"

NORMA_FUZZ_TARGET(data, size) {
  static const TempFolder folder;
  const bool gzip = size > 1 && data[0] == 0x1f && data[1] == 0x8b;
  const std::string path = folder / (gzip ? "test_batch.bin.gz" : "test_batch.bin");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  fuzz::run([&] { fuzz::use(norma::data::cifar10(folder.path(), false).inputs); });
  std::filesystem::remove(path);
  return 0;
}
