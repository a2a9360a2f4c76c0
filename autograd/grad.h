// Gradients with respect to chosen tensors.
#pragma once
#include <optional>
#include <vector>

#include "norma/core/tensor.h"

namespace norma::autograd {

/// The sums over all elements of `outputs` of their gradients with respect to each of `inputs`,
/// which may be leaves or results on the way; `grad()` of leaves stays as it is.
///
///     Tensor u = net(x);
///     Tensor du = autograd::grad({u.sum()}, {x}, {}, {}, true)[0];  // du/dx, to be differentiated
///
/// `grad_outputs`: what the gradient of each output starts with; none: outputs of one element, 1.
/// `retain_graph`: keeps what the graph saved for another call; default: `create_graph`.
/// `create_graph`: the results are recorded, so that they have derivatives themselves.
/// `allow_unused`: an input that no output depends on gets an undefined Tensor instead of an error.
/// PyTorch: `torch.autograd.grad`.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {},
                         std::optional<bool> retain_graph = std::nullopt, bool create_graph = false,
                         bool allow_unused = false);

}  // namespace norma::autograd
