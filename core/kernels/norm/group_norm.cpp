// Fast layer and group normalisation; its plain twin is plain/norm.h. A row is the part of a sample
// that shares a mean, x̂ = (x - mean) invstd; sums in double. Shape [n, channels, length] → path:
//
//     length = 1   a row is one run of elements with weights of their own, whose gradients are
//                  sums of columns (column_gradients); layer_norm has one group
//     length > 1   a row is channels / groups runs of `length` elements with one weight each,
//                  whose gradients are sums of runs
//
// Sums of runs of less than kLanes elements take no vectors (sum_all). In rows of at most kFew the
// terms of dx nearly cancel; computed in double.
#include "norma/core/kernels/norm/group_norm.h"

#include "norma/core/integers.h"
#include "norma/core/kernels/norm/channel_math.h"
#include "norma/core/kernels/plain/norm.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kFew = 32;

struct NormRows {
  ChannelShape shape;
  int64_t groups, channels, size, run;

  NormRows(ChannelShape s, int64_t count)
      : shape(s),
        groups(count),
        channels(s.channels / count),
        size(channels * s.length),
        run(s.length == 1 ? size : s.length) {}

  bool own_weights() const { return shape.length == 1; }
  int64_t count() const { return shape.n * groups; }
  int64_t first_channel(int64_t row) const { return groups == 1 ? 0 : row % groups * channels; }
  /// The value of a run's channel, for runs that have one.
  template <class T>
  double of_run(const T* values, int64_t row, int64_t at, double otherwise) const {
    if (!values || own_weights()) return otherwise;
    return static_cast<double>(values[first_channel(row) + at / shape.length]);
  }
};

/// The weights or biases of elements, from element `base` on; null where they have none of their
/// own.
template <class T>
struct OwnWeights {
  const T* values;
  int64_t base;

  OwnWeights(const NormRows& rows, const T* of_channels, int64_t row)
      : values(rows.own_weights() ? of_channels : nullptr),
        base(row * rows.size - rows.first_channel(row)) {}

  /// x = x weight.
  template <int N, class X>
  NORMA_INLINE void multiply(int64_t at, X& x) const {
    X own;
    if (!values) return;
    load<N>(values + (at - base), own);
    x *= own;
  }
};

/// y = x̂ weight + bias. Values: the line of x̂, or of y where a run has one weight.
template <class T>
struct Normalise {
  using MapValue = T;
  static constexpr int kMapValues = 3;
  const T* x;
  T* y;
  OwnWeights<T> weight, bias;

  template <int N>
  NORMA_INLINE void map(const Elements<T, N> (&v)[3], int64_t at) const {
    Elements<T, N> value, own;
    load<N>(x + at, value);
    apply_line(v[0], v[1], v[2], value);
    weight.template multiply<N>(at, value);
    if (bias.values) {
      load<N>(bias.values + (at - bias.base), own);
      value += own;
    }
    store<N>(value, y + at);
  }
};

/// Σ g and Σ g (x - shift), g being dy weight, but for the weight of a run. Values: shift.
template <class T>
struct RowSums {
  static constexpr int kSumValues = 1;
  const T *dy, *x;
  OwnWeights<T> weight;

  template <int N>
  NORMA_INLINE void add(const Elements<double, N> (&v)[1], int64_t at, Elements<double, N>& sum,
                        Elements<double, N>& product) const {
    Elements<double, N> g, value;
    load<N>(dy + at, g);
    load<N>(x + at, value);
    weight.template multiply<N>(at, g);
    sum += g;
    product += g * (value - v[0]);
  }
};

/// Σ dy and Σ dy x̂. Values: shift, rest, invstd.
template <class T>
struct ColumnSums {
  static constexpr int kSumValues = 3;
  const T *dy, *x;

  template <int N>
  NORMA_INLINE void add(const Elements<double, N> (&v)[3], int64_t at, Elements<double, N>& sum,
                        Elements<double, N>& product) const {
    Elements<double, N> g, value;
    load<N>(dy + at, g);
    load<N>(x + at, value);
    sum += g;
    product += g * ((value - v[0] - v[1]) * v[2]);
  }
};

/// dx = (g - mean of g - x̂ mean of g x̂) invstd = (x - shift) slope + constant + factor g, in V.
/// Values: these, the factor in two parts, with the weight of the run in it.
template <class T, class V>
struct Gradient : RowSums<T> {
  using MapValue = V;
  static constexpr int kMapValues = 5;
  T* dx;

