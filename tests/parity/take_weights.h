// Layers whose parameters are inputs of a case.
#pragma once
#include "norma/tests/parity/parity.h"

namespace parity {

/// The inputs from `next` on become the values of the parameters, in their place in the graph.
inline void take_weights(norma::nn::Module& layer, const Tensors& x, std::size_t next) {
  layer.to(x[0].dtype());
  layer.requires_grad_(false);
  for (Tensor parameter : layer.parameters()) parameter.copy_(x.at(next++));
}

}  // namespace parity
