#include "norma/core/kernels/norm/group_norm.h"

#include "norma/core/kernels/norm/blocks.h"
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
  T shift[1][kLanes];
  double rest[kLanes], var[kLanes];
  moments(group.whole(), x, shift, rest, var);
  stats.shift[row] = static_cast<double>(shift[0][0]);
  stats.rest[row] = rest[0];
  stats.invstd[row] = inverse_deviation(var[0], eps);
  const Standard standard(stats, row);
  group.each_block([&](const Block& block) NORMA_INLINE {
    double line[2][kLanes], lanes[2][kLanes];
    for (int64_t c = 0; c < block.channels; ++c) {
      const int64_t channel = block.first_channel + c;
      line[0][c] = params.weight ? static_cast<double>(params.weight[channel]) : 1.0;
      line[1][c] = params.bias ? static_cast<double>(params.bias[channel]) : 0.0;
    }
    spread(block, line, lanes);
    walk(block, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];  // keeps x and y apart for the compiler
      for (int64_t l = 0; l < count; ++l) {
        t[l] = static_cast<T>(standard(x[at + l]) * lanes[0][l] + lanes[1][l]);
      }
      for (int64_t l = 0; l < count; ++l) y[at + l] = t[l];
    });
  });
}

/// dx of one group, and for each of its channels Σ dy and Σ dy (x - mean) invstd in `sums`, which
/// holds two values per channel of the sample's group.
template <class T>
NORMA_INLINE inline void group_gradients(const Group& group, int64_t row, const T* dy, const T* x,
                                         const T* weight, NormStats stats, T* dx, double* sums) {
  const Standard standard(stats, row);
  double sum = 0, product = 0;  // Σ dy w and Σ dy w (x - mean) invstd over the group
  group.each_block([&](const Block& block) NORMA_INLINE {
    double of_channel[2][kLanes];
    sum_pairs(
        block,
        [&](int64_t i, int64_t, double& a, double& b) NORMA_INLINE {
          a = static_cast<double>(dy[i]);
          b = a * standard(x[i]);
        },
        of_channel);
    double* out = sums + 2 * (block.first_channel - group.first_channel);
    for (int64_t c = 0; c < block.channels; ++c) {
      const double w = weight ? static_cast<double>(weight[block.first_channel + c]) : 1.0;
      sum += w * of_channel[0][c];
      product += w * of_channel[1][c];
      out[2 * c] = of_channel[0][c];
      out[2 * c + 1] = of_channel[1][c];
    }
  });
  if (!dx) return;
  const double n = static_cast<double>(group.size), mean = sum / n, slope = product / n;
  group.each_block([&](const Block& block) NORMA_INLINE {
    double line[1][kLanes], lanes[1][kLanes];
    for (int64_t c = 0; c < block.channels; ++c) {
      line[0][c] = weight ? static_cast<double>(weight[block.first_channel + c]) : 1.0;
    }
    spread(block, line, lanes);
    walk(block, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];
      for (int64_t l = 0; l < count; ++l) {
        const double g = static_cast<double>(dy[at + l]) * lanes[0][l];
        t[l] = static_cast<T>((g - mean - standard(x[at + l]) * slope) * standard.invstd);
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
        group_gradients(group, row, dy, x, weight, stats, dx, sums + 2 * row * group.channels);
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
