// InstanceNorm1d, InstanceNorm2d and InstanceNorm3d.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

struct InstanceNormOptions {
  double eps = 1e-5;                 ///< added to the variance
  double momentum = 0.1;             ///< weight of the new value in the running statistics
  bool affine = false;               ///< learn gamma and beta
  bool track_running_stats = false;  ///< keep statistics, and use them in evaluation
  bool bias = true;                  ///< false: gamma alone
};

/// What the norms of single channels of single samples have in common:
/// y = (x - mean) / √(var + eps) · weight + bias with the mean and the biased variance of each
/// channel of each sample. An input without a batch counts as one sample.
///
/// With `{.track_running_stats = true}`, training moves running statistics by `momentum` towards
/// the means over the samples, of the unbiased variance; evaluation uses them.
///
/// Parameters of shape [C], with `{.affine = true}`: `weight` (ones) and `bias` (zeros). Buffers
/// where statistics are tracked: `running_mean`, `running_var` and `num_batches_tracked`, which
/// stays 0 as in PyTorch.
///
/// Errors: another rank, another number of channels where there are parameters or statistics (it
/// warns otherwise), and a single value per channel. In the constructor: num_features or eps below
/// 0, a momentum outside of [0, 1].
///
/// Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast
/// stylization", arXiv:1607.08022.
class InstanceNorm : public Module {
 public:
  Tensor forward(const Tensor& input) override;
  /// Running statistics as at the start.
  void reset_running_stats();
  /// Everything as at the start.
  void reset_parameters();

  int64_t num_features() const { return num_features_; }
  const InstanceNormOptions& options() const { return options_; }
  std::string extra_repr() const override;

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;  ///< absent ones undefined

 protected:
  InstanceNorm(const char* name, int64_t axes, int64_t num_features,
               const InstanceNormOptions& options);

 private:
  const char* name_;
  int64_t axes_, num_features_;
  InstanceNormOptions options_;
};

/// Over signals [N, C, L] or [C, L].
class InstanceNorm1d : public Cloneable<InstanceNorm1d, InstanceNorm> {
 public:
  explicit InstanceNorm1d(int64_t num_features, const InstanceNormOptions& options = {})
      : Cloneable("InstanceNorm1d", 1, num_features, options) {}
  InstanceNorm1d fresh() const { return InstanceNorm1d(num_features(), options()); }
};

/// Over images [N, C, H, W] or [C, H, W].
class InstanceNorm2d : public Cloneable<InstanceNorm2d, InstanceNorm> {
 public:
  explicit InstanceNorm2d(int64_t num_features, const InstanceNormOptions& options = {})
      : Cloneable("InstanceNorm2d", 2, num_features, options) {}
  InstanceNorm2d fresh() const { return InstanceNorm2d(num_features(), options()); }
};

/// Over volumes [N, C, D, H, W] or [C, D, H, W].
class InstanceNorm3d : public Cloneable<InstanceNorm3d, InstanceNorm> {
 public:
  explicit InstanceNorm3d(int64_t num_features, const InstanceNormOptions& options = {})
      : Cloneable("InstanceNorm3d", 3, num_features, options) {}
  InstanceNorm3d fresh() const { return InstanceNorm3d(num_features(), options()); }
};

}  // namespace norma::nn