  template <int N>
  NORMA_INLINE void map(const Elements<V, N> (&v)[5], int64_t at) const {
    Elements<V, N> g, value;
    load<N>(this->dy + at, g);
    load<N>(this->x + at, value);
    this->weight.template multiply<N>(at, g);
    value = (value - v[0]) * v[1] + v[2];
    value += g * v[4];
    store<N>(g * v[3] + value, dx + at);
  }
};

ForAll<double, 3> of_row(NormStats stats, int64_t row) {
  return {stats.shift + row, stats.rest - stats.shift};
}

/// Adds kLanes columns of rows [first, end) of one group to their lanes' sums.
template <int Bytes, class T>
NORMA_INLINE inline void sum_columns(const NormRows& rows, const ColumnSums<T>& job,
                                     NormStats stats, int64_t first, int64_t end, int64_t column,
                                     LaneSums& sums) {
  constexpr int N = Bytes / static_cast<int>(sizeof(double)), kRegisters = int{kLanes} / N;
  Elements<double, N> total[2][kRegisters], v[3];
  for (int j = 0; j < 2; ++j) {
    for (int k = 0; k < kRegisters; ++k) load<N>(sums[j] + k * N, total[j][k]);
  }
  for (int64_t row = first; row < end; row += rows.groups) {
    of_row(stats, row).template get<N>(0, v);
#pragma GCC unroll 8
    for (int k = 0; k < kRegisters; ++k)
      job.template add<N>(v, row * rows.size + column + k * N, total[0][k], total[1][k]);
  }
  for (int j = 0; j < 2; ++j) {
    for (int k = 0; k < kRegisters; ++k) store<N>(total[j][k], sums[j] + k * N);
  }
}

/// The gradients of weight and bias where elements have their own: columns of all samples' rows.
template <class T>
void column_gradients(const NormRows& all, const T* dy, const T* x, NormStats stats, T* dweight,
                      T* dbias) {
  constexpr int64_t kBlock = 4 * kLanes, kRows = 32;  // columns and rows that stay in the cache
  const NormRows rows = all;
  const int64_t blocks = ceil_div(rows.size, kBlock);
  const auto block = [=]<class Level>(int64_t group, int64_t from) NORMA_INLINE {
    const int64_t count = std::min(kBlock, rows.size - from), whole = count / kLanes * kLanes;
    LaneSums sums[kBlock / kLanes] = {};
    const int64_t step = rows.groups;
    const ColumnSums<T> job{dy, x};
    for (int64_t first = group; first < rows.count(); first += kRows * step) {
      const int64_t end = std::min(rows.count(), first + kRows * step);
      for (int64_t l = 0; l < whole; l += kLanes)
        sum_columns<Level::kBytes>(rows, job, stats, first, end, from + l, sums[l / kLanes]);
      for (int64_t row = first; whole < count && row < end; row += step) {
        sum_rest(job, of_row(stats, row), 0, row * rows.size + from + whole, count - whole,
                 sums[whole / kLanes]);
      }
    }
    for (int64_t l = 0, c = group * rows.size + from; l < count; ++l, ++c) {
      if (dbias) dbias[c] = static_cast<T>(sums[l / kLanes][0][l % kLanes]);
      if (dweight) dweight[c] = static_cast<T>(sums[l / kLanes][1][l % kLanes]);
    }
  };
  parallel_for(rows.groups * blocks, rows_grain(kNormGrain, rows.shape.n * kBlock),
               [&](int64_t begin, int64_t end) {
                 for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
                   for (int64_t i = begin; i < end; ++i) {
                     block.template operator()<Level>(i / blocks, i % blocks * kBlock);
                   }
                 });
               });
}

}  // namespace

