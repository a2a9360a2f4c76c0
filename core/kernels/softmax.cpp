// Fast softmax and log_softmax; their plain twin is plain/softmax.h.
//
//     lines                        path
//     short, side by side          the exponentials of several lines at once
//     long, side by side           line by line
//     many, apart (not the last    side by side: every step for a strip of lines at once
//     dimension)
//     few, apart                   lines are gathered, and the results scattered to where they
//                                  belong
#include "norma/core/kernels/softmax.h"

#include <algorithm>
#include <cmath>

#include "norma/core/elementary.h"
#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/plain/softmax.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kBatch = 1024;  // values of short lines taken together
constexpr int64_t kLanes = 16;

/// Calls `body(first, count, space)` for runs of lines, `first` being the number of the first;
/// `space` has room for `arrays` values per element.
template <class T, class Body>
void for_lines(MiddleShape s, int64_t arrays, Body body) {
  const int64_t n = s.length, batch = std::max<int64_t>(1, kBatch / n);
  const int64_t grain = std::max<int64_t>(batch, kSoftmaxGrain / n);
  const int64_t room = arrays * batch * n;
  const int parts = parallel_parts(s.lines(), grain);
  Scratch<T> scratch(parts * room);
  parallel_parts_for(parts, s.lines(), [&](int64_t begin, int64_t end, int part) {
    T* const space = scratch.data() + part * room;
    simd<Level256>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; i += batch) body(i, std::min(batch, end - i), space);
    });
  });
}

/// `count` lines from the tensor side by side; those that lie so already stay where they are.
template <class T>
NORMA_INLINE inline const T* gathered(MiddleShape s, const T* x, int64_t first, int64_t count,
                                      T* space) {
  if (s.inner == 1) return x + first * s.length;
  for (int64_t k = 0; k < count; ++k) {
    const T* const from = x + s.start(first + k);
    for (int64_t i = 0; i < s.length; ++i) space[k * s.length + i] = from[i * s.inner];
  }
  return space;
}

template <class T>
NORMA_INLINE inline void scatter(MiddleShape s, const T* lines, int64_t first, int64_t count,
                                 T* y) {
  if (s.inner == 1) return;
  for (int64_t k = 0; k < count; ++k) {
    T* const to = y + s.start(first + k);
    for (int64_t i = 0; i < s.length; ++i) to[i * s.inner] = lines[k * s.length + i];
  }
}

constexpr int64_t kStrip = 32;  // lines apart, taken together
/// Long ones would need much memory, and few strips leave threads without work.
bool suits_strips(MiddleShape s) {
  return s.inner >= kLanes && s.length <= 4096 && s.outer * ceil_div(s.inner, kStrip) > 1;
}

/// Calls `body(at, width, exps)` for strips of neighbouring lines, `at` being where the first of
/// them begins; `exps` has room for kStrip lines.
template <class Body>
void for_strips(MiddleShape s, int64_t room, Body body) {
  const int64_t strips = ceil_div(s.inner, kStrip);
  const int64_t grain = std::max<int64_t>(1, kSoftmaxGrain / (kStrip * s.length));
  const int parts = parallel_parts(s.outer * strips, grain);
  Scratch<double> scratch(std::max<int64_t>(1, parts * room));
  parallel_parts_for(parts, s.outer * strips, [&](int64_t begin, int64_t end, int part) {
    double* const exps = scratch.data() + part * room;
    simd<Level256>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % strips * kStrip;
        body(i / strips * s.length * s.inner + first, std::min(kStrip, s.inner - first), exps);
      }
    });
  });
}

template <class T>
void forward_of_strips(MiddleShape s, bool log, const T* x, T* y) {
  const int64_t n = s.length, inner = s.inner;
  for_strips(s, n * kStrip, [=](int64_t at, int64_t width, double* exps) NORMA_INLINE {
    const T* const in = x + at;
    T* const out = y + at;
    T largest[kStrip];
    double sums[kStrip] = {}, shifts[kStrip];
    std::copy_n(in, width, largest);
    for (int64_t i = 1; i < n; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        const T value = in[i * inner + j];
        largest[j] = value > largest[j] || std::isnan(value) ? value : largest[j];
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        const T shifted = in[i * inner + j] - largest[j];
        const double e = exact_exp(shifted);
        out[i * inner + j] = shifted;
        exps[i * kStrip + j] = e;
        sums[j] += e;
      }
    }
    for (int64_t j = 0; j < width; ++j) shifts[j] = log ? elementary::log(sums[j]) : 1.0 / sums[j];
    for (int64_t i = 0; i < n; ++i) {
      T* const to = out + i * inner;
      const double* const e = exps + i * kStrip;
      for (int64_t j = 0; log && j < width; ++j)
        to[j] = static_cast<T>(static_cast<double>(to[j]) - shifts[j]);
      for (int64_t j = 0; !log && j < width; ++j) to[j] = static_cast<T>(e[j] * shifts[j]);
    }
  });
}

