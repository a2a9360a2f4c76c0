// The formulas of batch normalisation: what is made of the sums of one channel, and what each
// element is put through.
#pragma once
#include "norma/core/kernels/norm/moments.h"
#include "norma/core/kernels/norm_stats.h"

namespace norma::kernels {

/// y = (x - base) scale + offset. Forward and backward must round alike, or a ReLU's sign could
/// differ; hence one function, always inlined.
template <class V>
NORMA_INLINE inline void apply_line(const V& base, const V& scale, const V& offset, V& x) {
  x = (x - base) * scale + offset;
}

/// ReLU as Tensor::relu() has it: NaN passes. A floor of NaN leaves everything as it is.
template <class V>
NORMA_INLINE inline void keep_above(const V& floor, V& y) {
  y = y < floor ? floor : y;
}
/// Its gradient: `g` where the result is positive.
template <class V>
NORMA_INLINE inline void keep_where_positive(const V& y, V& g) {
  if constexpr (std::is_arithmetic_v<V>) {
    const V either[] = {g, V{}};  // no branch, which would be taken every other time
    g = either[y <= V{}];
  } else {
    g = y <= V{} ? V{} : g;
  }
}

/// The line of elements that share a mean, of weight w and bias z.
///
/// It starts from the shift, or from 0: subtracting the shift rounds x, which costs more than a
/// mean within the deviation does. Constant groups keep it and come out exact.
template <class T>
struct ChannelLine {
  T base, scale, offset;
  ChannelLine(const Moments<T>& moments, double invstd, double w, double z) {
    const double mean = moments.mean();
    const bool from_zero = mean * mean < moments.var;
    base = from_zero ? T(0) : moments.shift;
    scale = static_cast<T>(invstd * w);
    offset = static_cast<T>(z - (from_zero ? mean : moments.rest) * invstd * w);
  }
};

/// Notes the statistics of channel `c` and its line.
template <class T>
inline void note_line(int64_t c, const Moments<T>& moments, double eps, ChannelParams<T> params,
                      BatchNormStats stats) {
  const double w = params.weight ? static_cast<double>(params.weight[c]) : 1.0;
  const double z = params.bias ? static_cast<double>(params.bias[c]) : 0.0;
  const double invstd = inverse_deviation(moments.var, eps);
  const ChannelLine<T> line(moments, invstd, w, z);
  stats.shift[c] = static_cast<double>(moments.shift);
  stats.rest[c] = moments.rest;
  stats.invstd[c] = invstd;
  stats.base[c] = static_cast<double>(line.base);
  stats.scale[c] = static_cast<double>(line.scale);
  stats.offset[c] = static_cast<double>(line.offset);
}

/// The lines that `note_line` noted: bases, scales and offsets, `pitch` apart.
template <class V>
__attribute__((noinline)) void noted_lines(int64_t first, int64_t channels, BatchNormStats stats,
                                           V* values, int64_t pitch) {
  for (const double* from : {stats.base, stats.scale, stats.offset}) {
    std::copy_n(from + first, channels, values);
    values += pitch;
  }
}

/// Takes the mean and the biased variance of n values in.
template <class T>
inline void update_running(RunningStats<T> running, int64_t c, double n,
                           const Moments<T>& moments) {
  if (!running.mean) return;
  const double m = running.momentum, unbiased = moments.var * (n / (n - 1.0));
  running.mean[c] =
      static_cast<T>((1.0 - m) * static_cast<double>(running.mean[c]) + m * moments.mean());
  running.var[c] = static_cast<T>((1.0 - m) * static_cast<double>(running.var[c]) + m * unbiased);
}

/// Of dx = (dy + (x - shift) slope + constant) factor the shift, slope, constant and factor of each
/// channel, `pitch` apart, from Σ dy and, `pitch` behind, Σ dy (x - shift) of n values. Notes the
/// gradients of weight and bias where wanted.
template <class T, class V>
__attribute__((noinline)) void gradient_lines(int64_t first, int64_t channels, double n,
                                              const double* sums, const T* weight,
                                              BatchNormStats stats, T* dweight, T* dbias, V* lines,
                                              int64_t pitch) {
  const double inv_n = 1.0 / n;
  for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
    constexpr int kCount = Level::kBytes / static_cast<int>(sizeof(double));
    in_vectors<kCount>(channels, [=]<int N>(int64_t i) NORMA_INLINE {
      const int64_t c = first + i;
      Elements<double, N> sum, centred, shift, rest, invstd, factor;
      load<N>(sums + i, sum);
      load<N>(sums + pitch + i, centred);
      load<N>(stats.shift + c, shift);
      load<N>(stats.rest + c, rest);
      load<N>(stats.invstd + c, invstd);
      fill<N>(1.0, factor);
      if (weight) load<N>(weight + c, factor);
      centred -= rest * sum;  // Σ dy (x - mean)
      if (dweight) store<N>(centred * invstd, dweight + c);
      if (dbias) store<N>(sum, dbias + c);
      // dy minus its mean and its projection on x̂ (the usual two terms). Scaled at the very
      // end, so that the factor's rounding cannot outweigh a small remainder.
      centred *= invstd * invstd;
      store<N>(shift, lines + i);
      store<N>(centred * -inv_n, lines + pitch + i);
      store<N>((centred * rest - sum) * inv_n, lines + 2 * pitch + i);
      store<N>(factor * invstd, lines + 3 * pitch + i);
    });
  });
}

}  // namespace norma::kernels
