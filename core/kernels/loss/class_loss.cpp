// Fast losses over classes; their plain twin is plain/loss.h.
//
//     logits                       path
//     side by side                 the exponentials of several rows at once
//     few classes, or apart        neighbouring rows at once, transposed to and fro
//     ([N, C, d1, …])
#include "norma/core/kernels/loss/class_loss.h"

#include <algorithm>
#include <cmath>

#include "norma/core/grains.h"
#include "norma/core/kernels/plain/loss.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sum_run.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

template <class T>
NORMA_INLINE inline double wide(T x) {
  return static_cast<double>(x);
}

/// Σ term(i). Long rows are summed in lanes, which become vectors.
template <class Term>
NORMA_INLINE inline double sum_of(int64_t count, Term term) {
  return sum_in_lanes<32, 16>(count, term);
}

/// Where a row's first logit lies, on the way from row to row.
struct Place {
  int64_t inner, classes, at, first;

  NORMA_INLINE Place(ClassShape s, int64_t r)
      : inner(s.inner),
        classes(s.classes),
        at(r % inner),
        first(r / inner * classes * inner + at) {}
  NORMA_INLINE void advance(int64_t rows) {
    at += rows;
    first += inner == 1 ? rows * classes : rows;
    if (at < inner) return;
    if (inner > 1) first += (classes - 1) * inner;
    at = 0;
  }
};

/// Splits the rows over threads and calls `body(row, first)`, `first` being the position of the
/// row's first logit; or, given their sums, `body(row, first, logarithm of its sum)`.
template <class T, class Body>
void for_rows(ClassShape shape, Body body, const double* sums = nullptr) {
  constexpr int64_t kBlock = 64;
  const int64_t grain = rows_grain(kLossGrain, shape.classes);
  parallel_for(shape.rows(), grain, [&](int64_t begin, int64_t end) {
    simd<Level256>([=]() NORMA_INLINE {
      Place place(shape, begin);
      double logs[kBlock];
      for (int64_t from = begin; from < end; from += kBlock) {
        const int64_t count = std::min(kBlock, end - from);
        for (int64_t k = 0; sums && k < count; ++k) logs[k] = log_of_sum<T>(sums[from + k]);
        for (int64_t k = 0, r = from; k < count; ++k, ++r, place.advance(1)) {
          if constexpr (requires { body(r, place.first, logs[k]); }) {
            body(r, place.first, logs[k]);
          } else {
            body(r, place.first);
          }
        }
      }
    });
  });
}

constexpr int64_t kTile = 4096;      // elements of several rows, near the first-level cache
constexpr int64_t kRows = kColumns;  // neighbours taken together
constexpr int64_t kFew = 40;         // classes, side by side

/// How many of `rows` rows are taken together: neighbours within one sample.
NORMA_INLINE inline int64_t neighbours(const Place& place, int64_t rows) {
  return std::min({kRows, rows, place.inner == 1 ? kRows : place.inner - place.at});
}

/// softmax_rows for `count` neighbours from row r on, whose logits begin at `first`; `tile` has
/// room for kRows.
template <class Level, class T>
NORMA_INLINE inline void softmax_neighbours(ClassShape s, const T* first, SoftmaxRows<T> out,
                                            int64_t r, int64_t count, T* tile) {
  constexpr int Bytes = Level::kBytes;
  T largest[kRows];
  double sum[kRows];
  if (count < kRows) std::fill_n(tile, s.classes * kRows, T(0));
  if (s.inner == 1) {
    transpose(count, s.classes, first, s.classes, tile, kRows);
  } else {
    for (int64_t c = 0; c < s.classes; ++c)
      copy_row<T, Level>(first + c * s.inner, count, tile + c * kRows);
  }
  largest_of_columns<Bytes>(tile, s.classes, kRows, largest);
  for (int64_t c = 0; c < s.classes; ++c) {
    T* const lanes = tile + c * kRows;
    // Stays a loop: written out, GCC takes the lanes one by one.
#pragma GCC unroll 1
    for (int64_t l = 0; l < kRows; ++l) lanes[l] -= largest[l];
  }
  for (int64_t i = 0; i < s.classes * kRows; ++i) tile[i] = exp_of_shifted(tile[i]);
  sums_of_columns<Bytes>(tile, s.classes, kRows, sum);
  copy_row<T, Level>(largest, count, out.max + r);
  copy_row<double, Level>(sum, count, out.sum + r);
  const auto give = [=](int64_t known) NORMA_INLINE {
    transpose(known, count, tile, kRows, out.exps + r * known, known);
  };
  s.classes == 2 ? give(2) : s.classes == 3 ? give(3) : give(s.classes);
}

