// The loops of the losses over classes, on contiguous memory.
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

}  // namespace norma::kernels
