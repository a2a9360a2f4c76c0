// The loops of the losses of one input and one target element each.
#pragma once
#include "norma/core/kernels/loss_shape.h"

namespace norma::kernels {

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
