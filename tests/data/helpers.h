// What the tests of data/ share: a scratch folder, files in it, gzip, the real data.
#pragma once
#include <norma/norma.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "tests/support/catch.h"

/// what() of the norma::Error that `f` throws; "" when it throws none.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const norma::Error& error) {
    return error.what();
  }
  return "";
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A folder of its own that vanishes with it.
class Scratch {
 public:
  Scratch() {
    std::random_device device;
    do {
      dir_ = std::filesystem::temp_directory_path() / ("norma-test-" + std::to_string(device()));
    } while (!std::filesystem::create_directory(dir_));
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string dir() const { return dir_.string(); }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  /// Writes a file; returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir_ / name, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    return path(name);
  }
  void remove(const std::string& name) const { std::filesystem::remove(dir_ / name); }

 private:
  std::filesystem::path dir_;
};

/// The folder of real data, or "" after saying what is left out.
inline std::string real_data(const std::string& name) {
  const char* dir = std::getenv("NORMA_DATA_DIR");
  if (dir == nullptr) {
    WARN("left out: " << name << " is not here (NORMA_DATA_DIR is not set)");
    return "";
  }
  return (std::filesystem::path(dir) / name).string();
}

/// FNV-1a over the bytes of a contiguous tensor.
inline uint64_t hash_of(const norma::Tensor& tensor) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.raw_data());
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < tensor.numel() * norma::item_size(tensor.dtype()); ++i) {
    hash = (hash ^ bytes[i]) * 1099511628211u;
  }
  return hash;
}
