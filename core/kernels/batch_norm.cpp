#include "norma/core/kernels/batch_norm.h"

#include <algorithm>

#include "norma/core/kernels/norm_planes.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kFew = kFewestInPlanes;  // elements of a block

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

/// The lines of a block's channels, one value per lane.
template <class T>
struct LaneLines {
  T values[3][kLanes];  // base, scale and offset

  NORMA_INLINE LaneLines(const Block& block, BatchNormStats stats) {
    T lines[3][kLanes];
    for (int64_t c = 0; c < block.channels; ++c) {
      const ChannelLine<T> line = noted_line<T>(block.first_channel + c, stats);
      lines[0][c] = line.base;
      lines[1][c] = line.scale;
      lines[2][c] = line.offset;
    }
    spread(block, lines, values);
  }
  NORMA_INLINE void apply(int64_t lane, T& x) const {
    ChannelLine<T>{values[0][lane], values[1][lane], values[2][lane]}.apply(x);
  }
};

/// `count` elements of the forward pass after the statistics; `apply(l, value)` gives the l-th one
/// its line.
template <class T, class Count, class Apply>
NORMA_INLINE inline void apply_run(const T* x, bool relu, T* y, Count count, Apply apply) {
  T t[kLanes];  // keeps x and y apart for the compiler
  for (int64_t l = 0; l < count; ++l) {
    t[l] = x[l];
    apply(l, t[l]);
  }
  if (relu) {
    for (int64_t l = 0; l < count; ++l) keep_positive(t[l]);
  }
  for (int64_t l = 0; l < count; ++l) y[l] = t[l];
}

/// The same for a block.
template <class T>
NORMA_INLINE inline void apply_lines(const Block& block, const T* x, bool relu, T* y,
                                     BatchNormStats stats) {
  const LaneLines<T> lines(block, stats);
  walk(block, [&](int64_t at, auto count) NORMA_INLINE {
    apply_run(x + at, relu, y + at, count,
              [&](int64_t l, T& value) NORMA_INLINE { lines.apply(l, value); });
  });
}

/// All channels at once, in the order of memory, with the lines that `stats` holds.
template <class T>
void apply_rows(ChannelShape shape, const T* x, bool relu, T* y, BatchNormStats stats) {
  const int64_t width = shape.channels * shape.length;
  const Scratch<T> memory(3 * width);
  T *const base = memory.data(), *const scale = base + width, *const offset = scale + width;
  for (int64_t i = 0; i < width; ++i) {
    const ChannelLine<T> line = noted_line<T>(i / shape.length, stats);
    base[i] = line.base;
    scale[i] = line.scale;
    offset[i] = line.offset;
  }
  parallel_for(shape.n, std::max<int64_t>(1, kNormGrain / width), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t row = begin; row < end; ++row) {
        walk_row(0, width, [&](int64_t at, auto count) NORMA_INLINE {
          apply_run(x + row * width + at, relu, y + row * width + at, count,
                    [=](int64_t l, T& value) NORMA_INLINE {
                      ChannelLine<T>{base[at + l], scale[at + l], offset[at + l]}.apply(value);
                    });
        });
      }
    });
  });
}

