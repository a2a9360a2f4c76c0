// GroupNorm: normalisation within groups of channels of each example.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

struct GroupNormOptions {
  double eps = 1e-5;   ///< added to the variance
  bool affine = true;  ///< whether `weight` and `bias` are there
  bool bias = true;    ///< false: no `bias`
};

/// y = (x - mean) / √(var + eps) · weight + bias for [N, C, …], with the mean and the biased
/// variance of each example over each of `num_groups` groups of C / num_groups neighbouring
/// channels and all dimensions behind them; weight and bias belong to the channels. One group
/// normalises an example as a whole, C groups each channel by itself (instance normalisation).
/// Keeps no statistics and is the same in training and evaluation, whatever the size of the batch.
///
/// Parameters of shape [C]: `weight` (ones) and `bias` (zeros), absent with `{.affine = false}`,
/// the second with `{.bias = false}`.
///
/// Errors: fewer than one group, a number of channels that the groups do not divide; in forward, an
/// input without channels or cells or with another number of channels, another type, and a single
/// value per group in a batch of one group.
///
/// Wu and He, "Group normalization", arXiv:1803.08494.
class GroupNorm : public Cloneable<GroupNorm> {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, const GroupNormOptions& options = {});

  Tensor forward(const Tensor& input) override;
  void reset_parameters();  ///< ones, and zeros for a bias
  int64_t num_groups() const { return num_groups_; }
  int64_t num_channels() const { return num_channels_; }
  const GroupNormOptions& options() const { return options_; }
  std::string extra_repr() const override;
  GroupNorm fresh() const { return GroupNorm(num_groups_, num_channels_, options_); }

  Tensor weight, bias;  ///< absent ones undefined

 private:
  int64_t num_groups_, num_channels_;
  GroupNormOptions options_;
};

}  // namespace norma::nn
