#include "norma/core/kernels/norm.h"
#include "norma/core/kernels/norm_lanes.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

/// One group of one sample: `size` neighbours in memory, that is `channels` channels of `length`.
struct Group {
  Group(ChannelShape shape, int64_t groups, int64_t row)
      : channels(shape.channels / groups),
        length(shape.length),
        size(channels * length),
        offset(row * size),
        first_channel(row % groups * channels) {}

  /// The group as a whole, for its statistics.
  Block whole() const { return {offset, 1, size, size, 0, 1, size, 0}; }

  /// Calls `use(block)` for consecutive blocks of whole channels.
  template <class Use>
  NORMA_INLINE inline void each_block(Use use) const {
    const int64_t most = length >= kLanes ? 1 : kLanes / length;
    for (int64_t c = 0; c < channels; c += most) {
      const int64_t here = std::min(most, channels - c), width = here * length;
      use(Block{offset + c * length, 1, width, width, 0, here, length, first_channel + c});
    }
  }

  int64_t channels, length, size, offset, first_channel;
};

int64_t grain(ChannelShape shape, int64_t groups) {
  return std::max<int64_t>(1, kNormGrain / (shape.channels / groups * shape.length));
}

template <class T>
NORMA_INLINE inline void normalise_group(const Group& group, int64_t row, const T* x,
                                         ChannelParams<T> params, double eps, T* y,
                                         NormStats stats) {
  T shift[1][kLanes], spread_shift[1][kLanes];
  double rest[kLanes], var[kLanes];
  moments(group.whole(), x, shift, rest, var, spread_shift);
  const double invstd = inverse_deviation(var[0], eps);
  stats.shift[row] = static_cast<double>(shift[0][0]);
  stats.rest[row] = rest[0];
  stats.invstd[row] = invstd;
  const T k = shift[0][0];
  group.each_block([&](const Block& block) NORMA_INLINE {
    T line[2][kLanes], lanes[2][kLanes];
    for (int64_t c = 0; c < block.channels; ++c) {
      const int64_t channel = block.first_channel + c;
      const double w = params.weight ? static_cast<double>(params.weight[channel]) : 1.0;
      const double z = params.bias ? static_cast<double>(params.bias[channel]) : 0.0;
      line[0][c] = static_cast<T>(invstd * w);
      line[1][c] = static_cast<T>(z - rest[0] * invstd * w);
    }
    spread(block, line, lanes);
    walk_row(block.offset, block.offset + block.width, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];  // keeps x and y apart for the compiler
      for (int64_t l = 0; l < count; ++l) t[l] = (x[at + l] - k) * lanes[0][l] + lanes[1][l];
      for (int64_t l = 0; l < count; ++l) y[at + l] = t[l];
    });
  });
}

/// dx of one group, and for each of its channels Σ dy and Σ dy (x - mean) invstd in `sums`, which
/// holds two values per channel of the sample's group. In the precision of Sum.
template <class Sum, class T>
NORMA_INLINE inline void group_gradients(const Group& group, int64_t row, const T* dy, const T* x,
                                         const T* weight, NormStats stats, T* dx, double* sums) {
  const Sum k = static_cast<Sum>(stats.shift[row]);
  const double rest = stats.rest[row];
  const double invstd = stats.invstd[row];
  double sum = 0, product = 0;  // Σ dy w and Σ dy w (x - mean) over the group
  group.each_block([&](const Block& block) NORMA_INLINE {
    LaneSums<Sum> lane_sums;
    walk(
        block,
        [&](int64_t at, auto count) NORMA_INLINE {
          for (int64_t l = 0; l < count; ++l) {
            const Sum g = static_cast<Sum>(dy[at + l]);
            lane_sums.now[0][l] += g;
            lane_sums.now[1][l] += g * (static_cast<Sum>(x[at + l]) - k);
          }
        },
        [&]() NORMA_INLINE { lane_sums.flush(); });
    double of_channel[2][kLanes];
    gather(block, lane_sums.total, of_channel);
    double* out = sums + 2 * (block.first_channel - group.first_channel);
    for (int64_t c = 0; c < block.channels; ++c) {
      const double w = weight ? static_cast<double>(weight[block.first_channel + c]) : 1.0;
      const double centred = of_channel[1][c] - rest * of_channel[0][c];
      sum += w * of_channel[0][c];
      product += w * centred;
      out[2 * c] = of_channel[0][c];
      out[2 * c + 1] = centred * invstd;
    }
  });
  if (!dx) return;
  const double n = static_cast<double>(group.size);
  const double slope = -invstd * invstd * product / n;
  const Sum a = static_cast<Sum>(invstd), b = static_cast<Sum>(slope);
  const Sum d = static_cast<Sum>(-sum / n - slope * rest);
  group.each_block([&](const Block& block) NORMA_INLINE {
    Sum line[1][kLanes], lanes[1][kLanes];
    for (int64_t c = 0; c < block.channels; ++c) {
      line[0][c] = weight ? static_cast<Sum>(weight[block.first_channel + c]) : Sum(1);
    }
    spread(block, line, lanes);
    walk_row(block.offset, block.offset + block.width, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];
      for (int64_t l = 0; l < count; ++l) {
        const Sum centred = (static_cast<Sum>(x[at + l]) - k) * b + d;
        t[l] = static_cast<T>((static_cast<Sum>(dy[at + l]) * lanes[0][l] + centred) * a);
      }
      for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
    });
  });
}

}  // namespace

template <class T>
void group_norm(ChannelShape shape, int64_t groups, const T* x, ChannelParams<T> params, double eps,
                T* y, NormStats stats) {
  parallel_for(shape.n * groups, grain(shape, groups), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t row = begin; row < end; ++row) {
        normalise_group(Group(shape, groups, row), row, x, params, eps, y, stats);
      }
    });
  });
}

template <class T>
void group_norm_backward(ChannelShape shape, int64_t groups, const T* dy, const T* x,
                         const T* weight, NormStats stats, T* dx, T* dweight, T* dbias) {
  const Scratch<double> memory(2 * shape.n * shape.channels);
  double* sums = memory.data();
  parallel_for(shape.n * groups, grain(shape, groups), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t row = begin; row < end; ++row) {
        const Group group(shape, groups, row);
        double* const out = sums + 2 * row * group.channels;
        if (group.size <= kLanes) {
          group_gradients<double>(group, row, dy, x, weight, stats, dx, out);
        } else {
          group_gradients<T>(group, row, dy, x, weight, stats, dx, out);
        }
      }
    });
  });
  // Sample after sample, whatever thread each came from.
  for (int64_t c = 0; (dweight || dbias) && c < shape.channels; ++c) {
    double bias_sum = 0, weight_sum = 0;
    for (int64_t i = 0; i < shape.n; ++i) {
      bias_sum += sums[2 * (i * shape.channels + c)];
      weight_sum += sums[2 * (i * shape.channels + c) + 1];
    }
    if (dbias) dbias[c] = static_cast<T>(bias_sum);
    if (dweight) dweight[c] = static_cast<T>(weight_sum);
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