/// Calls gradient(r, d) for every row, to write dx of its classes to d side by side.
template <class T, class Gradient>
void for_gradients(ClassShape s, T* dx, Gradient gradient) {
  const int64_t grain = rows_grain(kLossGrain, s.classes);
  const int64_t most = std::clamp<int64_t>(kTile / std::max<int64_t>(s.classes, 1), 1, kRows);
  parallel_for(s.rows(), grain, [&](int64_t begin, int64_t end) {
    Scratch<T> memory(s.inner > 1 ? most * s.classes : 0);
    simd<Level256>([=, tile = memory.data()]() NORMA_INLINE {
      if (s.inner == 1) {
        for (int64_t r = begin; r < end; ++r) gradient(r, dx + r * s.classes);
        return;
      }
      Place place(s, begin);
      for (int64_t r = begin, count = 0; r < end; r += count, place.advance(count)) {
        count = std::min(most, neighbours(place, end - r));
        for (int64_t l = 0; l < count; ++l) gradient(r + l, tile + l * s.classes);
        transpose(count, s.classes, tile, s.classes, dx + place.first, s.inner);
      }
    });
  });
}

}  // namespace

template <class T>
void softmax_rows(ClassShape shape, const T* x, SoftmaxRows<T> out) {
  if (plain_kernels()) return plain::softmax_rows(shape, x, out);
  const int64_t classes = shape.classes, inner = shape.inner;
  if (classes == 0) return;
  const int64_t batch = std::max<int64_t>(1, kTile / classes);
  const int64_t grain = rows_grain(kLossGrain, classes);
  const bool as_columns = inner > 1 || classes <= kFew;
  parallel_for(shape.rows(), grain, [&](int64_t begin, int64_t end) {
    Scratch<T> memory(as_columns ? kRows * classes : 0);
    for_level<Level256>([=, tile = memory.data()]<class Level>() NORMA_INLINE {
      Place place(shape, begin);
      for (int64_t r = begin, count = 0; as_columns && r < end; r += count, place.advance(count)) {
        count = neighbours(place, end - r);
        softmax_neighbours<Level>(shape, x + place.first, out, r, count, tile);
      }
      if (as_columns) return;
      for (int64_t from = begin; from < end; from += batch) {
        const int64_t to = std::min(end, from + batch);
        for (int64_t r = from; r < to; ++r) {
          T* const e = out.exps + r * classes;
          const T* const row = x + r * classes;
          const T largest = largest_or_nan<Level::kBytes>(row, classes);
          out.max[r] = largest;
          for (int64_t c = 0; c < classes; ++c) e[c] = row[c] - largest;
        }
        T* const all = out.exps + from * classes;
        for (int64_t i = 0; i < (to - from) * classes; ++i) all[i] = exp_of_shifted(all[i]);
        for (int64_t r = from; r < to; ++r) {
          out.sum[r] = sum_run<Itself, Level::kBytes>(out.exps + r * classes, classes);
        }
      }
    });
  });
}

template <class T>
void cross_entropy_forward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                           ClassTargets<T> targets, T* loss) {
  if (plain_kernels()) return plain::cross_entropy_forward(shape, x, softmax, targets, loss);
  const int64_t classes = shape.classes, inner = shape.inner;
  const double own = 1.0 - targets.smoothing;
  const double other = targets.smoothing / static_cast<double>(classes);
  const T* const w = targets.weight;
  const auto loss_of = [=](int64_t r, int64_t first, double log_sum) NORMA_INLINE {
    const int64_t y = targets.index[r];
    if (y == targets.ignore_index) {
      loss[r] = T(0);
      return;
    }
    const T* const row = x + first;
    const double max = wide(softmax.max[r]);
    const auto term = [=](int64_t c) NORMA_INLINE {
      const double z = log_sum - (wide(row[c * inner]) - max);
      return w ? wide(w[c]) * z : z;
    };
    double value = own * term(y);
    if (other != 0.0) value += other * sum_of(classes, term);
    loss[r] = static_cast<T>(value);
  };
  for_rows<T>(shape, loss_of, softmax.sum);
}

template <class T>
void cross_entropy_backward(ClassShape shape, SoftmaxRows<T> softmax, ClassTargets<T> targets,
                            LossGradient<T> g, T* dx) {
  if (plain_kernels()) return plain::cross_entropy_backward(shape, softmax, targets, g, dx);
  const int64_t classes = shape.classes;
  const double other = targets.smoothing / static_cast<double>(classes);
  const T* const w = targets.weight;
  double all_weights = static_cast<double>(classes);
  if (w) all_weights = ordered_sum(classes, w);
  for_gradients(shape, dx, [=](int64_t r, T* d) NORMA_INLINE {
    const int64_t y = targets.index[r];
    const T* const e = softmax.exps + r * classes;
    if (y == targets.ignore_index) {
      for (int64_t c = 0; c < classes; ++c) d[c] = T(0);
      return;
    }
    const double gr = wide(g.values[r * g.stride]) * g.scale;
    const double own = (1.0 - targets.smoothing) * (w ? wide(w[y]) : 1.0);
    const double scale = gr * (own + other * all_weights) / softmax.sum[r], spread = gr * other;
    const auto at = [=](int64_t c) NORMA_INLINE {
      return wide(e[c]) * scale - spread * (w ? wide(w[c]) : 1.0);
    };
    if (spread == 0.0) {
      for (int64_t c = 0; c < classes; ++c) d[c] = static_cast<T>(wide(e[c]) * scale);
    } else {
      for (int64_t c = 0; c < classes; ++c) d[c] = static_cast<T>(at(c));
    }
    d[y] = static_cast<T>(at(y) - gr * own);
  });
}

