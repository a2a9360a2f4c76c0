#include "norma/layers/loss.h"

namespace norma::nn {

namespace {

const Tensor& checked_class_weight(const char* op, const Tensor& weight) {
  if (weight.defined() && weight.dim() != 1)
    fail(op, "expected one weight per class [C], got weight of size ", weight.sizes());
  return weight;
}

}  // namespace

Tensor Loss::own(const Tensor& weight) {
  return weight.defined() ? weight.detach().clone() : Tensor();
}

CrossEntropyLoss::CrossEntropyLoss(const CrossEntropyLossOptions& options) : options_(options) {
  if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
    fail("CrossEntropyLoss", "expected label_smoothing between 0 and 1, got ",
         options.label_smoothing);
  }
  weight = register_buffer("weight", own(checked_class_weight("CrossEntropyLoss", options.weight)));
  options_.weight = weight;
}

Tensor CrossEntropyLoss::forward(const Tensor& input, const Tensor& target) {
  return functional::cross_entropy(input, target, options_);
}

NLLLoss::NLLLoss(const NLLLossOptions& options) : options_(options) {
  weight = register_buffer("weight", own(checked_class_weight("NLLLoss", options.weight)));
  options_.weight = weight;
}

Tensor NLLLoss::forward(const Tensor& input, const Tensor& target) {
  return functional::nll_loss(input, target, options_);
}

Tensor MSELoss::forward(const Tensor& input, const Tensor& target) {
  return functional::mse_loss(input, target, options_.reduction);
}

Tensor L1Loss::forward(const Tensor& input, const Tensor& target) {
  return functional::l1_loss(input, target, options_.reduction);
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options) : options_(options) {
  weight = register_buffer("weight", own(options.weight));
  pos_weight = register_buffer("pos_weight", own(options.pos_weight));
  options_.weight = weight;
  options_.pos_weight = pos_weight;
}

Tensor BCEWithLogitsLoss::forward(const Tensor& input, const Tensor& target) {
  return functional::binary_cross_entropy_with_logits(input, target, options_);
}

}  // namespace norma::nn
