// Losses that compare vectors, or take three tensors, and distances as modules.
//
// Errors of all: those of the function behind it (autograd/functional_losses.h), in forward: an
// undefined tensor, integers where it takes none, sizes that do not fit, Reduction::BatchMean.
#pragma once
#include "norma/autograd/functional_losses.h"
#include "norma/layers/loss.h"

namespace norma::nn {

/// The base of losses of three tensors. Derive and override `forward(a, b, c)` to write one.
class TernaryLoss : public Callable<TernaryLoss> {
 public:
  using Module::forward;
  virtual Tensor forward(const Tensor& a, const Tensor& b, const Tensor& c) = 0;
};

using MarginRankingLossOptions = functional::MarginRankingOptions;

/// max(0, -y (x1 - x2) + margin): y = 1 wants x1 to be the larger, y = -1 x2.
class MarginRankingLoss : public Cloneable<MarginRankingLoss, TernaryLoss> {
 public:
  explicit MarginRankingLoss(const MarginRankingLossOptions& options = {}) : options_(options) {}
  using TernaryLoss::forward;
  Tensor forward(const Tensor& input1, const Tensor& input2, const Tensor& target) override;
  MarginRankingLoss fresh() const { return MarginRankingLoss(options_); }

 private:
  MarginRankingLossOptions options_;
};

using CosineEmbeddingLossOptions = functional::CosineEmbeddingOptions;

/// With c = cos(x1, x2) of the rows of [N, D]: 1 - c where y = 1, max(0, c - margin) where y = -1;
/// y [N].
class CosineEmbeddingLoss : public Cloneable<CosineEmbeddingLoss, TernaryLoss> {
 public:
  explicit CosineEmbeddingLoss(const CosineEmbeddingLossOptions& options = {})
      : options_(options) {}
  using TernaryLoss::forward;
  Tensor forward(const Tensor& input1, const Tensor& input2, const Tensor& target) override;
  CosineEmbeddingLoss fresh() const { return CosineEmbeddingLoss(options_); }

 private:
  CosineEmbeddingLossOptions options_;
};

using TripletMarginLossOptions = functional::TripletMarginOptions;

/// max(0, d(anchor, positive) - d(anchor, negative) + margin), d being the p-norm of the
/// difference; see functional::TripletMarginOptions. Errors: a margin <= 0.
///
/// Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional
/// neural networks", BMVC 2016.
class TripletMarginLoss : public Cloneable<TripletMarginLoss, TernaryLoss> {
 public:
  explicit TripletMarginLoss(const TripletMarginLossOptions& options = {});
  using TernaryLoss::forward;
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) override;
  TripletMarginLoss fresh() const { return TripletMarginLoss(options_); }

 private:
  TripletMarginLossOptions options_;
};

using GaussianNLLLossOptions = functional::GaussianNLLOptions;

/// (log var + (x - y)² / var) / 2, called with x, y and the variance. Errors: a negative variance.
///
/// Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
/// 1994.
class GaussianNLLLoss : public Cloneable<GaussianNLLLoss, TernaryLoss> {
 public:
  explicit GaussianNLLLoss(const GaussianNLLLossOptions& options = {}) : options_(options) {}
  using TernaryLoss::forward;
  Tensor forward(const Tensor& input, const Tensor& target, const Tensor& var) override;
  GaussianNLLLoss fresh() const { return GaussianNLLLoss(options_); }

 private:
  GaussianNLLLossOptions options_;
};

struct CosineSimilarityOptions {
  int64_t dim = 1;    ///< along which it is computed
  double eps = 1e-8;  ///< the least product of norms
};

/// x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along `dim`.
class CosineSimilarity : public Cloneable<CosineSimilarity, Loss> {
 public:
  explicit CosineSimilarity(const CosineSimilarityOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& x1, const Tensor& x2) override;
  CosineSimilarity fresh() const { return CosineSimilarity(options_); }

 private:
  CosineSimilarityOptions options_;
};

struct PairwiseDistanceOptions {
  double p = 2.0;        ///< of the norm
  double eps = 1e-6;     ///< added to each difference
  bool keepdim = false;  ///< leaves a last dimension of 1
};

/// The p-norm of x1 - x2 + eps along the last dimension.
class PairwiseDistance : public Cloneable<PairwiseDistance, Loss> {
 public:
  explicit PairwiseDistance(const PairwiseDistanceOptions& options = {}) : options_(options) {}
  using Loss::forward;
  Tensor forward(const Tensor& x1, const Tensor& x2) override;
  PairwiseDistance fresh() const { return PairwiseDistance(options_); }

 private:
  PairwiseDistanceOptions options_;
};

}  // namespace norma::nn
