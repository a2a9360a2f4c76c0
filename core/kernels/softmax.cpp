// Fast softmax and log_softmax; their plain twin is plain/softmax.h.
//
//     lines                        path
//     side by side                 short: every step for a strip of lines at once, transposed to
//                                  and fro; else line by line
//     apart (not the last          8 or more: every step for a strip of lines at once
//     dimension)                   fewer, or very long: gathered, and the results scattered to
//                                  where they belong
//
// Which way, and the order of every sum, depends on the length and the number of lines apart: not
// on how many of these there are.
#include "norma/core/kernels/softmax.h"

#include <algorithm>
#include <type_traits>

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

constexpr int64_t kBatch = 2048, kLines = 64;  // most values and lines taken together

/// Calls `body.operator()<Level>(first, count, space)` for runs of lines, `first` being the number
/// of the first; `space` has room for `arrays` values per element.
template <class T, class Body>
void for_lines(MiddleShape s, int64_t arrays, Body body) {
  const int64_t n = s.length, batch = std::clamp<int64_t>(kBatch / n, 1, kLines);
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

/// Σ g y / Σ y of kColumns columns. y, rounded, does not sum to 1: without Σ y the difference
/// g - mean would lose digits.
template <int Bytes, class T>
NORMA_INLINE inline void means_of_columns(const T* g, const T* y, int64_t rows, int64_t stride,
                                          double* means) {
  constexpr int N = Bytes / 8, kCount = static_cast<int>(kColumns) / N;
  Elements<double, N> sums[kCount] = {}, totals[kCount] = {};
  for (int64_t i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int k = 0; k < kCount; ++k) {
      Elements<double, N> slope, value;
      load<N>(g + i * stride + k * N, slope);
      load<N>(y + i * stride + k * N, value);
      sums[k] += slope * value;
      totals[k] += value;
    }
  }
  for (int k = 0; k < kCount; ++k) store<N>(sums[k] / totals[k], means + k * N);
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

constexpr int64_t kStrip = 64;           // most lines taken together, as columns
constexpr int64_t kShort = 40;           // of lines side by side
constexpr int64_t kStripBytes = 49'152;  // what the caches give at once
/// Very long ones would need much memory, few would fill no vector.
bool suits_strips(MiddleShape s) {
  return s.inner == 1 ? s.length <= kShort : s.inner >= 8 && s.length <= 4096;
}

/// Calls `body.operator()<Level>(at, width, pitch, space)` for strips of `width` neighbours, `at`
/// being where the first begins; `space` has room for `arrays` times as many values, in rows of
/// `pitch`, whole kColumns.
template <class T, class Body>
void for_strips(MiddleShape s, int64_t arrays, Body body) {
  const int64_t lines = s.inner == 1 ? s.outer : s.inner, step = s.inner == 1 ? s.length : 1;
  const int64_t fit = kStripBytes / (arrays * s.length * static_cast<int64_t>(sizeof(T)));
  const int64_t most = std::clamp(fit / kColumns * kColumns, kColumns, kStrip);
  const int64_t strips = ceil_div(lines, most);
  const int64_t all = s.lines() / lines * strips;
  const int64_t grain = std::max<int64_t>(1, kSoftmaxGrain / (most * s.length));
  const int64_t room = arrays * most * s.length;
  const int parts = parallel_parts(all, grain);
  Scratch<T> scratch(parts * room);
  parallel_parts_for(parts, all, [&](int64_t begin, int64_t end, int part) {
    T* const space = scratch.data() + part * room;
    for_level<Level256>([=]<class Level>() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % strips * most;
        const int64_t at = i / strips * s.length * s.inner + first * step;
        const int64_t width = std::min(most, lines - first);
        constexpr std::integral_constant<int64_t, kStrip> whole;
        if (width == kStrip) {
          body.template operator()<Level>(at, whole, whole, space);
        } else {
          body.template operator()<Level>(at, width, round_up(width, kColumns), space);
        }
      }
    });
  });
}

/// A strip, filled up with zeros.
template <class Level, class T, class Width>
NORMA_INLINE inline void take_strip(MiddleShape s, const T* x, Width width, Width pitch, T* strip) {
  if (width < pitch) std::fill_n(strip, s.length * pitch, T(0));
  if (s.inner == 1) return transpose(width, s.length, x, s.length, strip, pitch);
  for (int64_t i = 0; i < s.length; ++i)
    copy_row<T, Level>(x + i * s.inner, width, strip + i * pitch);
}
/// The way back.
template <class Level, class T, class Width>
NORMA_INLINE inline void give_strip(MiddleShape s, const T* strip, Width width, Width pitch, T* y) {
  if (s.inner == 1) return transpose(s.length, width, strip, pitch, y, s.length);
  for (int64_t i = 0; i < s.length; ++i)
    copy_row<T, Level>(strip + i * pitch, width, y + i * s.inner);
}

