// What the tests of io/ share: raw safetensors files, lists of tensors.
#pragma once
#include <norma/norma.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"

/// Eight bytes, little end first.
inline std::string u64(uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 255);
  return bytes;
}

/// The bytes of a safetensors file with this header and so many zero bytes of data.
inline std::string file_of(const std::string& json, std::size_t data_bytes = 0) {
  return u64(json.size()) + json + std::string(data_bytes, '\0');
}

/// Same names, dtypes, shapes and bits.
inline bool same(const norma::NamedTensors& a, const norma::NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const norma::Tensor x = a[i].second.detach().contiguous();
    const norma::Tensor y = b[i].second.detach().contiguous();
    if (a[i].first != b[i].first || x.dtype() != y.dtype() || x.sizes() != y.sizes()) return false;
    const auto bytes = static_cast<std::size_t>(x.numel() * norma::item_size(x.dtype()));
    if (bytes > 0 && std::memcmp(x.raw_data(), y.raw_data(), bytes) != 0) return false;
  }
  return true;
}

inline norma::NamedTensors sorted(norma::NamedTensors list) {
  std::sort(list.begin(), list.end(),
            [](const auto& x, const auto& y) { return x.first < y.first; });
  return list;
}
