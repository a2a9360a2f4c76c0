// Fast positions of extrema; their plain twin is plain/reduce.h.
//
//     lines                       path
//     of integers                 the plain twin, a task some of the outer ones
//     side by side: short ones    transposed, then as strips
//         others                  the value in lanes, then the first place that has it
//     apart (not the last         a strip of lines at once
//     dimension)
#include "norma/core/kernels/extremum.h"

#include <algorithm>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/plain/reduce.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

template <class T>
NORMA_INLINE inline int64_t first_of(const T* line, int64_t length, bool largest) {
  const T best = winner_in_lanes<32>(
      line, length, [=](T a, T b) NORMA_INLINE { return (largest ? a > b : a < b) || a != a; });
  const auto is_best = [=](T value) NORMA_INLINE {
    return (value == best) | ((value != value) & (best != best));
  };
  constexpr int64_t kBlock = 64;
  int64_t i = 0;
  for (; i + kBlock <= length; i += kBlock) {
    int32_t found = 0;
    for (int64_t k = 0; k < kBlock; ++k) found |= is_best(line[i + k]);
    if (found) break;
  }
  while (!is_best(line[i])) ++i;
  return i;
}

constexpr int64_t kStrip = 32, kShort = 128;

/// Width lines, `inner` apart.
template <class T>
NORMA_INLINE inline void positions_in_strip(int64_t* out, const T* x, int64_t length, int64_t inner,
                                            int64_t width, bool largest) {
  // As wide as T, so that values and positions fill the same number of lanes.
  using Position = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  T best[kStrip] = {};
  Position position[kStrip] = {};
  std::copy_n(x, width, best);
  const auto offer = [&](int64_t count, int64_t i) NORMA_INLINE {
    const T* const row = x + i * inner;
    for (int64_t j = 0; j < count; ++j) {
      const T value = row[j], now = best[j];
      const bool wins = ((largest ? value > now : value < now) | (value != value)) & (now == now);
      best[j] = wins ? value : now;
      position[j] = wins ? static_cast<Position>(i) : position[j];
    }
  };
  for (int64_t i = 1; i < length; ++i) width == kStrip ? offer(kStrip, i) : offer(width, i);
  for (int64_t j = 0; j < width; ++j) out[j] = position[j];
}

/// Lines [begin, end), each of `n` < kShort neighbours.
template <class T>
void short_lines(int64_t* out, const T* x, int64_t n, int64_t begin, int64_t end, bool largest) {
  simd<Level256>([=]() NORMA_INLINE {
    T strip[kShort * kStrip];
    for (int64_t line = begin; line < end; line += kStrip) {
      const int64_t width = std::min(kStrip, end - line);
      transpose(width, n, x + line * n, n, strip, kStrip);
      largest ? positions_in_strip(out + line, strip, n, kStrip, width, true)
              : positions_in_strip(out + line, strip, n, kStrip, width, false);
    }
  });
}

template <class T>
void fast_positions(int64_t* out, const T* x, MiddleShape s, bool largest) {
  if (s.inner == 1 && s.length < kShort) {
    return parallel_for(
        s.outer, rows_grain(kElementGrain, s.length),
        [=](int64_t begin, int64_t end) { short_lines(out, x, s.length, begin, end, largest); });
  }
  const int64_t strips = ceil_div(s.inner, kStrip);
  const int64_t grain = rows_grain(kElementGrain, s.length * std::min(kStrip, s.inner));
  parallel_for(s.outer * strips, grain, [=](int64_t begin, int64_t end) {
    simd<Level256>([=]() NORMA_INLINE {
      for (int64_t n = begin; n < end; ++n) {
        const int64_t outer = n / strips, at = n % strips * kStrip;
        const T* const from = x + outer * s.length * s.inner + at;
        if (s.inner == 1) {
          out[n] = largest ? first_of(from, s.length, true) : first_of(from, s.length, false);
        } else {
          const int64_t width = std::min(kStrip, s.inner - at);
          int64_t* const to = out + outer * s.inner + at;
          largest ? positions_in_strip(to, from, s.length, s.inner, width, true)
                  : positions_in_strip(to, from, s.length, s.inner, width, false);
        }
      }
    });
  });
}

}  // namespace

template <class T>
void extreme_position(int64_t* out, const T* x, MiddleShape s, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr int64_t kCounted = INT32_MAX;
    if (!plain_kernels() && s.length <= kCounted) return fast_positions(out, x, s, largest);
  }
  const int64_t size = s.length * s.inner;
  parallel_for(s.outer, rows_grain(kElementGrain, size), [=](int64_t begin, int64_t end) {
    plain::extreme_position(out + begin * s.inner, x + begin * size, end - begin, s.length, s.inner,
                            largest);
  });
}

template void extreme_position(int64_t*, const float*, MiddleShape, bool);
template void extreme_position(int64_t*, const double*, MiddleShape, bool);
template void extreme_position(int64_t*, const int64_t*, MiddleShape, bool);
template void extreme_position(int64_t*, const int32_t*, MiddleShape, bool);
template void extreme_position(int64_t*, const uint8_t*, MiddleShape, bool);
template void extreme_position(int64_t*, const bool*, MiddleShape, bool);

}  // namespace norma::kernels
