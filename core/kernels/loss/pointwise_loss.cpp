// The plain version: core/kernels/plain/pointwise_loss.h.
#include "norma/core/kernels/loss/pointwise_loss.h"

#include <algorithm>
#include <cmath>

#include "norma/core/integers.h"
#include "norma/core/kernels/plain/pointwise_loss.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/sums.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kChunk = 16384;  // summed by one thread, whatever the number of threads

/// What a loss gives for input x and target t, and its two derivatives. `w` weighs the element, `p`
/// its positive part.
struct Squared {
  template <class T>
  static NORMA_INLINE T value(T x, T t, T, T) {
    return (x - t) * (x - t);
  }
  template <class T>
  static NORMA_INLINE T dx(T x, T t, T, T) {
    return T(2) * (x - t);
  }
  template <class T>
  static NORMA_INLINE T dt(T x, T t, T, T) {
    return T(2) * (t - x);
  }
};
struct Absolute {
  template <class T>
  static NORMA_INLINE T value(T x, T t, T, T) {
    return std::fabs(x - t);
  }
  template <class T>
  static NORMA_INLINE T dx(T x, T t, T, T) {
    const T d = x - t;
    return d > T(0) ? T(1) : (d < T(0) ? T(-1) : T(0));  // 0 for NaN, as in PyTorch
  }
  template <class T>
  static NORMA_INLINE T dt(T x, T t, T w, T p) {
    return -dx(x, t, w, p);
  }
};
struct Logistic {
  // -[p t log σ(x) + (1 - t) log σ(-x)] = (1 - t) x⁺ + p t x⁻ + (1 + (p - 1) t) log(1 + e^-|x|), x⁺
  // and x⁻ being max(x, 0) and max(-x, 0): no terms that cancel for a confident x.
  template <class T>
  static NORMA_INLINE T value(T x, T t, T w, T p) {
    const T linear = x > T(0) ? (T(1) - t) * x : -(p * t) * x;
    return w * (linear + (T(1) + (p - T(1)) * t) * fast_softplus(-std::fabs(x)));
  }
  template <class T>
  static NORMA_INLINE T dx(T x, T t, T w, T p) {
    const T tail = (T(1) + (p - T(1)) * t) * fast_sigmoid(-std::fabs(x));
    return w * (x > T(0) ? (T(1) - t) - tail : tail - p * t);
  }
  template <class T>
  static NORMA_INLINE T dt(T x, T, T w, T p) {
    return w * ((p - T(1)) * fast_softplus(-std::fabs(x)) - (x > T(0) ? T(1) : p) * x);
  }
};

template <class F>
void with_kind(PointwiseLoss kind, F f) {
  switch (kind) {
    case PointwiseLoss::Squared:
      return f(Squared{});
    case PointwiseLoss::Absolute:
      return f(Absolute{});
    case PointwiseLoss::Logistic:
      return f(Logistic{});
  }
}

/// out[i] = f(x[i], t[i], w[i], p[i]) for one stretch.
template <class T, class F>
void fill(int64_t begin, int64_t end, PointwiseInputs<T> in, T* out, F f) {
  simd<Level256>([=]() NORMA_INLINE {
    if (in.weight || in.pos_weight) {
      for (int64_t i = begin; i < end; ++i) {
        const T w = in.weight ? in.weight[i] : T(1), p = in.pos_weight ? in.pos_weight[i] : T(1);
        out[i] = f(in.x[i], in.target[i], w, p);
      }
    } else {
      for (int64_t i = begin; i < end; ++i) out[i] = f(in.x[i], in.target[i], T(1), T(1));
    }
  });
}

}  // namespace

template <class T>
void pointwise_loss(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in, T* loss) {
  if (plain_kernels()) return plain::pointwise_loss(kind, count, in, loss);
  with_kind(kind, [&]<class Loss>(Loss) {
    parallel_for(count, kChunk, [=](int64_t begin, int64_t end) {
      fill(begin, end, in, loss,
           [](T x, T t, T w, T p) NORMA_INLINE { return Loss::value(x, t, w, p); });
    });
  });
}

template <class T>
double pointwise_loss_sum(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in) {
  if (plain_kernels()) return plain::pointwise_loss_sum(kind, count, in);
  const int64_t chunks = ceil_div(count, kChunk);
  const Scratch<double> sums(std::max<int64_t>(1, chunks));
  double* const parts = sums.data();
  with_kind(kind, [&]<class Loss>(Loss) {
    parallel_for(chunks, 1, [=](int64_t begin, int64_t end) {
      constexpr int64_t kRun = 512;
      T values[kRun];
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        const int64_t stop = std::min(count, (chunk + 1) * kChunk);
        parts[chunk] = 0.0;
        for (int64_t at = chunk * kChunk; at < stop; at += kRun) {
          const int64_t n = std::min(kRun, stop - at);
          const PointwiseInputs<T> here{in.x + at, in.target + at,
                                        in.weight ? in.weight + at : nullptr,
                                        in.pos_weight ? in.pos_weight + at : nullptr};
          fill(0, n, here, values,
               [](T x, T t, T w, T p) NORMA_INLINE { return Loss::value(x, t, w, p); });
          parts[chunk] += ordered_sum(n, values);
        }
      }
    });
  });
  return ordered_sum(chunks, parts);
}

template <class T>
void pointwise_loss_backward(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in,
                             LossGradient<T> g, T* dx, T* dtarget) {
  if (plain_kernels()) return plain::pointwise_loss_backward(kind, count, in, g, dx, dtarget);
  if (count == 0) return;
  const T scale = static_cast<T>(g.stride ? g.scale : g.scale * static_cast<double>(g.values[0]));
  const auto times_gradient = [=](int64_t begin, int64_t end, T* out) {
    if (g.stride == 0) return;
    for (int64_t i = begin; i < end; ++i) out[i] *= g.values[i];
  };
  with_kind(kind, [&]<class Loss>(Loss) {
    parallel_for(count, kChunk, [=](int64_t begin, int64_t end) {
      if (dx) {
        fill(begin, end, in, dx,
             [=](T x, T t, T w, T p) NORMA_INLINE { return Loss::dx(x, t, w, p) * scale; });
        times_gradient(begin, end, dx);
      }
      if (dtarget) {
        fill(begin, end, in, dtarget,
             [=](T x, T t, T w, T p) NORMA_INLINE { return Loss::dt(x, t, w, p) * scale; });
        times_gradient(begin, end, dtarget);
      }
    });
  });
}

#define NORMA_INSTANTIATE(T)                                                           \
  template void pointwise_loss<T>(PointwiseLoss, int64_t, PointwiseInputs<T>, T*);     \
  template double pointwise_loss_sum<T>(PointwiseLoss, int64_t, PointwiseInputs<T>);   \
  template void pointwise_loss_backward<T>(PointwiseLoss, int64_t, PointwiseInputs<T>, \
                                           LossGradient<T>, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
