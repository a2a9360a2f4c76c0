// Fast batch normalisation; its plain twin is plain/batch_norm.h. Shape [n, channels, length] and
// path:
//
//     length >= 32, statistics given      map_all_planes  in the order of memory
//     length >= 32, statistics of x       pass_planes     channel by channel while a channel's
//                                                         values stay cached (pass_alone), else in
//                                                         the order of memory (pass_shared)
//     length < 32, statistics given       map_all_rows    whole rows of channels * length
//     length < 32, statistics of x        pass_lanes      blocks of up to 64 / length channels
//
// One channel counts as a single plane of n * length. Backward takes the paths of statistics of x,
// whichever it has: in double where few values share the sums. A pass is a job: sums over the
// values of each channel, then a map. Forward is one, below; Backward another, in
// batch_norm_backward.cpp.
#include "norma/core/kernels/norm/batch_norm.h"

#include "norma/core/kernels/norm/channel_jobs.h"
#include "norma/core/kernels/norm/pass.h"
#include "norma/core/kernels/plain/batch_norm.h"
#include "norma/core/simd.h"

namespace norma::kernels {
namespace {

template <class T>
struct Forward {
  using Sums = MomentSums<T>;
  using Map = Apply<T>;
  static constexpr int64_t kInputs = 1;

  Sums sums;
  Map map;
  ChannelShape shape;
  ChannelParams<T> params;
  double eps;
  RunningStats<T> running;
  BatchNormStats stats;

  bool needs_sums() const { return true; }
  bool needs_map() const { return true; }
  Group<T> group(int64_t c) const {
    return {sums.x + c * shape.length, shape.n, shape.length, shape.channels * shape.length};
  }
  __attribute__((noinline)) void begin(int64_t first, int64_t channels, double* values,
                                       int64_t) const {
    for (int64_t c = 0; c < channels; ++c) {
      values[c] = static_cast<double>(near_mean(group(first + c)));
    }
  }
  __attribute__((noinline)) void finish(int64_t first, int64_t channels, const double* shift,
                                        const double* both, T* values, int64_t pitch) const {
    for (int64_t c = 0; c < channels; ++c) {
      const Group<T> own = group(first + c);
      const Moments<T> moments = moments_from_sums(own, shift[c], both[c], both[pitch + c]);
      update_running(running, first + c, own.count(), moments);
      note_line(first + c, moments, eps, params, stats);
    }
    noted_lines(first, channels, stats, values, pitch);
  }
};

}  // namespace

template <class T>
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, bool relu, T* y, BatchNormStats stats) {
  if (plain_kernels()) {
    return plain::batch_norm_train(shape, x, params, eps, running, relu, y, stats);
  }
  shape = joined(shape);
  pass<T>(shape, Forward<T>{{x}, {x, y, relu}, shape, params, eps, running, stats});
}

template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* var, bool relu, T* y, BatchNormStats stats) {
  if (plain_kernels()) {
    return plain::batch_norm_eval(shape, x, params, eps, mean, var, relu, y, stats);
  }
  shape = joined(shape);
  Scratch<T> values(3 * shape.channels);
  for (int64_t c = 0; c < shape.channels; ++c) {
    note_line(c, Moments<T>{mean[c], 0.0, static_cast<double>(var[c])}, eps, params, stats);
  }
  noted_lines(0, shape.channels, stats, values.data(), shape.channels);
  const Apply<T> apply(x, y, relu);
  if (has_planes(shape)) return map_all_planes<T>(Planes(shape), apply, values.data());
  map_all_rows<T>(shape, apply, values.data());
}

#define NORMA_INSTANTIATE(T)                                                                   \
  template void batch_norm_train<T>(ChannelShape, const T*, ChannelParams<T>, double,          \
                                    RunningStats<T>, bool, T*, BatchNormStats);                \
  template void batch_norm_eval<T>(ChannelShape, const T*, ChannelParams<T>, double, const T*, \
                                   const T*, bool, T*, BatchNormStats);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
