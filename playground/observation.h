// What is seen in the hidden layers, for the page.
#pragma once
#include "norma/norma.h"

#include <string>
#include <vector>

namespace playground {

/// One hidden layer.
struct LayerObservation {
  norma::Tensor activation;  ///< [N, C] of a batch in training, with its gradient
  norma::Tensor batch;       ///< [N, C]: what its norm got in that batch
  norma::Tensor asked;       ///< [M, C]: what it got in the last evaluation; undefined: none was
  const norma::nn::BatchNorm1d* norm = nullptr;  ///< null where it has no BatchNorm
};

/// Bins of a histogram.
constexpr int kBins = 41;

/// `{"activations": [low, high], "gradients": [low, high], "layers": [{"activations": {…},
/// "gradients": {…}, "norm": {…}}, …]}`. The ranges are the same for all layers: a power of two
/// from three times the root of the mean square on, half of it where no value is negative.
/// A histogram is `{"mean", "std", "zeros", "bins"}`: exact zeros are a share and in no bin, what
/// lies beyond the range is in the outermost. A norm is `{"batches", "batch_mean", "batch_var",
/// "running_mean", "running_var", "asked_mean", "asked_var"}`: batches counted, then lists of a
/// number per channel, the variances unbiased, as BatchNorm remembers them; null for a batch of
/// one, and where nothing was asked.
std::string to_json(const std::vector<LayerObservation>& layers);

}  // namespace playground
