// The loops of the losses, on contiguous memory.
#pragma once
#include "norma/core/kernels/loss_shape.h"

namespace norma::kernels {

template <class T>
void softmax_rows(ClassShape shape, const T* x, SoftmaxRows<T> out);

/// loss_r = (1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c); 0 for ignored rows.
template <class T>
void cross_entropy_forward(ClassShape shape, const T* x, SoftmaxRows<T> softmax,
                           ClassTargets<T> targets, T* loss);
template <class T>
void cross_entropy_backward(ClassShape shape, SoftmaxRows<T> softmax, ClassTargets<T> targets,
                            LossGradient<T> g, T* dx);

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
