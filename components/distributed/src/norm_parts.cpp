// The jobs are those of core/kernels/norm/, where sums and maps follow each other at once.
#include "norm_parts.h"

#include <cmath>

#include "norma/core/kernels/norm/channel_jobs.h"

namespace norma::distributed {

using namespace kernels;

namespace {

template <class T, class Map>
void map_all(ChannelShape shape, const Map& map, const typename Map::MapValue* values) {
  if (has_planes(shape)) return map_all_planes<T>(Planes(shape), map, values);
  map_all_rows<T>(shape, map, values);
}

template <class T>
struct OwnMoments {
  using Sums = MomentSums<T>;
  using Map = Apply<T>;
  static constexpr int64_t kInputs = 1;

  Sums sums;
  Map map;
  ChannelShape shape;
  double* moments;

  bool needs_sums() const { return true; }
  bool needs_map() const { return false; }
  Group<T> group(int64_t c) const {
    return {sums.x + c * shape.length, shape.n, shape.length, shape.channels * shape.length};
  }
  void begin(int64_t first, int64_t channels, double* values, int64_t) const {
    for (int64_t c = 0; c < channels; ++c) {
      values[c] = static_cast<double>(near_mean(group(first + c)));
    }
  }
  void finish(int64_t first, int64_t channels, const double* shift, const double* both, T*,
              int64_t pitch) const {
    for (int64_t i = 0; i < channels; ++i) {
      const Moments<T> own =
          moments_from_sums(group(first + i), shift[i], both[i], both[pitch + i]);
      double* const to = moments + first + i;
      to[0] = static_cast<double>(own.shift);
      to[shape.channels] = own.rest;
      to[2 * shape.channels] = own.var;
    }
  }
};

template <class T, bool Relu>
struct OwnGradientSums {
  using Sums = GradientSums<T, Relu>;
  using Map = Gradient<T, T, Relu>;
  static constexpr int64_t kInputs = 2;

  Sums sums;
  Map map;
  ChannelShape shape;
  BatchNormStats stats;
  double* result;

  bool needs_sums() const { return true; }
  bool needs_map() const { return false; }
  void begin(int64_t first, int64_t channels, double* values, int64_t pitch) const {
    std::copy_n(stats.shift + first, channels, values);
    if constexpr (Relu) noted_lines(first, channels, stats, values + pitch, pitch);
  }
  void finish(int64_t first, int64_t channels, const double*, const double* both, T*,
              int64_t pitch) const {
    std::copy_n(both, channels, result + first);
    std::copy_n(both + pitch, channels, result + shape.channels + first);
  }
};

template <class T, class V, bool Relu>
void map_gradient(ChannelShape shape, const T* dy, const T* x, const T* weight,
                  BatchNormStats stats, double n, const double* sums, T* dx) {
  using Map = Gradient<T, V, Relu>;
  const int64_t channels = shape.channels;
  Scratch<V> values(Map::kMapValues * channels);
  gradient_lines<T, V>(0, channels, n, sums, weight, stats, nullptr, nullptr, values.data(),
                       channels);
  if constexpr (Relu) noted_lines(0, channels, stats, values.data() + 4 * channels, channels);
  map_all<T>(shape, Map{{dy, x}, dx, true}, values.data());
}

}  // namespace

template <class T>
void channel_moments(ChannelShape shape, const T* x, double* moments) {
  shape = joined(shape);
  pass<T>(shape, OwnMoments<T>{{x}, {x, nullptr, false}, shape, moments});
}

template <class T>
void join_moments(int64_t rows, int64_t channels, const double* moments, double n, double eps,
                  ChannelParams<T> params, RunningStats<T> running, BatchNormStats stats) {
  const int64_t width = 3 * channels + 1;
  const double* first = moments;  // of a rank that has values
  while (first[0] == 0.0) first += width;
  for (int64_t c = 0; c < channels; ++c) {
    // Means as differences from one of them: exact where a channel is constant.
    const double base = first[1 + c];
    const auto distance = [&](const double* row) {
      return (row[1 + c] - base) + row[1 + channels + c];
    };
    double mean = 0.0, var = 0.0;
    for (int64_t r = 0; r < rows; ++r) {
      const double* const row = moments + r * width;
      if (row[0] > 0.0) mean += row[0] * distance(row);
    }
    mean /= n;
    for (int64_t r = 0; r < rows; ++r) {
      const double* const row = moments + r * width;
      if (row[0] == 0.0) continue;
      const double away = distance(row) - mean;
      var += row[0] * (row[1 + 2 * channels + c] + away * away);
    }
    var /= n;
    const T shift = static_cast<T>(base + mean);
    const double rest = std::isfinite(mean) ? (base - static_cast<double>(shift)) + mean : 0.0;
    const Moments<T> all{shift, rest, var};
    update_running(running, c, n, all);
    note_line(c, all, eps, params, stats);
  }
}

template <class T>
void normalise_channels(ChannelShape shape, const T* x, BatchNormStats stats, bool relu, T* y) {
  shape = joined(shape);
  Scratch<T> values(3 * shape.channels);
  noted_lines(0, shape.channels, stats, values.data(), shape.channels);
  map_all<T>(shape, Apply<T>(x, y, relu), values.data());
}

template <class T>
void gradient_sums(ChannelShape shape, const T* dy, const T* x, BatchNormStats stats, bool relu,
                   double* sums) {
  shape = joined(shape);
  const auto run = [&]<bool Relu>() {
    pass<T>(shape,
            OwnGradientSums<T, Relu>{{{dy, x}}, {{dy, x}, nullptr, true}, shape, stats, sums});
  };
  return relu ? run.template operator()<true>() : run.template operator()<false>();
}

template <class T>
void parameter_gradients(int64_t channels, const double* sums, BatchNormStats stats, T* dweight,
                         T* dbias) {
  Scratch<T> unused(4 * channels);
  gradient_lines<T, T>(0, channels, 1.0, sums, nullptr, stats, dweight, dbias, unused.data(),
                       channels);
}

template <class T>
void input_gradient(ChannelShape shape, const T* dy, const T* x, const T* weight,
                    BatchNormStats stats, bool relu, double n, const double* sums, T* dx) {
  shape = joined(shape);
  const auto run = [&]<class V>() {
    return relu ? map_gradient<T, V, true>(shape, dy, x, weight, stats, n, sums, dx)
                : map_gradient<T, V, false>(shape, dy, x, weight, stats, n, sums, dx);
  };
  return needs_double(shape) ? run.template operator()<double>() : run.template operator()<T>();
}

#define NORMA_INSTANTIATE(T)                                                                       \
  template void channel_moments<T>(ChannelShape, const T*, double*);                               \
  template void join_moments<T>(int64_t, int64_t, const double*, double, double, ChannelParams<T>, \
                                RunningStats<T>, BatchNormStats);                                  \
  template void normalise_channels<T>(ChannelShape, const T*, BatchNormStats, bool, T*);           \
  template void gradient_sums<T>(ChannelShape, const T*, const T*, BatchNormStats, bool, double*); \
  template void parameter_gradients<T>(int64_t, const double*, BatchNormStats, T*, T*);            \
  template void input_gradient<T>(ChannelShape, const T*, const T*, const T*, BatchNormStats,      \
                                  bool, double, const double*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::distributed
