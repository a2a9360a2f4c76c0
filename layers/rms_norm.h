// RMSNorm and LocalResponseNorm: norms that divide and do not subtract.
#pragma once
#include <optional>

#include "norma/layers/cloneable.h"

namespace norma::nn {

struct RMSNormOptions {
  std::optional<double> eps = {};  ///< default: the input type's smallest step at 1
  bool elementwise_affine = true;  ///< whether it has parameters
};

/// y = x / √(mean(x²) + eps) · weight over the last dimensions, which must equal
/// `normalized_shape`.
///
/// Parameter `weight` (ones) of that shape, absent with `{.elementwise_affine = false}`.
///
/// Errors: a `normalized_shape` of no dimension or with a negative size, a negative or infinite
/// eps; in forward, integers, another dtype than the weight's, other last dimensions.
///
/// Zhang and Sennrich, "Root mean square layer normalization", arXiv:1910.07467.
class RMSNorm : public Cloneable<RMSNorm> {
 public:
  explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
  explicit RMSNorm(std::initializer_list<int64_t> normalized_shape,
                   const RMSNormOptions& options = {})
      : RMSNorm(Shape(normalized_shape), options) {}

  Tensor forward(const Tensor& input) override;
  void reset_parameters();  ///< ones, and zeros for a bias
  std::string extra_repr() const override;
  RMSNorm fresh() const { return RMSNorm(normalized_shape_, options_); }

  Tensor weight;  ///< undefined where absent

 private:
  Shape normalized_shape_;
  RMSNormOptions options_;
};

struct LocalResponseNormOptions {
  double alpha = 1e-4, beta = 0.75, k = 1.0;  ///< see `LocalResponseNorm`
};

/// y = x / (k + alpha · mean(x²))^beta, the mean over `size` neighbouring channels of [N, C, …],
/// zeros beyond the first and the last. Errors: a size below 1; in forward, integers, fewer than
/// three dimensions.
///
/// Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
/// networks", 2012.
class LocalResponseNorm : public Cloneable<LocalResponseNorm> {
 public:
  explicit LocalResponseNorm(int64_t size, const LocalResponseNormOptions& options = {});

  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  LocalResponseNorm fresh() const { return LocalResponseNorm(size_, options_); }

 private:
  int64_t size_;
  LocalResponseNormOptions options_;
};

}  // namespace norma::nn
