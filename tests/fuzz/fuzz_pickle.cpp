// Any bytes as the pickle of an archive that is in order otherwise, with two storages.
#include "norma/tests/fuzz/fuzz.h"
#include "norma/tests/io/zip_builder.h"

NORMA_FUZZ_TARGET(data, size) {
  std::string pickle(size, '\0');
  std::copy(data, data + size, pickle.begin());
  const std::string archive = zip_of({{"x/data.pkl", pickle},
                                      {"x/data/0", std::string(24, '\x3f')},
                                      {"x/data/1", std::string(256, '\1')},
                                      {"x/version", "3\n"}});
  const std::span<const std::byte> bytes = std::as_bytes(std::span(archive));
  fuzz::run([&] { fuzz::use(norma::load_tensors(bytes)); });
  return fuzz::run([&] {
    norma::nn::Linear layer(2, 1);
    norma::load(layer, bytes, {.prefix = "model."});
  });
}