/// One block of the backward pass; dx in the precision of Wide.
template <class Wide, class T>
NORMA_INLINE inline void backward_block(const Block& block, const T* dy, const T* x,
                                        const T* weight, BatchNormStats stats, bool batch_stats,
                                        bool relu, T* dx, T* dweight, T* dbias) {
  const int64_t first = block.first_channel;
  const LaneLines<T> lines(block, stats);
  Wide shift[1][kLanes], k[1][kLanes], line[3][kLanes], lanes[3][kLanes];
  double sums[2][kLanes] = {};  // of dy and of dy (x - shift)
  for (int64_t c = 0; c < block.channels; ++c) {
    shift[0][c] = static_cast<Wide>(stats.shift[first + c]);
  }
  spread(block, shift, k);
  const auto gradient = [&](int64_t i, int64_t l) NORMA_INLINE {
    T g = dy[i];
    if (relu) {
      T y = x[i];
      lines.apply(l, y);
      keep_where_positive(y, g);
    }
    return g;
  };
  if (dweight || dbias || batch_stats) {
    sum_pairs(
        block,
        [&](int64_t i, int64_t l, double& a, double& b) NORMA_INLINE {
          a = static_cast<double>(gradient(i, l));
          b = a * (static_cast<double>(x[i]) - static_cast<double>(k[0][l]));
        },
        sums);
  }
  const double n = static_cast<double>(block.count());
  for (int64_t c = 0; c < block.channels; ++c) {
    const GradientLine values =
        gradient_line(first + c, n, sums[0][c], sums[1][c], weight, stats, dweight, dbias);
    line[0][c] = static_cast<Wide>(values.factor);
    line[1][c] = static_cast<Wide>(values.slope);
    line[2][c] = static_cast<Wide>(values.constant);
  }
  if (!dx) return;
  spread(block, line, lanes);
  walk(block, [&](int64_t at, auto count) NORMA_INLINE {
    T t[kLanes];
    if (batch_stats) {
      for (int64_t l = 0; l < count; ++l) {
        const Wide d = static_cast<Wide>(x[at + l]) - k[0][l];
        const Wide left = static_cast<Wide>(gradient(at + l, l)) + (d * lanes[1][l] + lanes[2][l]);
        t[l] = static_cast<T>(left * lanes[0][l]);
      }
    } else {
      for (int64_t l = 0; l < count; ++l) {
        t[l] = static_cast<T>(static_cast<Wide>(gradient(at + l, l)) * lanes[0][l]);
      }
    }
    for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
  });
}

}  // namespace

template <class T>
void batch_norm_train(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                      RunningStats<T> running, bool relu, T* y, BatchNormStats stats) {
  if (has_planes(shape)) {
    return batch_norm_train_planes(shape, x, params, eps, running, relu, y, stats);
  }
  const Blocks blocks(shape);
  parallel_for(blocks.count, blocks.grain(), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const Block block = blocks[i];
        T shift[1][kLanes];
        double rest[kLanes], var[kLanes];
        moments(block, x, shift, rest, var);
        const double n = static_cast<double>(block.count());
        for (int64_t c = 0; c < block.channels; ++c) {
          const int64_t channel = block.first_channel + c;
          update_running(running, channel, n, static_cast<double>(shift[0][c]) + rest[c], var[c]);
          make_line(channel, shift[0][c], rest[c], var[c], eps, params, stats);
        }
        apply_lines(block, x, relu, y, stats);
      }
    });
  });
}

template <class T>
void batch_norm_eval(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                     const T* mean, const T* var, bool relu, T* y, BatchNormStats stats) {
  for (int64_t c = 0; c < shape.channels; ++c) {
    make_line(c, mean[c], 0.0, static_cast<double>(var[c]), eps, params, stats);
  }
  if (has_long_planes(shape)) return apply_planes(shape, x, relu, y, stats);
  const Blocks blocks(shape);
  if (blocks.count > 1) return apply_rows(shape, x, relu, y, stats);
  simd_float<T>([=]() NORMA_INLINE { apply_lines(blocks[0], x, relu, y, stats); });
}

template <class T>
void batch_norm_backward(ChannelShape shape, const T* dy, const T* x, const T* weight,
                         BatchNormStats stats, bool batch_stats, bool relu, T* dx, T* dweight,
                         T* dbias) {
  if (has_planes(shape)) {
    return batch_norm_backward_planes(shape, dy, x, weight, stats, batch_stats, relu, dx, dweight,
                                      dbias);
  }
  const Blocks blocks(shape);
  parallel_for(blocks.count, blocks.grain(), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const Block block = blocks[i];
        // Of few values, the gradient may be a small remainder.
        if (block.numel() <= kFew) {
          backward_block<double>(block, dy, x, weight, stats, batch_stats, relu, dx, dweight,
                                 dbias);
        } else {
          backward_block<T>(block, dy, x, weight, stats, batch_stats, relu, dx, dweight, dbias);
        }
      }
    });
  });
}

#define NORMA_INSTANTIATE(T)                                                                       \
  template void batch_norm_train<T>(ChannelShape, const T*, ChannelParams<T>, double,              \
                                    RunningStats<T>, bool, T*, BatchNormStats);                    \
  template void batch_norm_eval<T>(ChannelShape, const T*, ChannelParams<T>, double, const T*,     \
                                   const T*, bool, T*, BatchNormStats);                            \
  template void batch_norm_backward<T>(ChannelShape, const T*, const T*, const T*, BatchNormStats, \
                                       bool, bool, T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
