// What a model consists of, layer by layer, as one run shows it.
#pragma once
#include <functional>
#include <vector>

#include "norma/layers/call_with.h"
#include "norma/layers/summary_table.h"

namespace norma::nn {

/// Runs a model once on an example of its input, and says what is in it and what it costs, as
/// torchinfo's `summary(model, input_data=input)` does:
/// ```cpp
/// std::cout << nn::summary(net, norma::zeros({1, 1, 28, 28}));
/// nn::summary(attention, {query, key, value}, {.columns = {"num_params"}, .depth = 1});
/// nn::summary(attention, [&] { attention(x, x, x); }).total_params;
/// ```
/// The input is a tensor, several tensors, which are the arguments of the call, or a function that
/// calls the model. The run is one of evaluation, without gradients. It leaves the model as it was,
/// also when it throws: the mode of every module, parameters and buffers, gradients, and the random
/// numbers that come next; the input, too, if it is given as tensors. Not restored is what a class
/// holds besides what it registered. Hooks run. The weights are in memory twice meanwhile: no other
/// thread should use the model.
///
/// Multiply-adds are counted as torchinfo 1.8 does, for modules that no module is in. With the
/// shape [n0, n1, …] of the result, each call adds
/// - for classes with "Conv" in their name, the elements of `weight` and `bias` times n0 n2 n3 …;
/// - for others, the elements of `weight` and `bias` times n0;
/// - the elements of parameters with "weight" or "bias" in a longer name, as those of recurrent
///   layers, times n0 n1: steps and samples.
/// So a Linear on [N, L, C] counts as one on [N, C], an Embedding by all of its table, and nothing
/// that has no parameters counts. Unlike there, those that MultiheadAttention itself has do.
///
/// The memory of a training step is an estimate: the input, parameters, buffers, the gradients of
/// the trainable parameters, and the results of all layers, views apart, most of which wait for
/// backward. What the optimiser keeps comes to it: of Adam twice the trainable parameters.
///
/// Errors: unknown columns, negative depths or widths, more than 1000 columns of text, a lazy layer
/// that was never called, tensors that the model does not take as arguments, a function that calls
/// nothing of the model; and those of forward, with the path of the module.
Summary summary(Module& model, const std::function<void()>& run, const SummaryOptions& = {});

namespace detail {
/// `inputs`: tensors to be left as they are.
Summary summary_of(Module& model, const std::vector<Tensor>& inputs,
                   const std::function<void()>& run, const SummaryOptions& options);
}  // namespace detail

template <AnyModule M>
Summary summary(M&& model, const std::vector<Tensor>& inputs, const SummaryOptions& options = {}) {
  return with_memory(0, [&] {
    const auto run = [&] {
      detail::call_with({"summary", "summary(model, [&] { model(…); })"}, model, inputs,
                        [](const auto&) {});
    };
    return detail::summary_of(model, inputs, run, options);
  });
}
template <AnyModule M>
Summary summary(M&& model, const Tensor& input, const SummaryOptions& options = {}) {
  return with_memory(0, [&] {
    return detail::summary_of(
        model, {input}, [&] { static_cast<void>(model(input)); }, options);
  });
}

}  // namespace norma::nn
