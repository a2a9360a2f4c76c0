// What the losses are told, and what they keep.
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

  static constexpr int64_t kWide = sizeof(T) == sizeof(double) ? 1 : 2;
  /// In one array of this many elements.
  static int64_t size(ClassShape s) { return s.rows() * (kWide + s.classes + 1); }
  SoftmaxRows(T* values, ClassShape s)
      : sum(reinterpret_cast<double*>(values)),
        exps(values + s.rows() * kWide),
        max(exps + s.rows() * s.classes) {}
};

/// The gradient of a loss: one value per row (stride 1) or one for all (stride 0), times
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

/// Probabilities q, laid out as the logits.
template <class T>
struct SoftTargets {
  const T* q;
  const T* weight;
  double smoothing;
};

/// Losses of one input and one target element each.
enum class PointwiseLoss { Squared, Absolute, Logistic };
template <class T>
struct PointwiseInputs {
  const T* x;
  const T* target;
  const T* weight;      // Logistic only; null: ones
  const T* pos_weight;  // Logistic only; null: ones

  /// Those from element `i` on.
  PointwiseInputs from(int64_t i) const {
    return {x + i, target + i, weight ? weight + i : nullptr,
            pos_weight ? pos_weight + i : nullptr};
  }
};

}  // namespace norma::kernels
