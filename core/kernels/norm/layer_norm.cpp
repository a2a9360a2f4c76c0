#include "norma/core/kernels/norm/layer_norm.h"

#include "norma/core/kernels/norm/blocks.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

template <class T>
NORMA_INLINE inline void layer_norm_input_gradient(int64_t row, int64_t size, const T* dy,
                                                   const T* x, const T* weight, NormStats stats,
                                                   T* dx) {
  const Block block{row * size, 1, size, size, 0, 1, size, 0};
  const Standard standard(stats, row);
  const auto slope = [=](int64_t i) NORMA_INLINE {
    const double g = static_cast<double>(dy[i]);
    return weight ? g * static_cast<double>(weight[i - row * size]) : g;
  };
  double sums[2][kLanes];
  sum_pairs(
      block,
      [&](int64_t i, int64_t, double& a, double& b) NORMA_INLINE {
        a = slope(i);
        b = a * standard(x[i]);
      },
      sums);
  const double n = static_cast<double>(size), mean = sums[0][0] / n, product = sums[1][0] / n;
  walk(block, [&](int64_t at, auto count) NORMA_INLINE {
    T t[kLanes];  // keeps what is read and dx apart for the compiler
    for (int64_t l = 0; l < count; ++l) {
      const double left = slope(at + l) - mean - standard(x[at + l]) * product;
      t[l] = static_cast<T>(left * standard.invstd);
    }
    for (int64_t l = 0; l < count; ++l) dx[at + l] = t[l];
  });
}

/// dweight and dbias of the columns [from, from + count), count at most kLanes.
template <class T>
NORMA_INLINE inline void layer_norm_weight_gradients(int64_t rows, int64_t size, int64_t from,
                                                     int64_t count, const T* dy, const T* x,
                                                     NormStats stats, T* dweight, T* dbias) {
  double sums[2][kLanes] = {};
  for (int64_t r = 0; r < rows; ++r) {
    const Standard standard(stats, r);
    walk_row(r * size + from, r * size + from + count, [&](int64_t at, auto n) NORMA_INLINE {
      for (int64_t l = 0; l < n; ++l) {
        const double g = static_cast<double>(dy[at + l]);
        sums[0][l] += g;
        sums[1][l] += g * standard(x[at + l]);
      }
    });
  }
  for (int64_t l = 0; l < count; ++l) {
    if (dweight) dweight[from + l] = static_cast<T>(sums[1][l]);
    if (dbias) dbias[from + l] = static_cast<T>(sums[0][l]);
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
        T shift[1][kLanes];
        double rest[kLanes], var[kLanes];
        moments(block, x, shift, rest, var);
        stats.shift[row] = static_cast<double>(shift[0][0]);
        stats.rest[row] = rest[0];
        stats.invstd[row] = inverse_deviation(var[0], eps);
        const Standard standard(stats, row);
        walk(block, [&](int64_t at, auto count) NORMA_INLINE {
          const int64_t column = at - block.offset;
          T t[kLanes];  // keeps x and y apart for the compiler
          for (int64_t l = 0; l < count; ++l) {
            double value = standard(x[at + l]);
            if (params.weight) value *= static_cast<double>(params.weight[column + l]);
            if (params.bias) value += static_cast<double>(params.bias[column + l]);
            t[l] = static_cast<T>(value);
          }
          for (int64_t l = 0; l < count; ++l) y[at + l] = t[l];
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
          layer_norm_input_gradient(row, size, dy, x, weight, stats, dx);
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
