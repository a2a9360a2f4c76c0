// Any bytes as the test sets of CIFAR-10 and CIFAR-100, plain or gzip.
#include <filesystem>
#include <fstream>

#include "norma/tests/fuzz/fuzz.h"
#include "norma/tests/support/temp_folder.h"

NORMA_FUZZ_TARGET(data, size) {
  static const TempFolder folder;
  const std::string ending = size > 1 && data[0] == 0x1f && data[1] == 0x8b ? ".gz" : "";
  for (const char* name : {"test_batch.bin", "test.bin"}) {
    const std::string path = folder / (name + ending);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    fuzz::run([&] {
      fuzz::use(std::string(name) == "test.bin"
                    ? norma::data::cifar100(folder.path(), false).inputs
                    : norma::data::cifar10(folder.path(), false).inputs);
    });
    std::filesystem::remove(path);
  }
  return 0;
}
