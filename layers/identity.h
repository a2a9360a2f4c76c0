// Identity: a place holder.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// y = x. Stands where a model has a choice of layers.
class Identity : public Cloneable<Identity> {
 public:
  Tensor forward(const Tensor& input) override;
  Identity fresh() const { return {}; }
};

}  // namespace norma::nn
