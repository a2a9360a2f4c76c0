// Gradient clipping: between `backward()` and `step()`.
#pragma once
#include <vector>

#include "norma/core/tensor.h"

namespace norma::optim {

/// Scales all gradients in place by max_norm / (total + 1e-6) where that is below 1; `total` is the
/// norm of all gradients seen as one vector, (Σ|g|^p)^(1/p) for p = `norm_type`, the largest
/// (smallest) |g| for (-)infinity; for 0 how many gradients are not all 0. Returns `total`, summed
/// in double, 0 without gradients. Errors: max_norm < 0, and with `error_if_nonfinite` an
/// infinite or NaN total; no gradient changes then.
double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                       double norm_type = 2.0, bool error_if_nonfinite = false);

/// Clamps every gradient element to [-clip_value, clip_value], in place. Errors: clip_value < 0.
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

}  // namespace norma::optim
