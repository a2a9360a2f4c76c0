// What the tests of data/ share: the real data, and a number that stands for a tensor.
#pragma once
#include <norma/norma.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"

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
