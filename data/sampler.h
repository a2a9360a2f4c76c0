// Which samples an epoch visits, and in which order.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "norma/core/random.h"
#include "norma/core/tensor.h"

namespace norma::data {

/// One of those below, or your own.
struct Sampler {
  /// The numbers of the samples of an epoch, kInt64 [length], for a set of `samples` of them.
  /// `generator` is another in every epoch.
  std::function<Tensor(int64_t samples, Generator& generator)> order;
  int64_t length = -1;  ///< how many; -1: as many as there are samples
  /// Told the number of each epoch before `order` is asked; may be empty.
  std::function<void(int64_t epoch)> on_epoch = {};
  /// Which of several loaders of the same seed it is for, from 0: their random transforms differ.
  int64_t replica = 0;
};

/// 0, 1, 2, …
struct SequentialSampler : Sampler {
  SequentialSampler();
};

/// The options of `RandomSampler`.
struct RandomSamplerOptions {
  bool replacement = false;  ///< each draw from all samples
  int64_t num_samples = -1;  ///< -1: as many as there are
};

/// Every sample once, in random order; more than there are begin anew with another order. Errors:
/// num_samples below 1 and not -1.
struct RandomSampler : Sampler {
  explicit RandomSampler(const RandomSamplerOptions& options = {});
};

/// Sample i with a probability in proportion to weights[i]: for classes that are rare.
struct WeightedRandomSampler : Sampler {
  /// `weights` are one number from 0 per sample. Without replacement, at most as many are drawn as
  /// have weights above 0. Errors: others, more, num_samples below 1, no weight above 0.
  WeightedRandomSampler(const Tensor& weights, int64_t num_samples, bool replacement = true);
};

/// These samples in random order. Errors: no index.
struct SubsetRandomSampler : Sampler {
  explicit SubsetRandomSampler(std::vector<int64_t> indices);
};

}  // namespace norma::data
