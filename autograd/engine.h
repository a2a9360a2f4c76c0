// What operations whose backward runs a graph of their own, and hooks, ask of the engine.
#pragma once
#include <functional>
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

/// Calls `function` once, when the backward() or grad() that runs on this thread has done all else;
/// where one runs within another, the outer one. Dropped where that throws. PyTorch: the engine's
/// `queue_callback`. Errors: none given, or none runs.
void queue_callback(std::function<void()> function);

}  // namespace norma::autograd
