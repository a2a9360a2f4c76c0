// Dropout, by its definition. The fast version: core/kernels/dropout.h.
#pragma once
#include "norma/core/random.h"

namespace norma::kernels::plain {

/// mask = 1 with probability 1 - p, else 0. Value 256 q + 64 j + l is word j of block
/// first + 64 q + l, compared with p.
inline void random_mask(int64_t count, double p, uint64_t seed, uint64_t first, uint8_t* mask) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t q = i / 256, j = i / 64 % 4, l = i % 64;
    const auto block = Generator::block(seed, first + static_cast<uint64_t>(64 * q + l));
    mask[i] = block[static_cast<std::size_t>(j)] >= static_cast<uint32_t>(p * 4294967296.0);
  }
}

/// y = x mask scale; backward is the same with dy for x. A mask value holds for a row.
template <class T>
void apply_mask(int64_t rows, int64_t length, const T* x, const uint8_t* mask, double scale, T* y) {
  for (int64_t i = 0; i < rows * length; ++i) {
    y[i] = x[i] * (mask[i / length] ? static_cast<T>(scale) : T(0));
  }
}

}  // namespace norma::kernels::plain
