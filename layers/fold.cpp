#include "norma/layers/fold.h"

#include <string>
#include <utility>

#include "norma/autograd/functions.h"
#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

Tensor in_double(const Tensor& tensor, double absent) {
  return tensor.defined() ? tensor.to(kFloat64) : full(Shape{}, absent, {.dtype = kFloat64});
}

}  // namespace

bool Folding::is_layer(const Module& module) { return rank(module) > 0; }

bool Folding::is_norm(const Module& module) {
  if (!is_exactly<BatchNorm1d, BatchNorm2d>(module)) return false;
  const auto& norm = static_cast<const BatchNorm&>(module);
  return norm.running_mean.defined() && !norm.is_folded();
}

bool Folding::is_pair(const Module& layer, const Module& norm) {
  return is_layer(layer) && is_norm(norm) &&
         is_exactly<Conv2d>(layer) == is_exactly<BatchNorm2d>(norm);
}

int64_t Folding::rank(const Module& layer) {
  return is_exactly<Conv2d>(layer)   ? 4
         : is_exactly<Conv1d>(layer) ? 3
         : is_exactly<Linear>(layer) ? 2
                                     : 0;
}

const Tensor& Folding::weight(const Module& module) { return module.state().parameters[0].second; }

const Module::NamedModules& Folding::children(const Module& module) { return module.child_list(); }

bool Folding::has_one_handle(const std::shared_ptr<Module>& module) {
  return module.use_count() == 1 && module->state_.use_count() == 1;
}

void Folding::check(const char* op, const Module& layer, const BatchNorm& norm) {
  check_evaluates(op, layer);
  check_evaluates(op, norm);
  const std::string type = norm.type_name();
  if (!norm.running_mean.defined()) {
    fail(op, "expected a " + type +
                 " with running statistics, got one with track_running_stats = false; it needs the "
                 "statistics of every batch and cannot be folded");
  }
  if (norm.is_folded()) {
    fail(op, "expected a " + type + " that does something, got one that was folded before");
  }
  const int64_t channels = weight(layer).size(0);
  if (norm.num_features() != channels) {
    fail(op, "expected a " + type + " of the " + std::to_string(channels) + " channels that the " +
                 layer.type_name() + " gives, got one of " + std::to_string(norm.num_features()));
  }
  const DType ours = weight(layer).dtype(), theirs = norm.running_var.dtype();
  if (ours != theirs) {
    fail(op, std::string("expected layers of one dtype, got ") + dtype_name(ours) + " and " +
                 dtype_name(theirs) + "; convert one with to()");
  }
}

void Folding::check_evaluates(const char* op, const Module& module) {
  if (!module.is_training()) return;
  fail(op, "expected layers in evaluation mode, got a " + module.type_name() +
               " that trains; call eval() first: what is folded in are the running statistics");
}

void Folding::fill(Tensor new_weight, Tensor new_bias, const Tensor& weight, const Tensor& bias,
                   const BatchNorm& norm) {
  const NoGradGuard no_grad;
  const Tensor deviation = (norm.running_var.to(kFloat64) + norm.options().eps).sqrt();
  // As in batch_norm: where nothing varies, the normalised value is 0.
  const Tensor scale = (in_double(norm.weight, 1.0) / deviation).masked_fill(deviation == 0.0, 0.0);
  Shape rows = Shape::filled(weight.dim(), 1);
  rows[0] = -1;
  new_bias.copy_((in_double(bias, 0.0) - norm.running_mean.to(kFloat64)) * scale +
                 in_double(norm.bias, 0.0));
  new_weight.copy_(weight.to(kFloat64) * scale.reshape(rows));
}

void Folding::fold(Module& layer, BatchNorm& norm) {
  check("fuse_conv_bn", layer, norm);
  auto& parameters = layer.state().parameters;
  const Tensor weight = parameters[0].second;
  Tensor& bias = parameters[1].second;
  const Tensor before = bias;
  if (!bias.defined()) {
    bias = empty({weight.size(0)}, {.dtype = weight.dtype()});
    bias.requires_grad_(weight.requires_grad());
  }
  fill(weight, bias, weight, before, norm);
  layer.state().folded_rank = norm.state().folded_rank = rank(layer);
  for (auto* list : {&norm.state().parameters, &norm.state().buffers}) {
    for (auto& entry : *list) entry.second = Tensor();
  }
}

Tensor Folding::hand_on(const BatchNorm& norm, Tensor input, bool relu) {
  if (norm.is_training()) {
    fail(
        norm.type_name(),
        "expected evaluation mode, got a norm that trains although fuse_conv_bn folded it into the "
        "layer before it; train the model that was folded, and fold that again");
  }
  const int64_t rank = norm.folded_rank();
  if (input.defined() && input.dim() != rank) {
    fail(norm.type_name(), "expected " + std::to_string(rank) +
                               "D input, as the layer gives that it was folded into, got input "
                               "size " +
                               input.sizes().str());
  }
  return relu ? std::move(input).relu() : std::move(input);
}

}  // namespace norma::nn
