#include "norma/layers/margin_loss.h"

namespace norma::nn {

namespace F = functional;

Tensor MarginRankingLoss::forward(const Tensor& input1, const Tensor& input2,
                                  const Tensor& target) {
  return F::margin_ranking_loss(input1, input2, target, options_);
}

Tensor CosineEmbeddingLoss::forward(const Tensor& input1, const Tensor& input2,
                                    const Tensor& target) {
  return F::cosine_embedding_loss(input1, input2, target, options_);
}

TripletMarginLoss::TripletMarginLoss(const TripletMarginLossOptions& options) : options_(options) {
  if (!(options.margin > 0)) {
    fail("TripletMarginLoss", "expected a margin above 0, got ", options.margin);
  }
}
Tensor TripletMarginLoss::forward(const Tensor& anchor, const Tensor& positive,
                                  const Tensor& negative) {
  return F::triplet_margin_loss(anchor, positive, negative, options_);
}

Tensor GaussianNLLLoss::forward(const Tensor& input, const Tensor& target, const Tensor& var) {
  return F::gaussian_nll_loss(input, target, var, options_);
}

Tensor CosineSimilarity::forward(const Tensor& x1, const Tensor& x2) {
  return F::cosine_similarity(x1, x2, options_.dim, options_.eps);
}

Tensor PairwiseDistance::forward(const Tensor& x1, const Tensor& x2) {
  return F::pairwise_distance(x1, x2, options_.p, options_.eps, options_.keepdim);
}

}  // namespace norma::nn
