// The loops of the losses, on contiguous memory.
#pragma once
#include <cstdint>

namespace norma::kernels {

/// Logits [n, classes, inner]: n * inner rows of `classes` values, `inner` apart.
struct ClassShape {
  int64_t n, classes, inner;
  int64_t rows() const { return n * inner; }
};

/// The softmax of every row in parts: exps = exp(x - max), row after row, max, and Σexps in double.
template <class T>
struct SoftmaxRows {
  double* sum;
  T* exps;
  T* max;
  T* spare;  // room for a value per row

  static constexpr int64_t kWide = sizeof(double) / sizeof(T);
  /// In one array of this many elements.
  static int64_t size(ClassShape s) { return s.rows() * (kWide + s.classes + 2); }
  SoftmaxRows(T* values, ClassShape s)
      : sum(reinterpret_cast<double*>(values)),
        exps(values + s.rows() * kWide),
        max(exps + s.rows() * s.classes),
        spare(max + s.rows()) {}
};

template <class T>
void softmax_rows(ClassShape shape, const T* x, SoftmaxRows<T> out);

/// The gradient of the losses below: one value per row (stride 1) or one for all (stride 0), times
/// `scale`.
template <class T>
struct LossGradient {
  const T* values;
  int64_t stride;
  double scale;
};

/// One class per row.
template <class T>
struct ClassTargets {
  const int64_t* index;
  const T* weight;  // per class; null: ones
  int64_t ignore_index;
  double smoothing;
};
/// loss_r = (1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c); 0 for ignored rows.
template <class T>
void cross_entropy_forward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                           ClassTargets<T> targets, T* loss);
template <class T>
void cross_entropy_backward(ClassShape shape, SoftmaxRows<T> softmax, ClassTargets<T> targets,
                            LossGradient<T> g, T* dx);

/// Probabilities q, laid out as the logits.
template <class T>
struct SoftTargets {
  const T* q;
  const T* weight;
  double smoothing;
};
/// loss_r = -Σ_c w_c ((1 - s) q_c + s / C) log p_c.
template <class T>
void soft_cross_entropy_forward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                                SoftTargets<T> targets, T* loss);
/// Null outputs are skipped.
template <class T>
void soft_cross_entropy_backward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                                 SoftTargets<T> targets, LossGradient<T> g, T* dx, T* dq);

/// loss_r = -w_y x_y from log-probabilities.
template <class T>
void nll_forward(ClassShape shape, const T* x, ClassTargets<T> targets, T* loss);
template <class T>
void nll_backward(ClassShape shape, ClassTargets<T> targets, LossGradient<T> g, T* dx);

/// Losses of one input and one target element each.
enum class PointwiseLoss { Squared, Absolute, Logistic };
template <class T>
struct PointwiseInputs {
  const T* x;
  const T* target;
  const T* weight;      // Logistic only; null: ones
  const T* pos_weight;  // Logistic only; null: ones
};
template <class T>
void pointwise_loss(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in, T* loss);
/// The sum of all, the same for every number of threads.
template <class T>
double pointwise_loss_sum(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in);
/// Null outputs are skipped.
template <class T>
void pointwise_loss_backward(PointwiseLoss kind, int64_t count, PointwiseInputs<T> in,
                             LossGradient<T> g, T* dx, T* dtarget);

}  // namespace norma::kernels
