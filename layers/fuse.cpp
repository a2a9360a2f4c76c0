#include "norma/layers/fuse.h"

#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "norma/autograd/functions.h"
#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/layers/identity.h"
#include "norma/layers/sequential.h"

namespace norma::nn {

namespace {

void check_evaluates(const char* op, const Module& module) {
  if (!module.is_training()) return;
  fail(op, "expected layers in evaluation mode, got a " + module.type_name() +
               " that trains; call eval() first: what is folded in are the running statistics");
}

void check_pair(const char* op, const Module& layer, const Tensor& weight, int64_t channels,
                const BatchNorm& norm) {
  check_evaluates(op, layer);
  check_evaluates(op, norm);
  const std::string type = norm.type_name();
  if (!norm.running_mean.defined()) {
    fail(op, "expected a " + type +
                 " with running statistics, got one with track_running_stats = false; it needs the "
                 "statistics of every batch and cannot be folded");
  }
  if (norm.num_features() != channels) {
    fail(op, "expected a " + type + " of the " + std::to_string(channels) + " channels that the " +
                 layer.type_name() + " gives, got one of " + std::to_string(norm.num_features()));
  }
  if (norm.running_var.dtype() != weight.dtype()) {
    fail(op, std::string("expected layers of one dtype, got ") + dtype_name(weight.dtype()) +
                 " and " + dtype_name(norm.running_var.dtype()) + "; convert one with to()");
  }
}

/// Fills `fused`, which has a bias, from `layer` and the norm behind it.
template <class Layer>
Layer folded(const Layer& layer, Layer fused, const BatchNorm& norm) {
  const NoGradGuard no_grad;
  fused.to(layer.weight.dtype());
  const auto number = [](const Tensor& tensor, double absent) {
    return tensor.defined() ? tensor.to(kFloat64) : full(Shape{}, absent, {.dtype = kFloat64});
  };
  const Tensor scale =
      number(norm.weight, 1.0) / (norm.running_var.to(kFloat64) + norm.options().eps).sqrt();
  Shape rows = Shape::filled(layer.weight.dim(), 1);
  rows[0] = -1;
  fused.weight.copy_(layer.weight.to(kFloat64) * scale.reshape(rows));
  fused.bias.copy_((number(layer.bias, 0.0) - norm.running_mean.to(kFloat64)) * scale +
                   number(norm.bias, 0.0));
  fused.requires_grad_(layer.weight.requires_grad());
  fused.eval();
  return fused;
}

/// Builds a layer without drawing random numbers for its values.
template <class Make>
auto drawing_nothing(Make make) {
  const Generator::State before = default_generator().state();
  auto layer = make();
  default_generator().set_state(before);
  return layer;
}

template <class Conv>
Conv with_bias(const Conv& conv) {
  auto options = conv.options();
  options.bias = true;
  return drawing_nothing(
      [&] { return Conv(conv.in_channels(), conv.out_channels(), conv.kernel_size(), options); });
}

/// The pair as one layer; null where it is none. Only the classes themselves: one derived from them
/// may have a forward of its own.
std::shared_ptr<Module> fold(Module& layer, Module& norm) {
  const auto are = [&]<class Layer, class Norm>() {
    return typeid(layer) == typeid(Layer) && typeid(norm) == typeid(Norm);
  };
  if (are.template operator()<Conv2d, BatchNorm2d>()) {
    return std::make_shared<Conv2d>(
        fuse_conv_bn_eval(static_cast<Conv2d&>(layer), static_cast<BatchNorm2d&>(norm)));
  }
  if (are.template operator()<Conv1d, BatchNorm1d>()) {
    return std::make_shared<Conv1d>(
        fuse_conv_bn_eval(static_cast<Conv1d&>(layer), static_cast<BatchNorm1d&>(norm)));
  }
  if (are.template operator()<Linear, BatchNorm1d>()) {
    return std::make_shared<Linear>(
        fuse_linear_bn_eval(static_cast<Linear&>(layer), static_cast<BatchNorm1d&>(norm)));
  }
  return nullptr;
}

}  // namespace

Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn) {
  check_pair("fuse_conv_bn_eval", conv, conv.weight, conv.out_channels(), bn);
  return folded(conv, with_bias(conv), bn);
}

Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn) {
  check_pair("fuse_conv_bn_eval", conv, conv.weight, conv.out_channels(), bn);
  return folded(conv, with_bias(conv), bn);
}

Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn) {
  check_pair("fuse_linear_bn_eval", linear, linear.weight, linear.out_features(), bn);
  return folded(
      linear, drawing_nothing([&] { return Linear(linear.in_features(), linear.out_features()); }),
      bn);
}

namespace detail {

void check_foldable(const Module& model) {
  for (const auto& [name, module] : model.named_modules()) {
    try {
      check_evaluates("fuse_conv_bn", *module);
    } catch (Error& error) {
      error.add_module(name, module->type_name());
      throw;
    }
  }
}

void fold_norms(Module& model) {
  std::vector<Sequential*> rows;  // first all of them: folding lets layers go
  for (Module* module : model.modules()) {
    if (typeid(*module) == typeid(Sequential)) rows.push_back(static_cast<Sequential*>(module));
  }
  for (Sequential* row : rows) {
    for (int64_t i = 0; i + 1 < row->size(); ++i) {
      Module& norm = (*row)[i + 1];
      std::shared_ptr<Module> layer;
      try {
        layer = fold((*row)[i], norm);
      } catch (Error& error) {
        for (const auto& [path, module] : model.named_modules()) {
          if (module->is_same(norm)) error.add_module(path, norm.type_name());
        }
        throw;
      }
      if (!layer) continue;
      auto gap = std::make_shared<Identity>();
      gap->eval();
      row->replace(i, std::move(layer)).replace(i + 1, std::move(gap));
    }
  }
}

}  // namespace detail

std::shared_ptr<Module> fuse_conv_bn(const Module& model) {
  detail::check_foldable(model);
  std::shared_ptr<Module> copy = model.clone_module();
  detail::fold_norms(*copy);
  return copy;
}

}  // namespace norma::nn
