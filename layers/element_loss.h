// Losses of each element by itself, as modules: `loss(output, target)`.
//
// Errors of all: those of the function behind it (autograd/functional_losses.h), in forward: an
// undefined tensor, integers where it takes none, sizes that do not fit, Reduction::BatchMean but
// for KLDivLoss.
#pragma once
#include "norma/autograd/functional_losses.h"
#include "norma/layers/loss.h"

namespace norma::nn {

using BCELossOptions = functional::BinaryCrossEntropyOptions;

/// Binary cross-entropy from probabilities: -w [y log x + (1 - y) log(1 - x)], logarithms being at
/// least -100. Errors: x or y outside of [0, 1], of several sizes. `{.weight}` w (a buffer)
/// broadcasts to the input. From logits, BCEWithLogitsLoss is exact where this one is cut off.
class BCELoss : public Cloneable<BCELoss, Loss> {
 public:
  explicit BCELoss(const BCELossOptions& options = {});
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  BCELoss fresh() const { return BCELoss(options_); }

  Tensor weight;  ///< of the options

 private:
  BCELossOptions options_;
};

using SmoothL1LossOptions = functional::SmoothL1Options;

/// With d = |x - y|: d² / (2 beta) where d < beta, d - beta/2 elsewhere. Errors: beta < 0.
///
/// Girshick, "Fast R-CNN", arXiv:1504.08083.
class SmoothL1Loss : public Cloneable<SmoothL1Loss, Loss> {
 public:
  explicit SmoothL1Loss(const SmoothL1LossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  SmoothL1Loss fresh() const { return SmoothL1Loss(options_); }

 private:
  SmoothL1LossOptions options_;
};

using HuberLossOptions = functional::HuberOptions;

/// With d = |x - y|: d²/2 where d <= delta, delta (d - delta/2) elsewhere. Errors: delta <= 0.
class HuberLoss : public Cloneable<HuberLoss, Loss> {
 public:
  explicit HuberLoss(const HuberLossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  HuberLoss fresh() const { return HuberLoss(options_); }

 private:
  HuberLossOptions options_;
};

using KLDivLossOptions = functional::KLDivOptions;

/// y (log y - x) from log-probabilities x; y are probabilities, or with `{.log_target = true}`
/// their logarithms. `Reduction::BatchMean`, the sum over the number of rows, is the mathematical
/// divergence; the default divides by the number of elements, as in PyTorch.
class KLDivLoss : public Cloneable<KLDivLoss, Loss> {
 public:
  explicit KLDivLoss(const KLDivLossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  KLDivLoss fresh() const { return KLDivLoss(options_); }

 private:
  KLDivLossOptions options_;
};

using PoissonNLLLossOptions = functional::PoissonNLLOptions;

/// exp(x) - y x for the logarithm x of a rate; see functional::PoissonNLLOptions.
class PoissonNLLLoss : public Cloneable<PoissonNLLLoss, Loss> {
 public:
  explicit PoissonNLLLoss(const PoissonNLLLossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  PoissonNLLLoss fresh() const { return PoissonNLLLoss(options_); }

 private:
  PoissonNLLLossOptions options_;
};

using HingeEmbeddingLossOptions = functional::HingeEmbeddingOptions;

/// x where y = 1, max(0, margin - x) where y = -1.
class HingeEmbeddingLoss : public Cloneable<HingeEmbeddingLoss, Loss> {
 public:
  explicit HingeEmbeddingLoss(const HingeEmbeddingLossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  HingeEmbeddingLoss fresh() const { return HingeEmbeddingLoss(options_); }

 private:
  HingeEmbeddingLossOptions options_;
};

struct SoftMarginLossOptions {
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};

/// log(1 + exp(-y x)) for y of -1 and 1.
class SoftMarginLoss : public Cloneable<SoftMarginLoss, Loss> {
 public:
  explicit SoftMarginLoss(const SoftMarginLossOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  SoftMarginLoss fresh() const { return SoftMarginLoss(options_); }

 private:
  SoftMarginLossOptions options_;
};

using MultiLabelSoftMarginLossOptions = functional::MultiLabelSoftMarginOptions;

/// For every row [C] the mean over its classes of -w [y log σ(x) + (1 - y) log σ(-x)]; `{.weight}`
/// w [C] (a buffer) weighs the classes.
class MultiLabelSoftMarginLoss : public Cloneable<MultiLabelSoftMarginLoss, Loss> {
 public:
  explicit MultiLabelSoftMarginLoss(const MultiLabelSoftMarginLossOptions& options = {});
  using Loss::forward;
  Tensor forward(const Tensor& input, const Tensor& target) override;
  MultiLabelSoftMarginLoss fresh() const { return MultiLabelSoftMarginLoss(options_); }

  Tensor weight;  ///< of the options

 private:
  MultiLabelSoftMarginLossOptions options_;
};

}  // namespace norma::nn
