// What operations whose backward runs a graph of their own ask of the engine.
#pragma once
#include <span>
#include <vector>

#include "norma/autograd/node.h"

namespace norma::autograd {

/// The gradients at `ends` of what was recorded since `oldest`, from those at its `roots`;
/// undefined where none arrives. What lies before the ends is left alone, and so are their hooks.
std::vector<Tensor> segment_gradients(std::span<const Ref<Node>> roots,
                                      std::span<const Tensor> gradients,
                                      std::span<const Ref<Node>> ends, uint64_t oldest,
                                      bool create_graph);

}  // namespace norma::autograd
