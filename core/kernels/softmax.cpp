// Fast softmax and log_softmax; their plain twin is plain/softmax.h.
//
//     lines                        path
//     side by side                 the exponentials of several short ones at once
//     apart (not the last          8 or more: every step for a strip of lines at once
//     dimension)                   fewer, or very long: gathered, and the results scattered to
//                                  where they belong
//
// Which way, and the order of every sum, depends on the length and the number of lines apart: not
// on how many of these there are.
#include "norma/core/kernels/softmax.h"

#include <algorithm>
#include <type_traits>

#include "norma/core/elementary.h"
#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/plain/softmax.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sum_run.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kBatch = 1024;  // values of short lines taken together

/// Calls `body.operator()<Level>(first, count, space)` for runs of lines, `first` being the number
/// of the first; `space` has room for `arrays` values per element.
template <class T, class Body>
void for_lines(MiddleShape s, int64_t arrays, Body body) {
  const int64_t n = s.length, batch = std::max<int64_t>(1, kBatch / n);
  const int64_t grain = std::max<int64_t>(batch, kSoftmaxGrain / n);
  const int64_t room = arrays * batch * n;
  const int parts = parallel_parts(s.lines(), grain);
  Scratch<T> scratch(parts * room);
  parallel_parts_for(parts, s.lines(), [&](int64_t begin, int64_t end, int part) {
    T* const space = scratch.data() + part * room;
    for_level<Level256>([=]<class Level>() NORMA_INLINE {
      for (int64_t i = begin; i < end; i += batch)
        body.template operator()<Level>(i, std::min(batch, end - i), space);
    });
  });
}

// Of what is at most 0.
NORMA_INLINE inline float exp_of_shifted(float x) { return fast_exp<false>(x); }
NORMA_INLINE inline double exp_of_shifted(double x) { return fast_exp(x); }

template <class T>
NORMA_INLINE inline T larger_or_nan(T a, T b) {
  const bool wins = (a > b) | (a != a);
  return wins ? a : b;
}
/// The largest of n >= 1 values; NaN where there is one.
template <int Bytes, class T>
NORMA_INLINE inline T largest_or_nan(const T* x, int64_t n) {
  using V = Vector<T, Bytes>;
  constexpr int64_t kLanes = V::kLanes;
  T best = x[0];
  if (n >= 2 * kLanes) {
    typename V::Value most = V::at(x).value, other = V::at(x + kLanes).value;
    const auto offer = [](typename V::Value& now, const T* from) NORMA_INLINE {
      const typename V::Value value = V::at(from).value;
      const auto wins = (value > now) | (value != value);
      now = wins ? value : now;
    };
    for (int64_t i = 2 * kLanes; i + 2 * kLanes <= n; i += 2 * kLanes) {
      offer(most, x + i);
      offer(other, x + i + kLanes);
    }
    offer(most, x + n - 2 * kLanes);
    offer(other, x + n - kLanes);
    T lanes[kLanes], others[kLanes];
    V::at(lanes).value = most;
    V::at(others).value = other;
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] = larger_or_nan(lanes[l], others[l]);
    for (int64_t width = kLanes / 2; width > 0; width /= 2) {
      for (int64_t l = 0; l < width; ++l) lanes[l] = larger_or_nan(lanes[l], lanes[l + width]);
    }
    return lanes[0];
  }
  for (int64_t i = 1; i < n; ++i) best = larger_or_nan(x[i], best);
  return best;
}

/// Σ g y and Σ y, in eight lanes.
template <int Bytes, class T>
NORMA_INLINE inline void weigh(const T* g, const T* y, int64_t n, double& weighted, double& total) {
  constexpr int N = Bytes / 8, kCount = 8 / N;
  Elements<double, N> sums[kCount] = {}, totals[kCount] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int k = 0; k < kCount; ++k) {
      Elements<double, N> slope, value;
      load<N>(g + i + k * N, slope);
      load<N>(y + i + k * N, value);
      sums[k] += slope * value;
      totals[k] += value;
    }
  }
  weighted = sum_of_lanes<N>(sums);
  total = sum_of_lanes<N>(totals);
  for (; i < n; ++i) {
    weighted += static_cast<double>(g[i]) * static_cast<double>(y[i]);
    total += static_cast<double>(y[i]);
  }
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