template <bool Log, class T>
void forward_of_strips(MiddleShape s, const T* x, T* y) {
  const auto body = [=]<class Level>(int64_t at, auto width, auto pitch, T* strip) NORMA_INLINE {
    const int64_t n = s.length, count = n * pitch;
    T largest[kStrip], *const exps = Log ? strip + count : strip;
    double sums[kStrip];
    take_strip<Level>(s, x + at, width, pitch, strip);
    for (int64_t j = 0; j < pitch; j += kColumns)
      largest_of_columns<Level::kBytes>(strip + j, n, pitch, largest + j);
    for (int64_t i = 0; i < n; ++i) {
      T* const row = strip + i * pitch;
      for (int64_t j = 0; j < pitch; ++j) row[j] -= largest[j];
    }
    // A loop of its own: the steps of short loops overlap.
    for (int64_t i = 0; i < count; ++i) exps[i] = exp_of_shifted(strip[i]);
    for (int64_t j = 0; j < pitch; j += kColumns)
      sums_of_columns<Level::kBytes>(exps + j, n, pitch, sums + j);
    for (int64_t j = 0; j < pitch; ++j) sums[j] = Log ? log_of_sum<T>(sums[j]) : 1.0 / sums[j];
    for (int64_t i = 0; i < n; ++i) {
      T* const row = strip + i * pitch;
      for (int64_t j = 0; j < pitch; ++j) {
        const auto value = static_cast<double>(row[j]);
        row[j] = static_cast<T>(Log ? value - sums[j] : value * sums[j]);
      }
    }
    give_strip<Level>(s, strip, width, pitch, y + at);
  };
  for_strips<T>(s, Log ? 2 : 1, body);
}

template <bool Log, class T>
void backward_of_strips(MiddleShape s, const T* g, const T* y, T* dx) {
  const auto body = [=]<class Level>(int64_t at, auto width, auto pitch, T* slopes) NORMA_INLINE {
    const int64_t n = s.length;
    T* const values = slopes + n * pitch;
    take_strip<Level>(s, g + at, width, pitch, slopes);
    take_strip<Level>(s, y + at, width, pitch, values);
    double sums[kStrip];
    for (int64_t i = 0; Log && i < n * pitch; ++i) values[i] = exp_of_shifted(values[i]);
    for (int64_t j = 0; Log && j < pitch; j += kColumns)
      sums_of_columns<Level::kBytes>(slopes + j, n, pitch, sums + j);
    for (int64_t j = 0; !Log && j < pitch; j += kColumns)
      means_of_columns<Level::kBytes>(slopes + j, values + j, n, pitch, sums + j);
    for (int64_t i = 0; i < n; ++i) {
      T* const slope = slopes + i * pitch;
      const T* const value = values + i * pitch;
      for (int64_t j = 0; j < pitch; ++j) {
        const auto u = static_cast<double>(slope[j]), factor = static_cast<double>(value[j]);
        slope[j] = static_cast<T>(Log ? u - factor * sums[j] : factor * (u - sums[j]));
      }
    }
    give_strip<Level>(s, slopes, width, pitch, dx + at);
  };
  for_strips<T>(s, 2, body);
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
    double sums[kLines];
    for (int64_t k = 0; k < count; ++k) sums[k] = sum_run<Itself, Level::kBytes>(exps + k * n, n);
    for (int64_t k = 0; k < count; ++k) sums[k] = log ? log_of_sum<T>(sums[k]) : 1.0 / sums[k];
    for (int64_t k = 0; k < count; ++k) {
      T* const line = out + k * n;
      const double sum = sums[k];
      if (log) {
        for (int64_t i = 0; i < n; ++i)
          line[i] = static_cast<T>(static_cast<double>(line[i]) - sum);
      } else {
        for (int64_t i = 0; i < n; ++i)
          line[i] = static_cast<T>(static_cast<double>(line[i]) * sum);
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
    T* const exps = space + count * n;
    for (int64_t i = 0; log && i < count * n; ++i) exps[i] = exp_of_shifted(results[i]);
    for (int64_t k = 0; k < count; ++k) {
      const T* const gk = grads + k * n;
      const T* const yk = results + k * n;
      T* const to = out + k * n;
      if (log) {
        const double sum = sum_run<Itself, Level::kBytes>(gk, n);
        for (int64_t i = 0; i < n; ++i)
          to[i] = static_cast<T>(static_cast<double>(gk[i]) -
                                 static_cast<double>(exps[k * n + i]) * sum);
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
