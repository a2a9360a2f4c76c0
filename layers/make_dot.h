// Pictures of graphs, as text for Graphviz.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "norma/layers/call_with.h"
#include "norma/layers/dot_options.h"
#include "norma/layers/tensors_in.h"

namespace norma {

namespace autograd {

/// The graph behind `loss`, in the language of Graphviz: `dot -Tsvg loss.dot > loss.svg` draws it.
/// From top to bottom every operation with the shape and dtype of its result, and the leaves that
/// get a gradient. `write_dot` writes it to a file.
///
/// - With a model, its parameters and buffers have their names, and operations stand in frames, one
///   for each module. Which module an operation belongs to is known of those that were recorded
///   under detect_anomaly, and of those that use a parameter directly; others stand outside.
/// - With a function that computes the loss, as `[&] { return criterion(net(x), y); }`, which is
///   called once, everything is known: the module of each operation, what it keeps for backward
///   (which inputs, whether its result, what besides), and the tensors that have no gradient.
///
/// PyTorch: `torchviz.make_dot`. Errors: a loss that is undefined or has no history, more than
/// `max_nodes` operations and leaves, a model whose sizes are not known.
std::string make_dot(const Tensor& loss, const DotOptions& options = {});
std::string make_dot(const Tensor& loss, const nn::Module& model, const DotOptions& options = {});
std::string make_dot(const std::function<Tensor()>& loss, const nn::Module& model,
                     const DotOptions& options = {});

}  // namespace autograd

namespace nn {

namespace detail {
using Run = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;
std::string dot_of(Module& model, const std::vector<Tensor>& inputs, const Run& run,
                   const DotOptions& options);
}  // namespace detail

/// The graph of a model from one run on an example of its input, a tensor or several. As with
/// `summary` it is a run of evaluation that leaves the model as it was. Frozen parameters are drawn
/// like others. Errors: a model whose result depends on neither input nor parameters, another
/// number of inputs than it takes, and as above.
template <AnyModule M>
std::string make_dot(M&& model, const Tensor& input, const DotOptions& options = {}) {
  return with_memory(0, [&] {
    return detail::dot_of(
        model, {input},
        [&](const std::vector<Tensor>& in) { return detail::all_tensors(model(in[0])); }, options);
  });
}
template <AnyModule M>
std::string make_dot(M&& model, const std::vector<Tensor>& inputs, const DotOptions& options = {}) {
  return with_memory(0, [&] {
    const auto run = [&](const std::vector<Tensor>& in) {
      std::vector<Tensor> results;
      const auto take = [&](auto result) { results = detail::all_tensors(std::move(result)); };
      detail::call_with({"make_dot", "autograd::make_dot([&] { return model(…); }, model)"}, model,
                        in, take);
      return results;
    };
    return detail::dot_of(model, inputs, run, options);
  });
}

}  // namespace nn
}  // namespace norma