constexpr int64_t kStrip = 64;  // lines apart, taken together
/// Long ones would need much memory, few would fill no vector.
bool suits_strips(MiddleShape s) { return s.inner >= 8 && s.length <= 4096; }

/// Calls `body(at, width, space)` for strips of neighbouring lines, `at` being where the first of
/// them begins; `space` has room for `arrays` times as many values, in rows of kStrip.
template <class T, class Body>
void for_strips(MiddleShape s, int64_t arrays, Body body) {
  const int64_t strips = ceil_div(s.inner, kStrip), most = ceil_div(s.inner, strips);
  const int64_t grain = std::max<int64_t>(1, kSoftmaxGrain / (most * s.length));
  const int64_t room = arrays * kStrip * s.length;
  const int parts = parallel_parts(s.outer * strips, grain);
  Scratch<T> scratch(parts * room);
  parallel_parts_for(parts, s.outer * strips, [&](int64_t begin, int64_t end, int part) {
    T* const space = scratch.data() + part * room;
    simd<Level256>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % strips * most;
        const int64_t at = i / strips * s.length * s.inner + first;
        const int64_t width = std::min(most, s.inner - first);
        if (width == kStrip) {
          body(at, std::integral_constant<int64_t, kStrip>(), space);
        } else {
          body(at, width, space);
        }
      }
    });
  });
}

/// A strip side by side, filled up with zeros to whole vectors; returns its width then.
template <class T>
NORMA_INLINE inline int64_t take_strip(MiddleShape s, const T* x, int64_t width, T* strip) {
  const int64_t whole = round_up(width, 8);
  for (int64_t i = 0; i < s.length; ++i) {
    for (int64_t j = 0; j < width; ++j) strip[i * kStrip + j] = x[i * s.inner + j];
    for (int64_t j = width; j < whole; ++j) strip[i * kStrip + j] = T(0);
  }
  return whole;
}

template <bool Log, class T>
void forward_of_strips(MiddleShape s, const T* x, T* y) {
  for_strips<T>(s, 1, [=](int64_t at, auto width, T* strip) NORMA_INLINE {
    const int64_t n = s.length, whole = take_strip(s, x + at, width, strip);
    T largest[kStrip];
    double sums[kStrip] = {};
    std::copy_n(strip, whole, largest);
    for (int64_t i = 1; i < n; ++i) {
      const T* const row = strip + i * kStrip;
      for (int64_t j = 0; j < whole; ++j) largest[j] = larger_or_nan(row[j], largest[j]);
    }
    for (int64_t i = 0; i < n; ++i) {
      T* const row = strip + i * kStrip;
      for (int64_t j = 0; j < whole; ++j) {
        const T shifted = row[j] - largest[j], e = exp_of_shifted(shifted);
        row[j] = Log ? shifted : e;
        sums[j] += static_cast<double>(e);
      }
    }
    for (int64_t j = 0; j < width; ++j) sums[j] = Log ? elementary::log(sums[j]) : 1.0 / sums[j];
    for (int64_t i = 0; i < n; ++i) {
      const T* const row = strip + i * kStrip;
      T* const to = y + at + i * s.inner;
      for (int64_t j = 0; j < width; ++j) {
        const auto value = static_cast<double>(row[j]);
        to[j] = static_cast<T>(Log ? value - sums[j] : value * sums[j]);
      }
    }
  });
}

