// Linear: the fully connected layer.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

struct LinearOptions {
  bool bias = true;  ///< whether there is a `bias`
};

/// y = x Wᵀ + b. x [*, in_features], y [*, out_features]. Errors: sizes below 0, another x.
///
/// Parameters: `weight` [out_features, in_features] and `bias` [out_features] (absent with
/// `{.bias = false}`), both drawn from U(-k, k) with k = 1/√in_features.
class Linear : public Cloneable<Linear> {
 public:
  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});

  Tensor forward(const Tensor& input) override;
  /// Draws new initial values.
  void reset_parameters();

  int64_t in_features() const { return in_features_; }
  int64_t out_features() const { return out_features_; }
  std::string extra_repr() const override;
  Linear fresh() const;

  Tensor weight, bias;  ///< `bias` undefined without one

 private:
  int64_t in_features_, out_features_;
};

}  // namespace norma::nn
