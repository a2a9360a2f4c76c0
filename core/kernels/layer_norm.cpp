#include "norma/core/kernels/norm.h"
#include "norma/core/kernels/norm_lanes.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

/// In the precision of Sum.
template <class Sum, class T>
NORMA_INLINE inline void layer_norm_input_gradient(int64_t row, int64_t size, const T* dy,
                                                   const T* x, const T* weight, NormStats stats,
                                                   T* dx) {
  const Block block{row * size, 1, size, size, 0, 1, size, 0};
  const Sum k = static_cast<Sum>(stats.shift[row]);
  // dy times weight.
  const auto load = [=](int64_t at, auto count, Sum(&g)[kLanes]) NORMA_INLINE {
    for (int64_t l = 0; l < count; ++l) g[l] = static_cast<Sum>(dy[at + l]);
    if (!weight) return;
    for (int64_t l = 0; l < count; ++l) g[l] *= static_cast<Sum>(weight[at - row * size + l]);
  };
  LaneSums<Sum> lane_sums;
  walk(
      block,
      [&](int64_t at, auto count) NORMA_INLINE {
        Sum g[kLanes];
        load(at, count, g);
        for (int64_t l = 0; l < count; ++l) {
          lane_sums.now[0][l] += g[l];
          lane_sums.now[1][l] += g[l] * (static_cast<Sum>(x[at + l]) - k);
        }
      },
      [&]() NORMA_INLINE { lane_sums.flush(); });
  double sums[2][kLanes];
  gather(block, lane_sums.total, sums);
  const double sum = sums[0][0], product = sums[1][0];

  const double n = static_cast<double>(size);
  const double rest = stats.rest[row], invstd = stats.invstd[row];
  const double slope = -invstd * invstd * (product - rest * sum) / n;
  const Sum a = static_cast<Sum>(invstd), b = static_cast<Sum>(slope);
  const Sum d = static_cast<Sum>(-sum / n - slope * rest);
  walk_row(block.offset, block.offset + size, [&](int64_t at, auto count) NORMA_INLINE {
    Sum g[kLanes];
    load(at, count, g);
    T t[kLanes];
    for (int64_t l = 0; l < count; ++l) {
      t[l] = static_cast<T>((g[l] + ((static_cast<Sum>(x[at + l]) - k) * b + d)) * a);
    }
    for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
  });
}

/// dweight and dbias of the columns [from, from + count), count at most kLanes.
template <class T>
NORMA_INLINE inline void layer_norm_weight_gradients(int64_t rows, int64_t size, int64_t from,
                                                     int64_t count, const T* dy, const T* x,
                                                     NormStats stats, T* dweight, T* dbias) {
  LaneSums<T> sums;
  for (int64_t row = 0; row < rows; row += kFlush) {
    const int64_t last = std::min(rows, row + kFlush);
    for (int64_t r = row; r < last; ++r) {
      const T k = static_cast<T>(stats.shift[r]), rest = static_cast<T>(stats.rest[r]);
      const T invstd = static_cast<T>(stats.invstd[r]);
      walk_row(r * size + from, r * size + from + count, [&](int64_t at, auto n) NORMA_INLINE {
        for (int64_t l = 0; l < n; ++l) {
          sums.now[0][l] += dy[at + l];
          sums.now[1][l] += dy[at + l] * (((x[at + l] - k) - rest) * invstd);
        }
      });
    }
    sums.flush();
  }
  if (dweight) {
    for (int64_t l = 0; l < count; ++l) dweight[from + l] = static_cast<T>(sums.total[1][l]);
  }
  if (dbias) {
    for (int64_t l = 0; l < count; ++l) dbias[from + l] = static_cast<T>(sums.total[0][l]);
  }
}

}  // namespace

template <class T>
void layer_norm(int64_t rows, int64_t size, const T* x, ChannelParams<T> params, double eps, T* y,
                NormStats stats) {
  parallel_for(rows, std::max<int64_t>(1, kNormGrain / size), [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t row = begin; row < end; ++row) {
        const Block block{row * size, 1, size, size, 0, 1, size, 0};
        T shift[1][kLanes], lanes[1][kLanes];
        double rest[kLanes], var[kLanes];
        moments(block, x, shift, rest, var, lanes);
        const double invstd = inverse_deviation(var[0], eps);
        stats.shift[row] = static_cast<double>(shift[0][0]);
        stats.rest[row] = rest[0];
        stats.invstd[row] = invstd;
        const T k = shift[0][0], a = static_cast<T>(invstd), b = static_cast<T>(-rest[0] * invstd);
        walk_row(0, size, [&](int64_t at, auto count) NORMA_INLINE {
          const T* from = x + block.offset + at;
          T t[kLanes];
          for (int64_t l = 0; l < count; ++l) t[l] = (from[l] - k) * a + b;
          if (params.weight) {
            for (int64_t l = 0; l < count; ++l) t[l] *= params.weight[at + l];
          }
          if (params.bias) {
            for (int64_t l = 0; l < count; ++l) t[l] += params.bias[at + l];
          }
          for (int64_t l = 0; l < count; ++l) y[block.offset + at + l] = t[l];
        });
      }
    });
  });
}

template <class T>
void layer_norm_backward(int64_t rows, int64_t size, const T* dy, const T* x, const T* weight,
                         NormStats stats, T* dx, T* dweight, T* dbias) {
  if (dx) {
    parallel_for(rows, std::max<int64_t>(1, kNormGrain / size), [&](int64_t begin, int64_t end) {
      simd_float<T>([=]() NORMA_INLINE {
        for (int64_t row = begin; row < end; ++row) {
          if (size <= kLanes) {
            layer_norm_input_gradient<double>(row, size, dy, x, weight, stats, dx);
          } else {
            layer_norm_input_gradient<T>(row, size, dy, x, weight, stats, dx);
          }
        }
      });
    });
  }
  if (!dweight && !dbias) return;
  const int64_t blocks = (size + kLanes - 1) / kLanes;
  const int64_t grain = std::max<int64_t>(1, kNormGrain / std::max<int64_t>(1, rows * kLanes));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    simd_float<T>([=]() NORMA_INLINE {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = i * kLanes;
        layer_norm_weight_gradients(rows, size, from, std::min(kLanes, size - from), dy, x, stats,
                                    dweight, dbias);
      }
    });
  });
}

#define NORMA_INSTANTIATE(T)                                                                      \
  template void layer_norm<T>(int64_t, int64_t, const T*, ChannelParams<T>, double, T*,           \
                              NormStats);                                                         \
  template void layer_norm_backward<T>(int64_t, int64_t, const T*, const T*, const T*, NormStats, \
                                       T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
