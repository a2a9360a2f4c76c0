// Softmax and the cross-entropy: how wrong a classifier's answers are.
#pragma once
#include <norma/norma.h>

namespace mine {

using norma::Tensor;

/// Each row of logits [N, C] as C probabilities.
inline Tensor softmax(const Tensor& logits) {
  const Tensor weights = (logits - logits.max(1, /*keepdim=*/true).first).exp();
  return weights / weights.sum({1}, /*keepdim=*/true);
}

/// The mean over the rows of -log(probability of the row's label); labels [N], each in 0..C-1.
inline Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  const Tensor shifted = logits - logits.max(1, /*keepdim=*/true).first;
  const Tensor log_of_sum = shifted.exp().sum({1}, /*keepdim=*/true).log();
  return -(shifted - log_of_sum).gather(1, labels.unsqueeze(1)).mean();
}

/// The gradient of cross_entropy(logits, labels) by the logits, [N, C].
inline Tensor cross_entropy_backward(const Tensor& logits, const Tensor& labels) {
  const Tensor right = norma::functional::one_hot(labels, logits.size(1));
  return (softmax(logits) - right.to(logits.dtype())) / logits.size(0);
}

}  // namespace mine
