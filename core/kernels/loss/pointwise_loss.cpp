// Fast losses of one input and one target element each; their plain twin is plain/pointwise_loss.h.
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

/// A loss of input x and target t, and its derivatives along both. `w` weighs the element, `p` its
/// positive part. What nobody asks for is not computed: all is inlined, and math sets no errno.
template <class T>
struct Terms {
  T value, dx, dt;
};
struct Squared {
  template <class T>
  static NORMA_INLINE Terms<T> at(T x, T t, T, T) {
    return {(x - t) * (x - t), T(2) * (x - t), T(2) * (t - x)};
  }
};
struct Absolute {
  template <class T>
  static NORMA_INLINE Terms<T> at(T x, T t, T, T) {
    const T d = x - t;
    const T sign = d > T(0) ? T(1) : (d < T(0) ? T(-1) : T(0));  // 0 for NaN, as in PyTorch
    return {std::fabs(d), sign, -sign};
  }
};
struct Logistic {
  // -[p t log σ(x) + (1 - t) log σ(-x)] = (1 - t) x⁺ + p t x⁻ + (1 + (p - 1) t) log(1 + e^-|x|), x⁺
  // and x⁻ being max(x, 0) and max(-x, 0): no terms that cancel for a confident x.
  template <class T>
  static NORMA_INLINE Terms<T> at(T x, T t, T w, T p) {
    const T positive = p - T(1), both = T(1) + positive * t;
    const T log = fast_softplus(-std::fabs(x)), tail = both * fast_sigmoid(-std::fabs(x));
    const T linear = x > T(0) ? (T(1) - t) * x : -(p * t) * x;
    return {w * (linear + both * log), w * (x > T(0) ? (T(1) - t) - tail : tail - p * t),
            w * (positive * log - (x > T(0) ? T(1) : p) * x)};
  }
};

template <class F>
auto with_kind(PointwiseLoss kind, F f) {
  switch (kind) {
    case PointwiseLoss::Squared:
      return f(Squared{});
    case PointwiseLoss::Absolute:
      return f(Absolute{});
    case PointwiseLoss::Logistic:
      break;
  }
  return f(Logistic{});
}

/// out[i] = f(x[i], t[i], w[i], p[i]).
template <class T, class F>
void fill(int64_t count, PointwiseInputs<T> in, T* out, F f) {
  simd<Level256>([=]() NORMA_INLINE {
    if (in.weight || in.pos_weight) {
      for (int64_t i = 0; i < count; ++i) {
        const T w = in.weight ? in.weight[i] : T(1), p = in.pos_weight ? in.pos_weight[i] : T(1);
        out[i] = f(in.x[i], in.target[i], w, p);
      }
    } else {
      for (int64_t i = 0; i < count; ++i) out[i] = f(in.x[i], in.target[i], T(1), T(1));
    }
  });
}

/// Σ of one stretch, a run of values at a time.
template <class Loss, class T>
double sum_stretch(int64_t begin, int64_t end, PointwiseInputs<T> in) {
  constexpr int64_t kRun = 512;
  T values[kRun];
  double sum = 0;
  for (int64_t at = begin; at < end; at += kRun) {
    const int64_t count = std::min(kRun, end - at);
    fill(count, in.from(at), values,
         [](T x, T t, T w, T p) NORMA_INLINE { return Loss::at(x, t, w, p).value; });
    sum += ordered_sum(count, values);
  }
  return sum;
}

}  // namespace

template <class T>
void pointwise_loss(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in, T* loss) {
  if (plain_kernels()) return plain::pointwise_loss(kind, count, in, loss);
  with_kind(kind, [&]<class Loss>(Loss) {
    parallel_for(count, kChunk, [=](int64_t begin, int64_t end) {
      fill(end - begin, in.from(begin), loss + begin,
           [](T x, T t, T w, T p) NORMA_INLINE { return Loss::at(x, t, w, p).value; });
    });
  });
}

template <class T>
double pointwise_loss_sum(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in) {
  if (plain_kernels()) return plain::pointwise_loss_sum(kind, count, in);
  return with_kind(kind, [&]<class Loss>(Loss) {
    const int64_t chunks = ceil_div(count, kChunk);
    if (chunks <= 1) return sum_stretch<Loss>(0, count, in);
    Scratch<double> sums(chunks);
    double* const parts = sums.data();
    parallel_for(chunks, 1, [=](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        const int64_t first = chunk * kChunk;
        parts[chunk] = sum_stretch<Loss>(first, std::min(count, first + kChunk), in);
      }
    });
    return ordered_sum(chunks, parts);
  });
}

template <class T>
void pointwise_loss_backward(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in,
                             LossGradient<T> g, T* dx, T* dtarget) {
  if (plain_kernels()) return plain::pointwise_loss_backward(kind, count, in, g, dx, dtarget);
  if (count == 0) return;
  const T scale = static_cast<T>(g.stride ? g.scale : g.scale * static_cast<double>(g.values[0]));
  with_kind(kind, [&]<class Loss>(Loss) {
    parallel_for(count, kChunk, [=](int64_t begin, int64_t end) {
      const auto write = [=](T* out, auto slope) {
        if (!out) return;
        fill(end - begin, in.from(begin), out + begin, slope);
        for (int64_t i = begin; g.stride != 0 && i < end; ++i) out[i] *= g.values[i];
      };
      write(dx, [=](T x, T t, T w, T p) NORMA_INLINE { return Loss::at(x, t, w, p).dx * scale; });
      write(dtarget,
            [=](T x, T t, T w, T p) NORMA_INLINE { return Loss::at(x, t, w, p).dt * scale; });
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
