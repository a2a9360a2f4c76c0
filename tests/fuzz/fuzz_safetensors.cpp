// Any bytes as a file of weights, most of them as a safetensors file.
#include "norma/tests/fuzz/fuzz.h"

NORMA_FUZZ_TARGET(data, size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  fuzz::run([&] { fuzz::use(norma::load_tensors(bytes)); });
  return fuzz::run([&] {
    norma::nn::Linear layer(2, 1);
    norma::load(layer, bytes, {.strict = false, .prefix = size % 2 ? "model." : ""});
  });
}
