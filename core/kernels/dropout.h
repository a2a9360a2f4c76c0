// The loops of dropout, on contiguous memory.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// Where the random numbers of one call come from: a seed and the first of its blocks
/// (see Generator::block).
struct RandomBlocks {
  uint64_t seed, first;
};
/// How many blocks `count` mask values take.
uint64_t mask_blocks(int64_t count);

/// mask = 1 with probability 1 - p, else 0; 0 < p < 1. Value 256 q + 64 j + l comes from word j of
/// block 64 q + l: the order in which 64 blocks are computed side by side.
void random_mask(int64_t count, double p, RandomBlocks random, uint8_t* mask);

/// y = x * mask * scale, with one mask value for each of `rows` rows of `length` elements.
template <class T>
void apply_mask(int64_t rows, int64_t length, const T* x, const uint8_t* mask, double scale, T* y);

/// Both at once, with a mask value per element.
template <class T>
void dropout_forward(int64_t count, const T* x, double p, RandomBlocks random, double scale,
                     uint8_t* mask, T* y);

}  // namespace norma::kernels
