// Numbers in files, whose bytes lie in the order of the format, whatever that of the machine is.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace norma {

/// The number that the bytes hold, the lowest one first, or with `kOrder` the highest.
template <class T, std::endian kOrder = std::endian::little>
T load_number(const void* bytes) {
  std::array<unsigned char, sizeof(T)> native;
  std::memcpy(native.data(), bytes, sizeof(T));
  if constexpr (kOrder != std::endian::native) std::reverse(native.begin(), native.end());
  return std::bit_cast<T>(native);
}

/// Between the machine's order and little-endian, in place: `count` numbers of `size` bytes each.
inline void swap_little_endian([[maybe_unused]] void* numbers, [[maybe_unused]] int64_t count,
                               [[maybe_unused]] int64_t size) {
  if constexpr (std::endian::native != std::endian::little) {
    auto* at = static_cast<unsigned char*>(numbers);
    for (int64_t i = 0; i < count; ++i, at += size) std::reverse(at, at + size);
  }
}

}  // namespace norma
