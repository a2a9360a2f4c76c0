// Identity: the layer that changes nothing.
#pragma once
#include "norma/layers/cloneable.h"

namespace norma::nn {

/// y = x. For places where a model may or may not have a layer.
class Identity : public Cloneable<Identity> {
 public:
  Tensor forward(const Tensor& input) override;
  Identity fresh() const { return {}; }
};

}  // namespace norma::nn
