// softmax and log_softmax along the middle of [outer, length, inner].
#pragma once
#include "norma/core/kernels/middle_shape.h"

namespace norma::kernels {

/// y = exp(x - max) / Σ exp(x - max), or its logarithm x - max - log Σ. All but the difference
/// x - max is done in double and rounded once. A NaN or inf in a line makes the line NaN.
template <class T>
void softmax_forward(MiddleShape shape, bool log, const T* x, T* y);

/// dx = y (g - Σ g y / Σ y), or g - exp(y) Σ g, in double.
template <class T>
void softmax_backward(MiddleShape shape, bool log, const T* g, const T* y, T* dx);

}  // namespace norma::kernels
