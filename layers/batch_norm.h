// BatchNorm1d, BatchNorm2d and BatchNorm3d.
#pragma once
#include <optional>

#include "norma/layers/cloneable.h"

namespace norma::functional {
struct BatchNormArgs;
}

namespace norma::nn {

struct BatchNormOptions {
  double eps = 1e-5;  ///< added to the variance
  /// Weight of the *new* value in the running statistics; `std::nullopt`: their cumulative average.
  std::optional<double> momentum = 0.1;
  bool affine = true;               ///< learn gamma and beta
  bool track_running_stats = true;  ///< false: batch statistics in evaluation, too
  bool bias = true;                 ///< false: gamma alone
};

/// Batch normalisation, what BatchNorm1d to BatchNorm3d have in common. Per channel (axis 1):
///
///     y = (x - mean) / √(var + eps) · weight + bias
///
/// *Training:* `mean` and `var` are those of the batch over every axis but 1, `var` the **biased**
/// one (divided by the number n of values per channel). The running statistics then take
///
///     running = (1 - momentum) · running + momentum · batch
///
/// where `running_var` takes the **unbiased** variance (divided by n - 1). This depends on
/// `train()` alone: it happens under NoGradGuard, too. With `{.momentum = std::nullopt}` the factor
/// is 1 / num_batches_tracked, so that every batch since the start counts the same.
///
/// *Evaluation:* `mean` and `var` are the running ones, which stay as they are.
///
/// Parameters `weight` (gamma, ones) and `bias` (beta, zeros), absent with `{.affine = false}`, the
/// second with `{.bias = false}`.
/// Buffers `running_mean` (zeros), `running_var` (ones) and `num_batches_tracked` (kInt64, 0-d),
/// absent with `{.track_running_stats = false}`. All have one entry per channel.
///
/// Errors, raised before any state changes: another rank, another number of channels, a single
/// value per channel where batch statistics are needed, and an eps of 0 there. In the constructor:
/// num_features or eps below 0, a momentum outside of [0, 1].
///
/// Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
/// covariate shift", arXiv:1502.03167.
class BatchNorm : public Module {
 public:
  Tensor forward(const Tensor& input) override;
  /// `relu(bn(x))` in one pass over memory, forward and backward. Sequential does so by itself
  /// where a ReLU follows.
  Tensor with_relu(Tensor input);

  /// Keeps the layer on its running statistics, as in evaluation, whatever `train()` says: for
  /// fine-tuning. Independent of `requires_grad`: gamma and beta go on learning unless that is
  /// switched off, too. Errors: no running statistics.
  void freeze_stats(bool on = true);
  bool is_frozen() const { return *frozen_; }  ///< what `freeze` set
  /// While on, every batch since the reset counts the same, whatever `momentum` is.
  void average_stats(bool on = true) { averages_ = on; }
  /// Running statistics as at the start.
  void reset_running_stats();
  /// Everything as at the start.
  void reset_parameters();

  int64_t num_features() const { return num_features_; }
  const BatchNormOptions& options() const { return options_; }
  /// PyTorch's; while frozen with ", frozen=True" at the end.
  std::string extra_repr() const override;

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;  ///< absent ones undefined

 protected:
  BatchNorm(const char* name, int64_t min_dim, int64_t max_dim, int64_t num_features,
            const BatchNormOptions& options);
  /// A layer with the tensors and switches of another one, to take its place.
  BatchNorm(const char* name, int64_t min_dim, int64_t max_dim, const BatchNorm& other);
  /// Refuses what `forward` would not take; `batch_statistics`: its own are used.
  virtual void check_input(const Tensor& input, bool batch_statistics) const;
  /// The operation: `functional::batch_norm`, or another one of the same arguments.
  virtual Tensor operation(Tensor input, const functional::BatchNormArgs& args);
  void copy_extra_state(const Module& other) override;
  Tensor forward_donated(Tensor&& input) override;

 private:
  Tensor normalise(Tensor input, bool relu);

  const char* name_;
  int64_t min_dim_, max_dim_, num_features_;
  BatchNormOptions options_;
  std::shared_ptr<bool> frozen_;
  Shared<bool> averages_ = false;
};

/// BatchNorm over [N, C] or [N, C, L]: one mean and variance per channel, over N, or N and L.
/// A sequence [B, T, D] has its channels last: `bn(x.transpose(1, 2)).transpose(1, 2)`.
class BatchNorm1d : public Cloneable<BatchNorm1d, BatchNorm> {
 public:
  explicit BatchNorm1d(int64_t num_features, const BatchNormOptions& options = {})
      : Cloneable("BatchNorm1d", 2, 3, num_features, options) {}
  BatchNorm1d fresh() const { return BatchNorm1d(num_features(), options()); }
};

/// BatchNorm over images [N, C, H, W]: one mean and variance per channel, over N, H and W.
class BatchNorm2d : public Cloneable<BatchNorm2d, BatchNorm> {
 public:
  explicit BatchNorm2d(int64_t num_features, const BatchNormOptions& options = {})
      : Cloneable("BatchNorm2d", 4, 4, num_features, options) {}
  BatchNorm2d fresh() const { return BatchNorm2d(num_features(), options()); }
};

/// BatchNorm over volumes [N, C, D, H, W]: one mean and variance per channel.
class BatchNorm3d : public Cloneable<BatchNorm3d, BatchNorm> {
 public:
  explicit BatchNorm3d(int64_t num_features, const BatchNormOptions& options = {})
      : Cloneable("BatchNorm3d", 5, 5, num_features, options) {}
  BatchNorm3d fresh() const { return BatchNorm3d(num_features(), options()); }
};

}  // namespace norma::nn
