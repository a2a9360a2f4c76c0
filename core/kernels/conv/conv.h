// Convolution in two dimensions; its plain twin, the definition: plain/conv.h.
// The loops behind functional::conv2d, on contiguous memory.
#pragma once
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/storage.h"

namespace norma::kernels {

/// y = x ⋆ w + bias; `bias` may be null. `kept`: that of w, if it may keep copies in another order.
template <class T>
void conv2d_forward(const Conv2dShape& s, const T* x, const T* w, const T* bias, T* y,
                    Storage* kept = nullptr);

/// The gradients that are wanted: `dx`, `dw` and `db` may each be null. They are overwritten.
template <class T>
void conv2d_backward(const Conv2dShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw,
                     T* db);

}  // namespace norma::kernels
