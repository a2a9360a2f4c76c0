// More norms. Part of autograd/functional.h, in a file of its own, with the errors of all there.
#pragma once
#include "norma/autograd/functional.h"

namespace norma::functional {

struct InstanceNormArgs {
  Tensor running_mean = Tensor();  ///< both undefined: none are kept
  Tensor running_var = Tensor();   ///< both or neither
  Tensor weight = Tensor();        ///< undefined: 1
  Tensor bias = Tensor();          ///< undefined: 0
  bool use_input_stats = true;     ///< false: normalise with the running statistics
  double momentum = 0.1;           ///< weight of the new value in the running statistics
  double eps = 1e-5;               ///< added to the variance
};
/// y = (x - mean) / sqrt(var + eps) * weight + bias with the mean and the biased variance of each
/// channel of each sample of x [N, C, …]. Running statistics, where given, move towards the means
/// over the samples of these (of the unbiased variance). Refuses a single value per channel, one
/// running statistic without the other, and none where they are used. See nn::InstanceNorm2d.
Tensor instance_norm(const Tensor& input, const InstanceNormArgs& args = {});

/// y = x / sqrt(mean(x²) + eps) * weight over the last dimensions, which must equal
/// `normalized_shape`. weight has that shape, undefined: 1; eps by default the type's smallest step
/// at 1 (1.2e-7 for kFloat32). Errors: other last dimensions, `normalized_shape` of none.
Tensor rms_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight = Tensor(),
                std::optional<double> eps = {});

/// y = x / (k + alpha · mean(x²))^beta, the mean over `size` neighbouring channels of [N, C, …],
/// zeros beyond the first and the last. Errors: `size` below 1, fewer than three dimensions.
Tensor local_response_norm(const Tensor& input, int64_t size, double alpha = 1e-4,
                           double beta = 0.75, double k = 1.0);

}  // namespace norma::functional
