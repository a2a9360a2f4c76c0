// What the tests of fuse_conv_bn share.
#pragma once
#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/tensors.h"

/// The model in evaluation mode, with statistics and parameters in every norm that are not those of
/// the start; what has none stays without.
inline void train_norms(norma::nn::Module& model) {
  for (norma::nn::Module* module : model.modules()) {
    auto* norm = dynamic_cast<norma::nn::BatchNorm*>(module);
    if (!norm) continue;
    const norma::NoGradGuard no_grad;
    const norma::Shape channels{norm->num_features()};
    if (norm->running_mean.defined()) {
      norm->running_mean.copy_(norma::randn(channels));
      norm->running_var.copy_(norma::randn(channels).square() + 0.2);
    }
    if (norm->weight.defined()) {
      norm->weight.copy_(norma::randn(channels) + 0.5);
      norm->bias.copy_(norma::randn(channels));
    }
  }
  model.eval();
}

template <class Layer>
Layer evaluating(Layer layer) {
  layer.eval();
  return layer;
}

/// Whether it is a norm that was folded, as it is printed.
inline bool is_folded(const norma::nn::Module& module) {
  const std::string text = module.str();
  return module.children().empty() && text.starts_with("BatchNorm") && has(text, ", folded=True)");
}

/// The paths of the norms that were folded.
inline std::string folded_in(const norma::nn::Module& model) {
  std::string paths;
  for (const auto& [path, module] : model.named_modules()) {
    if (is_folded(*module)) paths += (paths.empty() ? "" : " ") + path;
  }
  return paths;
}
