// Arithmetic on counts.
#pragma once
#include <cstdint>
#include <limits>

#include "norma/core/dtype.h"

namespace norma {

/// The least count of parts of size `b` that hold `a` items, for a >= 0 and b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The least multiple of `b` that is not below `a`.
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// The least and the largest integer that a dtype of integers or bools holds.
struct IntegerRange {
  int64_t least, most;
};
constexpr IntegerRange range_of(DType dtype) {
  if (dtype == kBool) return {0, 1};
  if (dtype == kUInt8) return {0, std::numeric_limits<uint8_t>::max()};
  if (dtype == kInt32) {
    return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
  return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

/// Holds any product of two int64, and any sum of a few of those.
__extension__ typedef __int128 Wide;

/// Where paddings, reaches of kernels and the like end: sums of four of them fit int64.
inline constexpr int64_t kMostCells = int64_t{1} << 61;
/// `cells`, which options led to; throws `[op] …` naming `what` where it is not within
/// ±kMostCells.
int64_t checked_cells(const char* op, const char* what, Wide cells);

/// The cells from the first to the last that a kernel sees: dilation (kernel_size - 1), checked.
int64_t checked_reach(const char* op, int64_t dilation, int64_t kernel_size);
/// `cells` with those of a padding around them, checked; `what` names them.
int64_t checked_padded(const char* op, const char* what, int64_t before, int64_t cells,
                       int64_t behind);

/// a b; throws `[op] …` where it is 2^63 or more. For factors of at least 0.
int64_t checked_product(const char* op, const char* what, int64_t a, int64_t b);
/// a b, or 2^63 - 1 where that is less: for amounts of work, of which so much is no different.
constexpr int64_t limited_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

}  // namespace norma
