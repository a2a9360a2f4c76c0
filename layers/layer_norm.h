// LayerNorm: normalisation within each example.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

struct LayerNormOptions {
  double eps = 1e-5;               ///< added to the variance
  bool elementwise_affine = true;  ///< whether it has parameters
  bool bias = true;                ///< false: no `bias`
};

/// y = (x - mean) / √(var + eps) · weight + bias, with the mean and the biased variance of each
/// example over the last dimensions, which must equal `normalized_shape`. Keeps no statistics and
/// is the same in training and evaluation.
///
/// Parameters of shape `normalized_shape`: `weight` (ones) and `bias` (zeros), absent with
/// `{.elementwise_affine = false}`; the second absent with `{.bias = false}`.
///
/// Errors: a `normalized_shape` of no dimension or with a negative size, a negative or infinite
/// eps; in forward, integers, another dtype than the weight's, other last dimensions.
///
/// Ba, Kiros and Hinton, "Layer normalization", arXiv:1607.06450.
class LayerNorm : public Cloneable<LayerNorm> {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  explicit LayerNorm(std::initializer_list<int64_t> normalized_shape,
                     const LayerNormOptions& options = {})
      : LayerNorm(Shape(normalized_shape), options) {}

  Tensor forward(const Tensor& input) override;
  void reset_parameters();  ///< ones, and zeros for a bias
  std::string extra_repr() const override;
  LayerNorm fresh() const { return LayerNorm(normalized_shape_, options_); }

  Tensor weight, bias;  ///< absent ones undefined

 private:
  Shape normalized_shape_;
  LayerNormOptions options_;
};

}  // namespace norma::nn
