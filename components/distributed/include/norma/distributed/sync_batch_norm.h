// SyncBatchNorm: batch normalisation over the samples of all ranks.
#pragma once
#include "norma/layers/batch_norm.h"

namespace norma::nn {

/// BatchNorm over [N, C, …] whose statistics are those of the batches of all ranks together:
/// whether a batch is on one rank or in parts on several, the numbers are the same. In training,
/// each channel has on rank r the n_r values of its batch, their mean m_r and biased variance v_r:
///
///     n = Σ n_r,  mean = Σ n_r m_r / n,  var = Σ n_r (v_r + (m_r - mean)²) / n
///     y = (x - mean) / √(var + eps) · weight + bias
///     running = (1 - momentum) · running + momentum · batch
///
/// where running_var takes var · n / (n - 1). All is added up in float64 and in the order of the
/// ranks, so that all have the same bits. Backward adds sums up over the ranks, too, x̂ being
/// (x - mean) / √(var + eps):
///
///     dx = (dy - Σ dy / n - x̂ · Σ dy x̂ / n) · weight / √(var + eps)
///
/// The gradients of `weight` and `bias` are sums over the rank's own samples: averaging them is the
/// part of DistributedDataParallel.
///
/// Ranks may have batches of different sizes, and empty ones [0, C, …], which give an empty result;
/// all call the layer, and all run backward where any does. In evaluation, while the statistics are
/// frozen, with one rank and without a process group it is BatchNorm, and tells nobody anything.
/// Parameters, buffers, their names, `clone()`, and what else a BatchNorm has are BatchNorm's.
///
/// Errors: those of BatchNorm, of fewer than two dimensions and of the process group; on all ranks:
/// a single value per channel on all together. Its backward cannot be differentiated again
/// (`create_graph`), as PyTorch's.
///
/// PyTorch: `torch.nn.SyncBatchNorm`, which refuses tensors outside of GPUs.
class SyncBatchNorm : public Cloneable<SyncBatchNorm, BatchNorm> {
 public:
  explicit SyncBatchNorm(int64_t num_features, const BatchNormOptions& options = {});
  SyncBatchNorm fresh() const { return SyncBatchNorm(num_features(), options()); }

  /// Replaces every BatchNorm1d, BatchNorm2d and BatchNorm3d of a model, and the model itself if it
  /// is one, by a SyncBatchNorm with the same tensors, mode and name; returns the model. Members of
  /// classes refer to the new layers (see `Module::set_submodule`), and an optimiser goes on with
  /// the same parameters. Hooks stay behind. Classes derived from these three keep their own way.
  /// ```cpp
  /// nn::Sequential net(nn::Conv2d(1, 8, 3), nn::BatchNorm2d(8), nn::ReLU());
  /// nn::SyncBatchNorm::convert_sync_batchnorm(net);
  /// ```
  /// Errors: a model whose forward runs.
  template <AnyModule M>
  static M& convert_sync_batchnorm(M& model) {
    convert(model);
    return model;
  }

 protected:
  void check_input(const Tensor& input, bool batch_statistics) const override;
  Tensor operation(Tensor input, const functional::BatchNormArgs& args) override;

 private:
  explicit SyncBatchNorm(const BatchNorm& other);
  static void convert(Module& model);
  bool asks_others() const;
};

}  // namespace norma::nn
