// Fast layer and group normalisation; its plain twin is plain/norm.h. A row is the part of a sample
// that shares a mean; all in double, x̂ = (x - mean) invstd. Shape [n, channels, length] → path:
//
//     length = 1   a row is one run of elements with weights of their own, whose gradients are
//                  sums of columns (column_gradients); layer_norm has one group
//     length > 1   a row is channels / groups runs of `length` elements with one weight each,
//                  whose gradients are sums of runs
//
// Sums of runs of less than kLanes elements take no vectors (sum_all).
#include "norma/core/kernels/norm/group_norm.h"

#include "norma/core/integers.h"
#include "norma/core/kernels/norm/moments.h"
#include "norma/core/kernels/plain/norm.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

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

/// The weights or biases of elements: their own from element `base` on, or null for the run's.
template <class T>
struct OwnWeights {
  const T* values;
  int64_t base;

  OwnWeights(const NormRows& rows, const T* of_channels, int64_t row)
      : values(rows.own_weights() ? of_channels : nullptr),
        base(row * rows.size - rows.first_channel(row)) {}

  template <int N, class Wide>
  NORMA_INLINE void get(int64_t at, const Wide& of_run, Wide& wide) const {
    wide = of_run;
    if (values) load<N>(values + (at - base), wide);
  }
};

/// y = x̂ weight + bias. Values: shift, rest, invstd, and weight and bias of the run.
template <class T>
struct Normalise {
  using MapValue = double;
  static constexpr int kMapValues = 5;
  const T* x;
  T* y;
  OwnWeights<T> weight, bias;

  template <int N>
  NORMA_INLINE void map(const Elements<double, N> (&v)[5], int64_t at) const {
    Elements<double, N> value, w, b;
    load<N>(x + at, value);
    weight.template get<N>(at, v[3], w);
    bias.template get<N>(at, v[4], b);
    store<N>((value - v[0] - v[1]) * v[2] * w + b, y + at);
  }
};

/// An x̂ and its gradient, but for the weight of a run. Values: shift, rest, invstd.
template <class T>
struct Incoming {
  const T *dy, *x;
  OwnWeights<T> weight;

  template <int N, class Wide>
  NORMA_INLINE void read(const Wide* v, int64_t at, Wide& g, Wide& hat) const {
    load<N>(dy + at, g);
    load<N>(x + at, hat);
    hat = (hat - v[0] - v[1]) * v[2];
    if (!weight.values) return;
    Wide own;
    weight.template get<N>(at, g, own);
    g *= own;
  }
};

/// Σ g and Σ g x̂.
template <class T>
struct GradientSums : Incoming<T> {
  static constexpr int kSumValues = 3;

  template <int N>
  NORMA_INLINE void add(const Elements<double, N> (&v)[3], int64_t at, Elements<double, N>& sum,
                        Elements<double, N>& product) const {
    Elements<double, N> g, hat;
    this->template read<N>(v, at, g, hat);
    sum += g;
    product += g * hat;
  }
};

/// dx = (g - mean of g - x̂ mean of g x̂) invstd. Values: those of Incoming, both means, and the
/// weight of the run.
template <class T>
struct Gradient : Incoming<T> {
  using MapValue = double;
  static constexpr int kMapValues = 6;
  T* dx;

  template <int N>
  NORMA_INLINE void map(const Elements<double, N> (&v)[6], int64_t at) const {
    Elements<double, N> g, hat;
    this->template read<N>(v, at, g, hat);
    g = (g * v[5] - v[3] - hat * v[4]) * v[2];
    store<N>(g, dx + at);
  }
};

ForAll<double, 3> of_row(NormStats stats, int64_t row) {
  return {stats.shift + row, stats.rest - stats.shift};
}

/// Adds kLanes columns of rows [first, end) of one group to their lanes' sums.
template <int Bytes, class T>
NORMA_INLINE inline void sum_columns(const NormRows& rows, const GradientSums<T>& job,
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
    const GradientSums<T> job{{dy, x, OwnWeights<T>(rows, nullptr, group)}};
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
        double v[5] = {stats.shift[row], stats.rest[row], stats.invstd[row]};
        for (int64_t at = 0; at < rows.size; at += rows.run) {
          v[3] = rows.of_run(params.weight, row, at, 1.0);
          v[4] = rows.of_run(params.bias, row, at, 0.0);
          map_run<Level::kBytes>(job, ForAll<double, 5>{v, 1}, row * rows.size + at, rows.run, 1,
                                 0);
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
  parallel_for(rows.count(), rows_grain(kNormGrain, rows.size), [&](int64_t begin, int64_t end) {
    for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
      for (int64_t row = begin; row < end && (dx || !rows.own_weights()); ++row) {
        const Incoming<T> incoming{dy, x, {rows, weight, row}};
        const int64_t start = row * rows.size;
        double sum = 0.0, product = 0.0;
        for (int64_t at = 0; at < rows.size; at += rows.run) {
          double sums[2];
          sum_all<Level::kBytes>(GradientSums<T>{incoming}, of_row(stats, row), start + at,
                                 rows.run, sums);
          const double w = rows.of_run(weight, row, at, 1.0);
          sum += w * sums[0];
          product += w * sums[1];
          if (!rows.own_weights())
            std::copy_n(sums, 2, of_channels + 2 * ((start + at) / rows.run));
        }
        const double n = static_cast<double>(rows.size);
        double v[6] = {stats.shift[row], stats.rest[row], stats.invstd[row], sum / n, product / n};
        for (int64_t at = 0; dx && at < rows.size; at += rows.run) {
          v[5] = rows.of_run(weight, row, at, 1.0);
          map_run<Level::kBytes>(Gradient<T>{incoming, dx}, ForAll<double, 6>{v, 1}, start + at,
                                 rows.run, 1, 0);
        }
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