template <class T>
void backward_of_strips(MiddleShape s, bool log, const T* g, const T* y, T* dx) {
  const int64_t n = s.length, inner = s.inner;
  for_strips(s, 0, [=](int64_t at, int64_t width, double*) NORMA_INLINE {
    double sums[kStrip] = {}, totals[kStrip] = {};
    for (int64_t i = 0; i < n; ++i) {
      const T *const slope = g + at + i * inner, *const value = y + at + i * inner;
      for (int64_t j = 0; j < width; ++j) {
        const double factor = log ? 1.0 : static_cast<double>(value[j]);
        sums[j] += static_cast<double>(slope[j]) * factor;
        totals[j] += factor;
      }
    }
    // y, rounded, does not sum to 1: without Σ y the difference below would lose digits.
    for (int64_t j = 0; !log && j < width; ++j) sums[j] /= totals[j];
    for (int64_t i = 0; i < n; ++i) {
      const T *const slope = g + at + i * inner, *const value = y + at + i * inner;
      T* const to = dx + at + i * inner;
      for (int64_t j = 0; j < width; ++j) {
        const auto v = static_cast<double>(value[j]), u = static_cast<double>(slope[j]);
        to[j] = static_cast<T>(log ? u - exact_exp(value[j]) * sums[j] : v * (u - sums[j]));
      }
    }
  });
}

}  // namespace

template <class T>
void softmax_forward(MiddleShape s, bool log, const T* x, T* y) {
  if (s.lines() * s.length == 0) return;
  if (plain_kernels()) return plain::softmax_forward(s.outer, s.length, s.inner, log, x, y);
  if (suits_strips(s)) return forward_of_strips(s, log, x, y);
  const int64_t n = s.length;
  // Scratch: the exponentials in double, and two lines of T.
  for_lines<double>(s, 2, [=](int64_t first, int64_t count, double* exps) NORMA_INLINE {
    T* const space = reinterpret_cast<T*>(exps + count * n);
    const T* const in = gathered(s, x, first, count, space);
    T* const out = s.inner == 1 ? y + first * n : space;
    T* const shifted = out;  // when in == out, each line is read before it is overwritten
    for (int64_t k = 0; k < count; ++k) {
      const T largest = largest_or_nan<kLanes>(in + k * n, n);
      for (int64_t i = k * n; i < (k + 1) * n; ++i) shifted[i] = in[i] - largest;
    }
    for (int64_t i = 0; i < count * n; ++i) exps[i] = exact_exp(shifted[i]);
    for (int64_t k = 0; k < count; ++k) {
      const double* const e = exps + k * n;
      T* const line = out + k * n;
      const double sum = sum_in_lanes<kLanes>(n, [=](int64_t i) NORMA_INLINE { return e[i]; });
      if (log) {
        const double shift = elementary::log(sum);
        for (int64_t i = 0; i < n; ++i) {
          line[i] = static_cast<T>(static_cast<double>(line[i]) - shift);
        }
      } else {
        const double scale = 1.0 / sum;
        for (int64_t i = 0; i < n; ++i) line[i] = static_cast<T>(e[i] * scale);
      }
    }
    scatter(s, out, first, count, y);
  });
}

template <class T>
void softmax_backward(MiddleShape s, bool log, const T* g, const T* y, T* dx) {
  if (s.lines() * s.length == 0) return;
  if (plain_kernels()) return plain::softmax_backward(s.outer, s.length, s.inner, log, g, y, dx);
  if (suits_strips(s)) return backward_of_strips(s, log, g, y, dx);
  const int64_t n = s.length;
  for_lines<T>(s, 3, [=](int64_t first, int64_t count, T* space) NORMA_INLINE {
    const T* const grads = gathered(s, g, first, count, space);
    const T* const results = gathered(s, y, first, count, space + count * n);
    T* const out = s.inner == 1 ? dx + first * n : space + 2 * count * n;
    for (int64_t k = 0; k < count; ++k) {
      const T* const gk = grads + k * n;
      const T* const yk = results + k * n;
      T* const to = out + k * n;
      if (log) {
        const double sum = sum_in_lanes<kLanes>(
            n, [=](int64_t i) NORMA_INLINE { return static_cast<double>(gk[i]); });
        for (int64_t i = 0; i < n; ++i) {
          to[i] = static_cast<T>(static_cast<double>(gk[i]) - exact_exp(yk[i]) * sum);
        }
      } else {
        // y, rounded, does not sum to 1: without Σ y the difference below would lose digits.
        const auto value = [=](int64_t i) NORMA_INLINE { return static_cast<double>(yk[i]); };
        const auto slope = [=](int64_t i) NORMA_INLINE { return static_cast<double>(gk[i]); };
        const double mean =
            sum_in_lanes<kLanes>(n, [=](int64_t i) NORMA_INLINE { return slope(i) * value(i); }) /
            sum_in_lanes<kLanes>(n, value);
        for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(value(i) * (slope(i) - mean));
      }
    }
    scatter(s, out, first, count, dx);
  });
}

#define NORMA_INSTANTIATE(T)                                         \
  template void softmax_forward<T>(MiddleShape, bool, const T*, T*); \
  template void softmax_backward<T>(MiddleShape, bool, const T*, const T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
