// Arithmetic on counts.
#pragma once
#include <cstdint>

namespace norma {

/// The least count of parts of size `b` that hold `a` items, for a >= 0 and b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The least multiple of `b` that is not below `a`.
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace norma
