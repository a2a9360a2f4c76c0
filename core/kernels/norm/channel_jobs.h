// What the passes of batch normalisation do with each element; who uses them says which channels'
// values they get. Part of batch_norm.cpp and batch_norm_backward.cpp, and of those who have the
// sums from elsewhere.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

#include "norma/core/kernels/norm/channel_math.h"
#include "norma/core/kernels/norm/pass.h"

namespace norma::kernels {

/// y = the line of x, and what lies below the floor becomes the floor. Values: base, scale, offset.
template <class T>
struct Apply {
  using MapValue = T;
  static constexpr int kMapValues = 3;
  const T* x;
  T *y, floor;

  Apply(const T* from, T* to, bool relu)
      : x(from), y(to), floor(relu ? T(0) : std::numeric_limits<T>::quiet_NaN()) {}

  template <int N>
  NORMA_INLINE void map(const Elements<T, N> (&v)[3], int64_t at) const {
    Elements<T, N> value, least;
    load<N>(x + at, value);
    fill<N>(floor, least);
    apply_line(v[0], v[1], v[2], value);
    keep_above(least, value);
    store<N>(value, y + at);
  }
};

/// With few values the terms of dx nearly cancel; computed in double.
inline bool needs_double(ChannelShape shape) {
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

}  // namespace norma::kernels