template <bool Log, class T>
void backward_of_strips(MiddleShape s, const T* g, const T* y, T* dx) {
  for_strips<T>(s, 2, [=](int64_t at, auto width, T* slopes) NORMA_INLINE {
    const int64_t n = s.length;
    T* const values = slopes + n * kStrip;
    take_strip(s, g + at, width, slopes);
    const int64_t whole = take_strip(s, y + at, width, values);
    double sums[kStrip] = {}, totals[kStrip] = {};
    for (int64_t i = 0; i < n; ++i) {
      const T *const slope = slopes + i * kStrip, *const value = values + i * kStrip;
      for (int64_t j = 0; j < whole; ++j) {
        const double factor = Log ? 1.0 : static_cast<double>(value[j]);
        sums[j] += static_cast<double>(slope[j]) * factor;
        totals[j] += factor;
      }
    }
    // y, rounded, does not sum to 1: without Σ y the difference below would lose digits.
    for (int64_t j = 0; !Log && j < width; ++j) sums[j] /= totals[j];
    for (int64_t i = 0; i < n; ++i) {
      const T *const slope = slopes + i * kStrip, *const value = values + i * kStrip;
      T* const to = dx + at + i * s.inner;
      for (int64_t j = 0; j < width; ++j) {
        const auto u = static_cast<double>(slope[j]);
        if constexpr (Log) {
          to[j] = static_cast<T>(u - exact_exp(value[j]) * sums[j]);
        } else {
          to[j] = static_cast<T>(static_cast<double>(value[j]) * (u - sums[j]));
        }
      }
    }
  });
}

}  // namespace

template <class T>
void softmax_forward(MiddleShape s, bool log, const T* x, T* y) {
  if (s.lines() * s.length == 0) return;
  if (plain_kernels()) return plain::softmax_forward(s.outer, s.length, s.inner, log, x, y);
  if (suits_strips(s))
    return (log ? forward_of_strips<true, T> : forward_of_strips<false, T>)(s, x, y);
  const int64_t n = s.length;
  for_lines<T>(s, 2, [=]<class Level>(int64_t first, int64_t count, T* space) NORMA_INLINE {
    const T* const in = gathered(s, x, first, count, space);
    T* const out = s.inner == 1 ? y + first * n : space;
    T* const exps = log ? space + count * n : out;
    for (int64_t k = 0; k < count; ++k) {
      const T largest = largest_or_nan<Level::kBytes>(in + k * n, n);
      for (int64_t i = k * n; i < (k + 1) * n; ++i) out[i] = in[i] - largest;
    }
    for (int64_t i = 0; i < count * n; ++i) exps[i] = exp_of_shifted(out[i]);
    for (int64_t k = 0; k < count; ++k) {
      T* const line = out + k * n;
      const double sum = sum_run<Itself, Level::kBytes>(exps + k * n, n);
      if (log) {
        const double shift = elementary::log(sum);
        for (int64_t i = 0; i < n; ++i)
          line[i] = static_cast<T>(static_cast<double>(line[i]) - shift);
      } else {
        const double scale = 1.0 / sum;
        for (int64_t i = 0; i < n; ++i)
          line[i] = static_cast<T>(static_cast<double>(line[i]) * scale);
      }
    }
    scatter(s, out, first, count, y);
  });
}

template <class T>
void softmax_backward(MiddleShape s, bool log, const T* g, const T* y, T* dx) {
  if (s.lines() * s.length == 0) return;
  if (plain_kernels()) return plain::softmax_backward(s.outer, s.length, s.inner, log, g, y, dx);
  if (suits_strips(s))
    return (log ? backward_of_strips<true, T> : backward_of_strips<false, T>)(s, g, y, dx);
  const int64_t n = s.length;
  for_lines<T>(s, 3, [=]<class Level>(int64_t first, int64_t count, T* space) NORMA_INLINE {
    const T* const grads = gathered(s, g, first, count, space);
    const T* const results = gathered(s, y, first, count, space + count * n);
    T* const out = s.inner == 1 ? dx + first * n : space + 2 * count * n;
    for (int64_t k = 0; k < count; ++k) {
      const T* const gk = grads + k * n;
      const T* const yk = results + k * n;
      T* const to = out + k * n;
      if (log) {
        const double sum = sum_run<Itself, Level::kBytes>(gk, n);
        for (int64_t i = 0; i < n; ++i)
          to[i] = static_cast<T>(static_cast<double>(gk[i]) - exact_exp(yk[i]) * sum);
      } else {
        // y, rounded, does not sum to 1: without Σ y the difference below would lose digits.
        double weighted, total;
        weigh<Level::kBytes>(gk, yk, n, weighted, total);
        const double mean = weighted / total;
        for (int64_t i = 0; i < n; ++i) {
          to[i] = static_cast<T>(static_cast<double>(yk[i]) * (static_cast<double>(gk[i]) - mean));
        }
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
