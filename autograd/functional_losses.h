// More losses, and distances: PyTorch's `torch.nn.functional`. The layers: layers/element_loss.h,
// layers/margin_loss.h.
//
// x is the input, t the target. Reduction as in `mse_loss`: the mean over all elements, their sum,
// or None, the losses themselves. Errors of all: an undefined tensor, sizes that do not fit or
// broadcast, Reduction::BatchMean but for kl_div, and a `weight` that requires a gradient; where
// nothing else is said, an input of integers or bools.
#pragma once
#include "norma/autograd/functional.h"

namespace norma::functional {

struct BinaryCrossEntropyOptions {
  Tensor weight = Tensor();               ///< rescales each element, broadcast to the input
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// -w [t log x + (1 - t) log(1 - x)], logarithms being at least -100. Errors: other sizes of the
/// target, and elements of either that are not in [0, 1]. Of what a sigmoid gives, the one with
/// logits is exact.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyOptions& options = {});

struct SmoothL1Options {
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
  double beta = 1.0;                      ///< where the square ends and the line begins
};
/// With d = |x - t|: d² / (2 beta) where d < beta, d - beta/2 elsewhere. Errors: beta < 0, sizes
/// that differ.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1Options& options = {});

struct HuberOptions {
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
  double delta = 1.0;                     ///< where the square ends and the line begins
};
/// With d = |x - t|: d²/2 where d <= delta, delta (d - delta/2) elsewhere. Errors: delta <= 0,
/// sizes that differ.
Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options = {});

struct KLDivOptions {
  Reduction reduction = Reduction::Mean;  ///< BatchMean is the mathematical one
  bool log_target = false;                ///< the target holds log-probabilities, too
};
/// t (log t - x), 0 log 0 being 0, for log-probabilities x; with `log_target`, e^t (t - x).
/// Broadcasts. Errors: a target of integers.
Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivOptions& options = {});

struct PoissonNLLOptions {
  bool log_input = true;                  ///< x is the logarithm of the rate
  bool full = false;                      ///< adds Stirling's t log t - t + log(2πt)/2 for t > 1
  double eps = 1e-8;                      ///< keeps the logarithm of a rate from 0
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// e^x - t x, or without `log_input` x - t log(x + eps). Broadcasts; integers, too.
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNLLOptions& options = {});

struct GaussianNLLOptions {
  bool full = false;                      ///< adds log(2π)/2
  double eps = 1e-6;                      ///< the least variance; the gradient passes
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// (log var + (x - t)² / var) / 2; integers, too. var: of the input's sizes, or with its last size
/// 1 or left out, or another one 1. Errors: another var, integers or a negative element in it.
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         const GaussianNLLOptions& options = {});

/// log(1 + e^(-t x)) for t of -1 and 1. Broadcasts.
Tensor soft_margin_loss(const Tensor& input, const Tensor& target,
                        Reduction reduction = Reduction::Mean);

struct MultiLabelSoftMarginOptions {
  Tensor weight = Tensor();               ///< [C], rescales each class
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// For every row [C] the mean over its classes of -w [t log σ(x) + (1 - t) log σ(-x)]. Errors: a
/// 0-d tensor.
Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target,
                                   const MultiLabelSoftMarginOptions& options = {});

struct HingeEmbeddingOptions {
  double margin = 1.0;                    ///< the distance that is asked for
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// x where t = 1, max(0, margin - x) where t = -1. Broadcasts.
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingOptions& options = {});

struct MarginRankingOptions {
  double margin = 0.0;                    ///< the distance that is asked for
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// max(0, -t (x1 - x2) + margin) for t of -1 and 1; integers, too. Errors: several numbers of
/// dimensions.
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingOptions& options = {});

struct CosineEmbeddingOptions {
  double margin = 0.0;                    ///< the distance that is asked for
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// With c = cos(x1, x2) of the rows of [N, D], or of [D]: 1 - c where t = 1, max(0, c - margin)
/// where t = -1; t [N] or []. Errors: other dimensions.
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const CosineEmbeddingOptions& options = {});

struct TripletMarginOptions {
  double margin = 1.0;  ///< the distance that is asked for
  double p = 2.0;       ///< of the distance's norm
  double eps = 1e-6;    ///< added to each difference
  bool swap = false;    ///< the negative's distance to the positive counts where that is smaller
  Reduction reduction = Reduction::Mean;  ///< the mean, the sum, or every element's loss (None)
};
/// max(0, d(anchor, positive) - d(anchor, negative) + margin), d being `pairwise_distance`;
/// integers, too. Errors: a margin <= 0, several numbers of dimensions.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options = {});

/// x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along `dim`. Broadcasts. Errors: integers, no such
/// `dim`.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim = 1, double eps = 1e-8);
/// The p-norm of x1 - x2 + eps along the last dimension. Broadcasts; integers, too.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2.0, double eps = 1e-6,
                         bool keepdim = false);
/// x / max(‖x‖, eps), the p-norm along `dim`. Errors: integers, no such `dim`.
Tensor normalize(const Tensor& input, double p = 2.0, int64_t dim = 1, double eps = 1e-12);

}  // namespace norma::functional
