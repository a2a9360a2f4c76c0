#include "norma/layers/make_dot.h"

#include <algorithm>
#include <memory>

#include "norma/autograd/grad_mode.h"
#include "norma/layers/dot_drawing.h"
#include "norma/layers/trial_run.h"

namespace norma {

namespace {

void check_options(const DotOptions& options) {
  if (options.max_nodes < 1)
    fail("make_dot", "expected max_nodes of 1 or more, got ", options.max_nodes);
}

/// The end of a graph.
void check_loss(const Tensor& loss) {
  if (!loss.defined()) fail("make_dot", "expected a loss, got an undefined tensor");
  if (!loss.requires_grad()) {
    fail("make_dot", "expected a loss with a graph behind it, got a tensor of shape ", loss.sizes(),
         " that requires no gradient; compute it from parameters that require one, and not under "
         "a NoGradGuard");
  }
}

}  // namespace

std::string autograd::make_dot(const Tensor& loss, const DotOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    check_loss(loss);
    Frames frames(nullptr);
    return Drawing(frames, nullptr, options).str({{"loss", loss}});
  });
}

std::string autograd::make_dot(const Tensor& loss, const nn::Module& model,
                               const DotOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    check_loss(loss);
    nn::refuse_lazy("make_dot", model);
    Frames frames(&model);
    Drawing drawing(frames, nullptr, options);
    drawing.name(model);
    return drawing.str({{"loss", loss}});
  });
}

std::string autograd::make_dot(const std::function<Tensor()>& loss, const nn::Module& model,
                               const DotOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    if (!loss) fail("make_dot", "expected a function that computes a loss, got none");
    nn::refuse_lazy("make_dot", model);
    Frames frames(&model);
    GraphNotes notes(frames);
    Tensor result;
    {
      const ObserverGuard watching(notes);
      result = loss();
    }
    check_loss(result);
    Drawing drawing(frames, &notes, options);
    drawing.name(model);
    return drawing.str({{"loss", result}});
  });
}

std::string nn::detail::dot_of(Module& handle, const std::vector<Tensor>& inputs, const Run& run,
                               const DotOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    const std::shared_ptr<Module> replacement = handle.replacement();
    Module& model = replacement ? *replacement : handle;
    refuse_lazy("make_dot", model);
    // Ends of the graph, whatever led to them.
    std::vector<Tensor> own;
    own.reserve(inputs.size());
    for (const Tensor& input : inputs) own.push_back(input.defined() ? input.detach() : input);
    const TrialRun trial(model, own);
    const auto differentiate = [](Tensor tensor) {
      if (tensor.defined() && is_floating(tensor.dtype())) tensor.requires_grad_();
    };
    for (const Tensor& input : own) differentiate(input);
    for (const Tensor& parameter : model.parameters()) differentiate(parameter);
    autograd::Frames frames(&model);
    autograd::GraphNotes notes(frames);
    std::vector<Tensor> results;
    {
      const autograd::EnableGradGuard recording;
      const autograd::ObserverGuard watching(notes);
      results = run(own);
    }
    autograd::Drawing drawing(frames, &notes, options);
    drawing.name(model);
    std::vector<std::pair<std::string, Tensor>> ends;
    for (std::size_t i = 0; i < own.size(); ++i)
      drawing.name(own[i], {own.size() == 1 ? "input" : text("input ", i), "input"});
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined()) continue;
      ends.emplace_back(results.size() == 1 ? "output" : text("output ", i), results[i]);
    }
    if (std::none_of(ends.begin(), ends.end(),
                     [](const auto& end) { return end.second.requires_grad(); })) {
      fail("make_dot", "expected a model whose result depends on its input or parameters, got ",
           ends.empty() ? "no tensor" : "one that requires no gradient", " from the ",
           model.type_name());
    }
    return drawing.str(ends);
  });
}

}  // namespace norma
