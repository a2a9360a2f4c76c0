// Fast gradients of batch normalisation; their plain twin is plain/batch_norm.h. The table of paths
// is in batch_norm.cpp.
#include "norma/core/kernels/norm/batch_norm.h"
#include "norma/core/kernels/norm/channel_math.h"
#include "norma/core/kernels/norm/pass.h"
#include "norma/core/kernels/plain/batch_norm.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

/// With few values the terms of dx nearly cancel; computed in double.
bool needs_double(ChannelShape shape) {
  const int64_t width = std::max(shape.length, std::min(shape.channels * shape.length, kMostLanes));
  return shape.n * width <= 1024;
}

/// x, and what of dy passes the ReLU. Values: base, scale and offset of the line.
template <class T, bool Relu>
struct Incoming {
  const T *dy, *x;

  template <int N, class X>
  NORMA_INLINE void read(const X* line, int64_t at, X& value, X& g) const {
    load<N>(x + at, value);
    load<N>(dy + at, g);
    if constexpr (Relu) {
      Elements<T, N> base, scale, offset, y, passed;
      load<N>(x + at, y);
      load<N>(dy + at, passed);
      convert<N>(line[0], base);
      convert<N>(line[1], scale);
      convert<N>(line[2], offset);
      apply_line(base, scale, offset, y);
      keep_where_positive(y, passed);
      convert<N>(passed, g);
    }
  }
};

/// Σ dy and Σ dy (x - shift). Values: shift, and the line.
template <class T, bool Relu>
struct GradientSums : Incoming<T, Relu> {
  static constexpr int kSumValues = Relu ? 4 : 1;

  template <int N>
  NORMA_INLINE void add(const Elements<double, N> (&v)[kSumValues], int64_t at,
                        Elements<double, N>& sum, Elements<double, N>& product) const {
    Elements<double, N> value, g;
    this->template read<N>(v + 1, at, value, g);
    sum += g;
    product += g * (value - v[0]);
  }
};

/// dx = (dy + (x - shift) slope + constant) factor, in V. Values: these four, and the line.
template <class T, class V, bool Relu>
struct Gradient : Incoming<T, Relu> {
  using MapValue = V;
  static constexpr int kMapValues = Relu ? 7 : 4;
  T* dx;
  bool batch_stats;

  template <int N>
  NORMA_INLINE void map(const Elements<V, N> (&v)[kMapValues], int64_t at) const {
    Elements<V, N> value, g;
    this->template read<N>(v + 4, at, value, g);
    if (batch_stats) g += (value - v[0]) * v[1] + v[2];
    store<N>(g * v[3], dx + at);
  }
};

template <class T, class V, bool Relu>
struct Backward {
  using Sums = GradientSums<T, Relu>;
  using Map = Gradient<T, V, Relu>;
  static constexpr int64_t kInputs = 2;

  Sums sums;
  Map map;
  int64_t count;
  const T* weight;
  BatchNormStats stats;
  T *dweight, *dbias;

  bool needs_sums() const { return map.batch_stats || dweight || dbias; }
  bool needs_map() const { return map.dx != nullptr; }
  void begin(int64_t first, int64_t channels, double* values, int64_t pitch) const {
    std::copy_n(stats.shift + first, channels, values);
    if constexpr (Relu) noted_lines(first, channels, stats, values + pitch, pitch);
  }
  void finish(int64_t first, int64_t channels, const double*, const double* both, V* values,
              int64_t pitch) const {
    const double n = static_cast<double>(count);
    gradient_lines(first, channels, n, both, weight, stats, dweight, dbias, values, pitch);
    if constexpr (Relu) noted_lines(first, channels, stats, values + 4 * pitch, pitch);
  }
};

}  // namespace

template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         BatchNormStats stats, bool batch_stats, bool relu, T* dx, T* dweight,
                         T* dbias) {
  if (plain_kernels()) {
    return plain::batch_norm_backward(shape, dy, x, weight, stats, batch_stats, relu, dx, dweight,
                                      dbias);
  }
  shape = joined(shape);
  const auto run = [&]<class V, bool Relu>() {
    pass<T>(shape, Backward<T, V, Relu>{{{dy, x}},
                                        {{dy, x}, dx, batch_stats},
                                        shape.n * shape.length,
                                        weight,
                                        stats,
                                        dweight,
                                        dbias});
  };
  if (needs_double(shape)) {
    if (relu) return run.template operator()<double, true>();
    return run.template operator()<double, false>();
  }
  if (relu) return run.template operator()<T, true>();
  run.template operator()<T, false>();
}

#define NORMA_INSTANTIATE(T)                                                                       \
  template void batch_norm_backward<T>(ChannelShape, const T*, const T*, const T*, BatchNormStats, \
                                       bool, bool, T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
