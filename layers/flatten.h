// Flatten: from feature maps to feature vectors.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// Joins the dimensions from `start_dim` to `end_dim`, both included: [N, C, H, W] becomes
/// [N, C H W]. Negative dimensions count from the end. Errors: start_dim behind end_dim, or beyond
/// the input's dimensions.
class Flatten : public Cloneable<Flatten> {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}

  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;
  Flatten fresh() const { return Flatten(start_dim_, end_dim_); }

 private:
  int64_t start_dim_, end_dim_;
};

}  // namespace norma::nn
