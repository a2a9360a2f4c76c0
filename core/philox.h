// The counter-based random numbers of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (2011): Philox 4×32 with ten rounds.
#pragma once
#include <cstdint>

#include "norma/core/simd.h"

namespace norma {

/// Blocks first, …, first + Lanes - 1 under the key `seed`: word j of block first + l is
/// words[j][l].
template <int64_t Lanes>
NORMA_INLINE inline void philox(uint64_t seed, uint64_t first, uint32_t (&words)[4][Lanes]) {
  auto& [c0, c1, c2, c3] = words;
  for (int64_t l = 0; l < Lanes; ++l) {
    const uint64_t counter = first + static_cast<uint64_t>(l);
    c0[l] = static_cast<uint32_t>(counter);
    c1[l] = static_cast<uint32_t>(counter >> 32);
    c2[l] = c3[l] = 0;
  }
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int64_t l = 0; l < Lanes; ++l) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c0[l], p1 = uint64_t{0xCD9E8D57} * c2[l];
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1[l] ^ k0;
      const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
      c1[l] = static_cast<uint32_t>(p1);
      c3[l] = static_cast<uint32_t>(p0);
      c0[l] = n0;
      c2[l] = n2;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

}  // namespace norma
