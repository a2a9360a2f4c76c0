// Fast gradients of batch normalisation; their plain twin is plain/batch_norm.h. The table of paths
// is in batch_norm.cpp.
#include "norma/core/kernels/norm/batch_norm.h"
#include "norma/core/kernels/norm/channel_jobs.h"
#include "norma/core/kernels/norm/pass.h"
#include "norma/core/kernels/plain/batch_norm.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

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
