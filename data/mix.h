// Batches whose samples are mixtures of two.
#pragma once
#include "norma/core/random.h"
#include "norma/core/tensor.h"
#include "norma/data/dataset.h"

namespace norma::data {

/// λ x[n] + (1 - λ) x[order[n]] of the floating inputs [N, …], and so of the targets: probabilities
/// [N, C], as `cross_entropy` takes them. λ is from 0 to 1. Errors: another λ, integers, different
/// sizes, an order of other numbers.
Batch mixup(const Tensor& inputs, const Tensor& targets, double lambda, const Tensor& order);

/// Images [N, C, H, W] whose rows top, …, top + height - 1 of columns left, …, left + width - 1
/// come from image order[n]; targets mix by area, λ being 1 - height width / (H W).
struct Box {
  int64_t top = 0, left = 0, height = 0, width = 0;  ///< see above
};
/// See Box. Errors: those of `mixup`, no images, a box beyond them.
Batch cutmix(const Tensor& inputs, const Tensor& targets, const Box& box, const Tensor& order);

struct MixOptions {
  double alpha = 1;          ///< λ is from Beta(alpha, alpha)
  int64_t num_classes = -1;  ///< of targets that are classes, kInt64 [N]
};
/// A step of `DataLoader`'s batch_transforms: `mixup` of each sample with the one before it, the
/// first with the last, and one λ for the batch (Zhang et al. 2017). Classes become probabilities.
/// ```cpp
/// data::DataLoader loader(set, {.batch_size = 128, .shuffle = true,
///                               .batch_transforms = {data::MixUp({.num_classes = 10})}});
/// ```
/// Errors: an alpha not above 0 or infinite, num_classes below 1; of a batch no targets, integers
/// as inputs, classes out of range or without num_classes.
class MixUp {
 public:
  explicit MixUp(const MixOptions& options = {});
  void operator()(Batch& batch, Generator& generator = default_generator()) const;

 private:
  MixOptions options_;
};

/// `cutmix` likewise (Yun et al. 2019): the box is int(H sqrt(1 - λ) / 2) rows up and down from a
/// pixel drawn anew, columns likewise, cut at the border. Errors likewise, and no images.
class CutMix {
 public:
  explicit CutMix(const MixOptions& options = {});
  void operator()(Batch& batch, Generator& generator = default_generator()) const;

 private:
  MixOptions options_;
};

}  // namespace norma::data
