// The losses, by their definition. The fast version: core/kernels/loss/class_loss.h.
#pragma once
#include <cmath>

#include "norma/core/kernels/loss_shape.h"
#include "norma/core/kernels/plain/sums.h"

namespace norma::kernels::plain {

/// Where class c of row r lies.
inline int64_t logit(ClassShape s, int64_t r, int64_t c) {
  return (r / s.inner * s.classes + c) * s.inner + r % s.inner;
}

/// Each row's max, exp(x - max) and their sum: p_c = exp / sum.
template <class T>
void softmax_rows(ClassShape s, const T* x, SoftmaxRows<T> out) {
  for (int64_t r = 0; s.classes > 0 && r < s.rows(); ++r) {
    out.max[r] = x[logit(s, r, 0)];
    for (int64_t c = 0; c < s.classes; ++c) out.max[r] = std::fmax(out.max[r], x[logit(s, r, c)]);
    out.sum[r] = 0;
    for (int64_t c = 0; c < s.classes; ++c) {
      const double e = std::exp(double(x[logit(s, r, c)]) - double(out.max[r]));
      out.exps[r * s.classes + c] = static_cast<T>(e);
      out.sum[r] += e;
    }
  }
}

/// -log p_c = log Σ - (x_c - max), times the weight of the class.
template <class T>
double surprise(ClassShape s, const T* x, SoftmaxRows<T> softmax, const T* weight, int64_t r,
                int64_t c) {
  const double z = std::log(softmax.sum[r]) - (double(x[logit(s, r, c)]) - double(softmax.max[r]));
  return weight ? double(weight[c]) * z : z;
}

/// The gradient of Σ_c w_c t_c (-log p_c) for targets t(c): dx_c = g (p_c Σ_k w_k t_k - w_c t_c).
template <class T, class Target>
void surprise_backward(ClassShape s, SoftmaxRows<T> softmax, const T* weight, Target t, double g,
                       int64_t r, T* dx) {
  const auto weighed = [=](int64_t c) { return weight ? double(weight[c]) * t(c) : t(c); };
  double total = 0;
  for (int64_t c = 0; c < s.classes; ++c) total += weighed(c);
  for (int64_t c = 0; c < s.classes; ++c) {
    const double p = double(softmax.exps[r * s.classes + c]) / softmax.sum[r];
    dx[logit(s, r, c)] = static_cast<T>(g * (p * total - weighed(c)));
  }
}

template <class T>
double gradient_of(LossGradient<T> g, int64_t r) {
  return double(g.values[r * g.stride]) * g.scale;
}

/// loss = (1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c) with smoothing s; 0 for ignored rows.
template <class T>
void cross_entropy_forward(ClassShape s, const T* x, SoftmaxRows<T> softmax,
                           ClassTargets<T> targets, T* loss) {
  const double other = targets.smoothing / static_cast<double>(s.classes);
  for (int64_t r = 0; r < s.rows(); ++r) {
    const int64_t y = targets.index[r];
    double sum = 0;
    if (y != targets.ignore_index) {
      sum = (1 - targets.smoothing) * surprise(s, x, softmax, targets.weight, r, y);
      for (int64_t c = 0; other > 0 && c < s.classes; ++c) {
        sum += other * surprise(s, x, softmax, targets.weight, r, c);
      }
    }
    loss[r] = static_cast<T>(sum);
  }
}

template <class T>
void cross_entropy_backward(ClassShape s, SoftmaxRows<T> softmax, ClassTargets<T> targets,
                            LossGradient<T> g, T* dx) {
  const double other = targets.smoothing / static_cast<double>(s.classes);
  for (int64_t r = 0; r < s.rows(); ++r) {
    const int64_t y = targets.index[r];
    for (int64_t c = 0; c < s.classes; ++c) dx[logit(s, r, c)] = T(0);
    if (y == targets.ignore_index) continue;
    const auto t = [=](int64_t c) { return (c == y ? 1 - targets.smoothing : 0.0) + other; };
    surprise_backward(s, softmax, targets.weight, t, gradient_of(g, r), r, dx);
  }
}

/// loss = Σ_c w_c t_c (-log p_c) with t_c = (1 - s) q_c + s / C.
template <class T>
void soft_cross_entropy_forward(ClassShape s, const T* x, SoftmaxRows<T> softmax,
                                SoftTargets<T> targets, T* loss) {
  const double own = 1 - targets.smoothing,
               other = targets.smoothing / static_cast<double>(s.classes);
  for (int64_t r = 0; r < s.rows(); ++r) {
    double sum = 0;
    for (int64_t c = 0; c < s.classes; ++c) {
      const double t = own * double(targets.q[logit(s, r, c)]) + other;
      sum += t * surprise(s, x, softmax, targets.weight, r, c);
    }
    loss[r] = static_cast<T>(sum);
  }
}

/// dq_c = g (1 - s) w_c (-log p_c).
template <class T>
void soft_cross_entropy_backward(ClassShape s, const T* x, SoftmaxRows<T> softmax,
                                 SoftTargets<T> targets, LossGradient<T> g, T* dx, T* dq) {
  const double own = 1 - targets.smoothing,
               other = targets.smoothing / static_cast<double>(s.classes);
  for (int64_t r = 0; r < s.rows(); ++r) {
    const auto t = [=](int64_t c) { return own * double(targets.q[logit(s, r, c)]) + other; };
    if (dx) surprise_backward(s, softmax, targets.weight, t, gradient_of(g, r), r, dx);
    for (int64_t c = 0; dq && c < s.classes; ++c) {
      const double z = own * surprise(s, x, softmax, targets.weight, r, c);
      dq[logit(s, r, c)] = static_cast<T>(gradient_of(g, r) * z);
    }
  }
}

/// loss = -w_y x_y, x being log-probabilities; 0 for ignored rows.
template <class T>
void nll_forward(ClassShape s, const T* x, ClassTargets<T> targets, T* loss) {
  for (int64_t r = 0; r < s.rows(); ++r) {
    const int64_t y = targets.index[r];
    loss[r] = T(0);
    if (y != targets.ignore_index) {
      loss[r] = -(targets.weight ? targets.weight[y] : T(1)) * x[logit(s, r, y)];
    }
  }
}

template <class T>
void nll_backward(ClassShape s, ClassTargets<T> targets, LossGradient<T> g, T* dx) {
  for (int64_t r = 0; r < s.rows(); ++r) {
    const int64_t y = targets.index[r];
    for (int64_t c = 0; c < s.classes; ++c) dx[logit(s, r, c)] = T(0);
    if (y == targets.ignore_index) continue;
    const double w = targets.weight ? double(targets.weight[y]) : 1.0;
    dx[logit(s, r, y)] = static_cast<T>(-w * gradient_of(g, r));
  }
}

}  // namespace norma::kernels::plain
