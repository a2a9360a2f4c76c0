// How much work a thread should have at least, measured where a second thread begins to pay.
#pragma once
#include <algorithm>
#include <cstdint>

namespace norma {

inline constexpr int64_t kElementGrain = 32'768;    // elements read and written
inline constexpr int64_t kReadGrain = 65'536;       // elements only read
inline constexpr int64_t kNormGrain = 16'384;       // elements of a normalisation, read twice
inline constexpr int64_t kLossGrain = 8'192;        // exponentials of a loss
inline constexpr int64_t kSoftmaxGrain = 4'096;     // exponentials
inline constexpr int64_t kRandomGrain = 16'384;     // random bits
inline constexpr int64_t kPoolGrain = 30'000;       // cells of windows and of padded images
inline constexpr int64_t kMultiplyGrain = 200'000;  // multiplications and additions

/// The grain of a loop over rows of `length` elements, given that of the elements.
constexpr int64_t rows_grain(int64_t grain, int64_t length) {
  return std::max<int64_t>(1, grain / std::max<int64_t>(1, length));
}

}  // namespace norma