template <class T>
void soft_cross_entropy_forward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                                SoftTargets<T> targets, T* loss) {
  if (plain_kernels()) return plain::soft_cross_entropy_forward(shape, x, softmax, targets, loss);
  const int64_t classes = shape.classes, inner = shape.inner;
  const double own = 1.0 - targets.smoothing;
  const double other = targets.smoothing / static_cast<double>(classes);
  const T* const w = targets.weight;
  const auto loss_of = [=](int64_t r, int64_t first, double log_sum) NORMA_INLINE {
    const double max = wide(softmax.max[r]);
    const T *row = x + first, *q = targets.q + first;
    loss[r] = static_cast<T>(sum_of(classes, [=](int64_t c) NORMA_INLINE {
      const double t = wide(q[c * inner]) * own + other;
      const double z = t * (log_sum - (wide(row[c * inner]) - max));
      return w ? wide(w[c]) * z : z;
    }));
  };
  for_rows<T>(shape, loss_of, softmax.sum);
}

template <class T>
void soft_cross_entropy_backward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                                 SoftTargets<T> targets, LossGradient<T> g, T* dx, T* dq) {
  if (plain_kernels())
    return plain::soft_cross_entropy_backward(shape, x, softmax, targets, g, dx, dq);
  const int64_t classes = shape.classes, inner = shape.inner;
  const double own = 1.0 - targets.smoothing;
  const double other = targets.smoothing / static_cast<double>(classes);
  const T* const w = targets.weight;
  const auto gradients_of = [=](int64_t r, int64_t first, double log_sum) NORMA_INLINE {
    const double gr = wide(g.values[r * g.stride]) * g.scale;
    const double max = wide(softmax.max[r]), sum = softmax.sum[r];
    const T *row = x + first, *q = targets.q + first, *e = softmax.exps + r * classes;
    if (dx) {
      const auto weighed = [=](int64_t c) NORMA_INLINE {
        const double t = wide(q[c * inner]) * own + other;
        return w ? wide(w[c]) * t : t;
      };
      const double scale = gr * sum_of(classes, weighed) / sum;
      for (int64_t c = 0; c < classes; ++c) {
        dx[first + c * inner] = static_cast<T>(wide(e[c]) * scale - gr * weighed(c));
      }
    }
    if (dq) {
      for (int64_t c = 0; c < classes; ++c) {
        const double z = gr * own * (log_sum - (wide(row[c * inner]) - max));
        dq[first + c * inner] = static_cast<T>(w ? wide(w[c]) * z : z);
      }
    }
  };
  for_rows<T>(shape, gradients_of, softmax.sum);
}

template <class T>
void nll_forward(ClassShape shape, const T* x, ClassTargets<T> targets, T* loss) {
  if (plain_kernels()) return plain::nll_forward(shape, x, targets, loss);
  for_rows<T>(shape, [=](int64_t r, int64_t first) NORMA_INLINE {
    const int64_t y = targets.index[r];
    const bool ignored = y == targets.ignore_index;
    const T w = ignored || !targets.weight ? T(1) : targets.weight[y];
    loss[r] = ignored ? T(0) : -w * x[first + y * shape.inner];
  });
}

template <class T>
void nll_backward(ClassShape shape, ClassTargets<T> targets, LossGradient<T> g, T* dx) {
  if (plain_kernels()) return plain::nll_backward(shape, targets, g, dx);
  for_rows<T>(shape, [=](int64_t r, int64_t first) NORMA_INLINE {
    const int64_t y = targets.index[r], inner = shape.inner;
    for (int64_t c = 0; c < shape.classes; ++c) dx[first + c * inner] = T(0);
    if (y == targets.ignore_index) return;
    const double w = targets.weight ? static_cast<double>(targets.weight[y]) : 1.0;
    dx[first + y * inner] =
        static_cast<T>(-w * static_cast<double>(g.values[r * g.stride]) * g.scale);
  });
}

#define NORMA_INSTANTIATE(T)                                                                    \
  template void softmax_rows<T>(ClassShape, const T*, SoftmaxRows<T>);                          \
  template void cross_entropy_forward<T>(ClassShape, const T*, SoftmaxRows<T>, ClassTargets<T>, \
                                         T*);                                                   \
  template void cross_entropy_backward<T>(ClassShape, SoftmaxRows<T>, ClassTargets<T>,          \
                                          LossGradient<T>, T*);                                 \
  template void soft_cross_entropy_forward<T>(ClassShape, const T*, SoftmaxRows<T>,             \
                                              SoftTargets<T>, T*);                              \
  template void soft_cross_entropy_backward<T>(ClassShape, const T*, SoftmaxRows<T>,            \
                                               SoftTargets<T>, LossGradient<T>, T*, T*);        \
  template void nll_forward<T>(ClassShape, const T*, ClassTargets<T>, T*);                      \
  template void nll_backward<T>(ClassShape, ClassTargets<T>, LossGradient<T>, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
