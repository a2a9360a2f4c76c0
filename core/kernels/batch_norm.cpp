#include "norma/core/kernels/norm.h"

#include "norma/core/kernels/norm_lanes.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kFew = 1024;  // elements of a block

/// Cuts a [n, channels, length] tensor into blocks of whole channels.
struct Blocks {
  ChannelShape shape;
  int64_t per_block, count;

  explicit Blocks(ChannelShape s)
      : shape(s),
        per_block(s.length >= kLanes ? 1 : std::min(s.channels, kLanes / s.length)),
        count((s.channels + per_block - 1) / per_block) {}

  int64_t grain() const {
    return std::max<int64_t>(1, kNormGrain / (shape.n * per_block * shape.length));
  }

  NORMA_INLINE Block operator[](int64_t index) const {
    Block block{};
    block.first_channel = index * per_block;
    block.channels = std::min(per_block, shape.channels - block.first_channel);
    block.length = shape.length;
    block.offset = block.first_channel * shape.length;
    block.width = block.channels * shape.length;
    block.stride = shape.channels * shape.length;
    block.rows = shape.n;
    if (count == 1 && block.width <= kLanes / 2) {  // several short rows fill the lanes together
      const int64_t rows = std::min(kLanes / block.width, shape.n);
      block.rows = shape.n / rows;
      block.tail = shape.n % rows * block.width;
      block.width = block.stride = rows * block.width;
    }
    return block;
  }
};

/// The forward pass after the statistics: y = (x - base) a + b per lane, and the saved statistics.
template <class T>
NORMA_INLINE inline void normalise(const Block& block, const T* x, ChannelParams<T> params,
                                   const T (&shift)[1][kLanes], const double (&rest)[kLanes],
                                   const double (&var)[kLanes], const double (&invstd)[kLanes],
                                   T* y, NormStats stats) {
  const int64_t first = block.first_channel;
  T line[3][kLanes], lanes[3][kLanes];
  for (int64_t c = 0; c < block.channels; ++c) {
    const double w = params.weight ? static_cast<double>(params.weight[first + c]) : 1.0;
    const double z = params.bias ? static_cast<double>(params.bias[first + c]) : 0.0;
    const Base<T> base(shift[0][c], rest[c], var[c]);
    line[0][c] = static_cast<T>(invstd[c] * w);
    line[1][c] = static_cast<T>(z - base.missing * invstd[c] * w);
    line[2][c] = base.value;
  }
  for (int64_t c = 0; c < block.channels; ++c) {
    stats.shift[first + c] = static_cast<double>(shift[0][c]);
    stats.rest[first + c] = rest[c];
    stats.invstd[first + c] = invstd[c];
  }
  spread(block, line, lanes);
  walk(block, [&](int64_t at, auto count) NORMA_INLINE {
    T t[kLanes];  // keeps x and y apart for the compiler
    for (int64_t l = 0; l < count; ++l) {
      t[l] = (x[at + l] - lanes[2][l]) * lanes[0][l] + lanes[1][l];
    }
    for (int64_t l = 0; l < count; ++l) y[at + l] = t[l];
  });
}

template <class T>
NORMA_INLINE inline void update(const Block& block, RunningStats<T> running, const T* shift,
                                const double* rest, const double* var) {
  if (!running.mean) return;
  const double m = running.momentum;
  const double n = static_cast<double>(block.count());
  T* mean = running.mean + block.first_channel;
  T* unbiased = running.var + block.first_channel;
  for (int64_t c = 0; c < block.channels; ++c) {
    const double new_mean = static_cast<double>(shift[c]) + rest[c];
    const double new_var = var[c] * (n / (n - 1.0));
    mean[c] = static_cast<T>((1.0 - m) * static_cast<double>(mean[c]) + m * new_mean);
    unbiased[c] = static_cast<T>((1.0 - m) * static_cast<double>(unbiased[c]) + m * new_var);
  }
}

