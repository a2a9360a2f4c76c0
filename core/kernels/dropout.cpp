// Fast dropout; its plain twin is plain/dropout.h.
//
//     a mask value for             path
//     each element                 dropout_forward: random numbers and product in one pass
//     each row                     random_mask, then apply_mask
#include "norma/core/kernels/dropout.h"

#include <algorithm>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/plain/dropout.h"
#include "norma/core/philox.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kLanes = 64;          // Philox blocks computed side by side
constexpr int64_t kGroup = 4 * kLanes;  // mask values from them

int64_t groups_of(int64_t count) { return ceil_div(count, kGroup); }

/// The mask values of group `index`, as random.h's Generator::block would give them.
NORMA_INLINE inline void mask_group(RandomBlocks random, int64_t index, uint32_t threshold,
                                    uint8_t* mask) {
  uint32_t words[4][kLanes];
  philox(random.seed, random.first + static_cast<uint64_t>(index * kLanes), words);
  for (int64_t j = 0; j < 4; ++j) {
    for (int64_t l = 0; l < kLanes; ++l) mask[j * kLanes + l] = words[j][l] >= threshold;
  }
}

/// Calls `use(position, count, values)` for each group of mask values.
template <class Use>
void for_mask_groups(int64_t count, double p, RandomBlocks random, Use use) {
  const uint32_t threshold = static_cast<uint32_t>(p * 4294967296.0);
  parallel_for(groups_of(count), kRandomGrain / kGroup, [&](int64_t begin, int64_t end) {
    simd([=]() NORMA_INLINE {
      for (int64_t group = begin; group < end; ++group) {
        uint8_t values[kGroup];
        mask_group(random, group, threshold, values);
        use(group * kGroup, std::min(kGroup, count - group * kGroup), values);
      }
    });
  });
}

}  // namespace

uint64_t mask_blocks(int64_t count) { return static_cast<uint64_t>(groups_of(count) * kLanes); }

void random_mask(int64_t count, double p, RandomBlocks random, uint8_t* mask) {
  if (plain_kernels()) return plain::random_mask(count, p, random.seed, random.first, mask);
  for_mask_groups(count, p, random, [=](int64_t at, int64_t n, const uint8_t* values) NORMA_INLINE {
    for (int64_t i = 0; i < n; ++i) mask[at + i] = values[i];
  });
}

template <class T>
void apply_mask(int64_t rows, int64_t length, const T* x, const uint8_t* mask, double scale, T* y) {
  if (plain_kernels()) return plain::apply_mask(rows, length, x, mask, scale, y);
  const T factor = static_cast<T>(scale);
  const int64_t grain = rows_grain(kElementGrain, length);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    simd<Level256>([=]() NORMA_INLINE {
      if (length == 1) {
        for (int64_t i = begin; i < end; ++i) y[i] = x[i] * (static_cast<T>(mask[i]) * factor);
        return;
      }
      for (int64_t r = begin; r < end; ++r) {
        const T row_factor = static_cast<T>(mask[r]) * factor;
        for (int64_t i = r * length; i < (r + 1) * length; ++i) y[i] = x[i] * row_factor;
      }
    });
  });
}

template <class T>
void dropout_forward(int64_t count, const T* x, double p, RandomBlocks random, double scale,
                     uint8_t* mask, T* y) {
  if (plain_kernels()) {
    plain::random_mask(count, p, random.seed, random.first, mask);
    return plain::apply_mask(count, 1, x, mask, scale, y);
  }
  const T factor = static_cast<T>(scale);
  for_mask_groups(count, p, random, [=](int64_t at, int64_t n, const uint8_t* values) NORMA_INLINE {
    for (int64_t i = 0; i < n; ++i) mask[at + i] = values[i];
    for (int64_t i = 0; i < n; ++i) {
      y[at + i] = x[at + i] * (static_cast<T>(values[i]) * factor);
    }
  });
}

#define NORMA_INSTANTIATE(T)                                                           \
  template void apply_mask<T>(int64_t, int64_t, const T*, const uint8_t*, double, T*); \
  template void dropout_forward<T>(int64_t, const T*, double, RandomBlocks, double, uint8_t*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
