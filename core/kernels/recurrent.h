// Recurrent layers, fast: the loop over time, and in each step one product and one pass over the
// gates. Their plain twin, the definition: plain/recurrent.h.
#pragma once
#include "norma/core/kernels/recurrent_shape.h"

namespace norma::kernels {

template <class T>
void recurrent_forward(const Recurrence& recurrence, const RecurrentForward<T>& arguments);

/// `dout` of sequences is shared out among threads, as in forward; of the weights the caller takes
/// products over all steps.
template <class T>
void recurrent_backward(const Recurrence& recurrence, const RecurrentBackward<T>& arguments);

}  // namespace norma::kernels
