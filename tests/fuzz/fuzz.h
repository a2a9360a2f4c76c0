// What the fuzz targets share. A target is one function that reads bytes as a file of its kind; it
// may throw norma::Error and nothing else.
#pragma once
#include <norma/norma.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#define NORMA_FUZZ_TARGET(data, size)                                           \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size); \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size)

namespace fuzz {

[[noreturn]] inline void broken(const char* promise, const std::string& what) {
  std::fprintf(stderr, "broken: %s: %s\n", promise, what.c_str());
  std::abort();
}

/// Looks at every element.
inline void use(const norma::Tensor& tensor) {
  if (tensor.numel() < 100'000) tensor.contiguous().to(norma::kFloat64).sum();
}

inline void use(const norma::TensorFile& file) {
  for (const auto& [name, tensor] : file.tensors) use(tensor);
}

/// Runs `body`, and looks at the message of its error: short, and harmless on a terminal.
template <class F>
int run(F&& body) {
  try {
    body();
  } catch (const norma::Error& error) {
    const std::string message = error.what();
    if (message.size() > 20'000) broken("a short message", message.substr(0, 1000));
    for (const char c : message)
      if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == '\x7f')
        broken("a message without control characters", message);
  }
  return 0;
}

/// A file in memory with these bytes, and a path to it.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, std::size_t size) : descriptor_(::memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size))
      broken("a file in memory", "none");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace fuzz