/// One block of the backward pass of batch normalisation; dx in the precision of Wide.
template <class Wide, class T>
NORMA_INLINE inline void backward_block(const Block& block, const T* dy, const T* x,
                                        const T* weight, NormStats stats, bool batch_stats, T* dx,
                                        T* dweight, T* dbias) {
  const int64_t first = block.first_channel;
  Wide shift[1][kLanes], k[1][kLanes], line[3][kLanes], lanes[3][kLanes];
  double sums[2][kLanes];  // of dy and of dy (x - shift)
  for (int64_t c = 0; c < block.channels; ++c) {
    shift[0][c] = static_cast<Wide>(stats.shift[first + c]);
    sums[0][c] = sums[1][c] = 0.0;
  }
  spread(block, shift, k);
  if (dweight || dbias || batch_stats) {
    sum_pairs(
        block,
        [&](int64_t i, int64_t l, double& a, double& b) NORMA_INLINE {
          a = static_cast<double>(dy[i]);
          b = a * (static_cast<double>(x[i]) - static_cast<double>(k[0][l]));
        },
        sums);
  }
  const double inv_n = 1.0 / static_cast<double>(block.count());
  for (int64_t c = 0; c < block.channels; ++c) {
    const double rest = stats.rest[first + c], invstd = stats.invstd[first + c];
    const double w = weight ? static_cast<double>(weight[first + c]) : 1.0;
    const double centred = sums[1][c] - rest * sums[0][c];  // Σ dy (x - mean)
    sums[1][c] = centred * invstd;
    // What is left of dy after its mean and its slope along x; scaled at the very end, so that the
    // factor's rounding cannot outweigh a small remainder.
    const double slope = -invstd * invstd * centred * inv_n;
    line[0][c] = static_cast<Wide>(w * invstd);
    line[1][c] = static_cast<Wide>(slope);
    line[2][c] = static_cast<Wide>(-sums[0][c] * inv_n - slope * rest);
  }
  if (dweight) {
    for (int64_t c = 0; c < block.channels; ++c) dweight[first + c] = static_cast<T>(sums[1][c]);
  }
  if (dbias) {
    for (int64_t c = 0; c < block.channels; ++c) dbias[first + c] = static_cast<T>(sums[0][c]);
  }
  if (!dx) return;
  spread(block, line, lanes);
  if (batch_stats) {
    walk(block, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];
      for (int64_t l = 0; l < count; ++l) {
        const Wide d = static_cast<Wide>(x[at + l]) - k[0][l];
        const Wide left = static_cast<Wide>(dy[at + l]) + (d * lanes[1][l] + lanes[2][l]);
        t[l] = static_cast<T>(left * lanes[0][l]);
      }
      for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
    });
  } else {
    walk(block, [&](int64_t at, auto count) NORMA_INLINE {
      T t[kLanes];
      for (int64_t l = 0; l < count; ++l) {
        t[l] = static_cast<T>(static_cast<Wide>(dy[at + l]) * lanes[0][l]);
      }
      for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
    });
  }
}

}  // namespace

template <class T>
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, T* y, NormStats stats) {
  const Blocks blocks(shape);
  parallel_for(blocks.count, blocks.grain(), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const Block block = blocks[i];
        T shift[1][kLanes];
        double rest[kLanes], var[kLanes], invstd[kLanes];
        moments(block, x, shift, rest, var);
        for (int64_t c = 0; c < block.channels; ++c) invstd[c] = inverse_deviation(var[c], eps);
        normalise(block, x, params, shift, rest, var, invstd, y, stats);
        update(block, running, shift[0], rest, var);
      }
    });
  });
}

template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* running_var, T* y, NormStats stats) {
  const Blocks blocks(shape);
  parallel_for(blocks.count, blocks.grain(), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const Block block = blocks[i];
        T shift[1][kLanes];
        double rest[kLanes], var[kLanes], invstd[kLanes];
        for (int64_t c = 0; c < block.channels; ++c) {
          shift[0][c] = mean[block.first_channel + c];
          rest[c] = 0.0;
          var[c] = static_cast<double>(running_var[block.first_channel + c]);
          invstd[c] = inverse_deviation(var[c], eps);
        }
        normalise(block, x, params, shift, rest, var, invstd, y, stats);
      }
    });
  });
}

template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         NormStats stats, bool batch_stats, T* dx, T* dweight, T* dbias) {
  const Blocks blocks(shape);
  parallel_for(blocks.count, blocks.grain(), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const Block block = blocks[i];
        // Of few values, the gradient may be a small remainder.
        if (block.numel() <= kFew) {
          backward_block<double>(block, dy, x, weight, stats, batch_stats, dx, dweight, dbias);
        } else {
          backward_block<T>(block, dy, x, weight, stats, batch_stats, dx, dweight, dbias);
        }
      }
    });
  });
}

#define NORMA_INSTANTIATE(T)                                                                   \
  template void batch_norm_train<T>(ChannelShape, const T*, ChannelParams<T>, double,          \
                                    RunningStats<T>, T*, NormStats);                           \
  template void batch_norm_eval<T>(ChannelShape, const T*, ChannelParams<T>, double, const T*, \
                                   const T*, T*, NormStats);                                   \
  template void batch_norm_backward<T>(ChannelShape, const T*, const T*, const T*, NormStats,  \
                                       bool, T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