template <class T>
void group_norm(ChannelShape shape, int64_t groups, const T* x, ChannelParams<T> params, double eps,
                T* y, NormStats stats) {
  if (plain_kernels()) return plain::group_norm(shape, groups, x, params, eps, y, stats);
  const NormRows rows(shape, groups);
  parallel_for(rows.count(), rows_grain(kNormGrain, rows.size), [&](int64_t begin, int64_t end) {
    for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
      for (int64_t row = begin; row < end; ++row) {
        const Group<T> group{x + row * rows.size, 1, rows.size, rows.size};
        double from = static_cast<double>(near_mean(group)), sums[2];
        sum_all<Level::kBytes>(MomentSums<T>{group.x}, ForAll<double, 1>{&from, 1}, 0, rows.size,
                               sums);
        const Moments<T> moments = moments_from_sums(group, from, sums[0], sums[1]);
        stats.shift[row] = static_cast<double>(moments.shift);
        stats.rest[row] = moments.rest;
        stats.invstd[row] = inverse_deviation(moments.var, eps);
        const Normalise<T> job{x, y, {rows, params.weight, row}, {rows, params.bias, row}};
        for (int64_t at = 0; at < rows.size; at += rows.run) {
          const ChannelLine<T> line(moments, stats.invstd[row],
                                    rows.of_run(params.weight, row, at, 1.0),
                                    rows.of_run(params.bias, row, at, 0.0));
          const T v[3] = {line.base, line.scale, line.offset};
          map_run<Level::kBytes>(job, ForAll<T, 3>{v, 1}, row * rows.size + at, rows.run, 1, 0);
        }
      }
    });
  });
}

template <class T>
void group_norm_backward(ChannelShape shape, int64_t groups, const T* dy, const T* x,
                         const T* weight, NormStats stats, T* dx, T* dweight, T* dbias) {
  if (plain_kernels()) {
    return plain::group_norm_backward(shape, groups, dy, x, weight, stats, dx, dweight, dbias);
  }
  const NormRows rows(shape, groups);
  Scratch<double> memory(rows.own_weights() ? 0 : 2 * shape.n * shape.channels);
  double* const of_channels = memory.data();
  const auto row_gradients = [=]<class Level, class V>(int64_t row) NORMA_INLINE {
    const RowSums<T> job{dy, x, {rows, weight, row}};
    const int64_t start = row * rows.size;
    const double rest = stats.rest[row], invstd = stats.invstd[row];
    double sum = 0.0, product = 0.0;
    for (int64_t at = 0; at < rows.size; at += rows.run) {
      double sums[2];
      sum_all<Level::kBytes>(job, ForAll<double, 1>{stats.shift + row, 1}, start + at, rows.run,
                             sums);
      sums[1] = (sums[1] - rest * sums[0]) * invstd;
      const double w = rows.of_run(weight, row, at, 1.0);
      sum += w * sums[0];
      product += w * sums[1];
      if (!rows.own_weights()) std::copy_n(sums, 2, of_channels + 2 * ((start + at) / rows.run));
    }
    const double n = static_cast<double>(rows.size), slope = -invstd * invstd * (product / n);
    V v[5] = {static_cast<V>(stats.shift[row]), static_cast<V>(slope),
              static_cast<V>(-invstd * (sum / n) - rest * slope)};
    for (int64_t at = 0; dx && at < rows.size; at += rows.run) {
      const double factor = invstd * rows.of_run(weight, row, at, 1.0);
      v[3] = static_cast<V>(factor);
      v[4] = static_cast<V>(factor - static_cast<double>(v[3]));
      map_run<Level::kBytes>(Gradient<T, V>{job, dx}, ForAll<V, 5>{v, 1}, start + at, rows.run, 1,
                             0);
    }
  };
  parallel_for(rows.count(), rows_grain(kNormGrain, rows.size), [&](int64_t begin, int64_t end) {
    for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
      for (int64_t row = begin; row < end && (dx || !rows.own_weights()); ++row) {
        // A float does not hold the square of every deviation.
        const double invstd = stats.invstd[row];
        const bool wide = rows.size <= kFew || !(invstd > 1e-9 && invstd < 1e9);
        if (wide) row_gradients.template operator()<Level, double>(row);
        if (!wide) row_gradients.template operator()<Level, T>(row);
      }
    });
  });
  if (!dweight && !dbias) return;
  if (rows.own_weights()) return column_gradients(rows, dy, x, stats, dweight, dbias);
  // Sample after sample, whatever thread each came from.
  for (int64_t c = 0; c < shape.channels; ++c) {
    double sums[2] = {0.0, 0.0};
    for (int64_t i = 0; i < shape.n; ++i) {
      for (int j = 0; j < 2; ++j) sums[j] += of_channels[2 * (i * shape.channels + c) + j];
    }
    if (dbias) dbias[c] = static_cast<T>(sums[0]);
    if (dweight) dweight[c] = static_cast<T>(sums[1]);
  }
}

#define NORMA_INSTANTIATE(T)                                                                 \
  template void group_norm<T>(ChannelShape, int64_t, const T*, ChannelParams<T>, double, T*, \
                              NormStats);                                                    \
  template void group_norm_backward<T>(ChannelShape, int64_t, const T*, const T*, const T*,  \
                                       NormStats, T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
