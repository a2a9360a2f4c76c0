#include "norma/layers/fuse.h"

#include <utility>

#include "norma/layers/fold.h"
#include "norma/layers/module_state.h"
#include "norma/layers/sequential.h"

namespace norma::nn {

namespace {

/// Fills `fused`, which has a bias, from `layer` and the norm behind it.
template <class Layer>
Layer filled(Layer fused, const Layer& layer, const BatchNorm& norm) {
  fused.to(layer.weight.dtype());
  Folding::fill(fused.weight, fused.bias, Folding::weight(layer), Folding::bias(layer), norm);
  fused.requires_grad_(layer.weight.requires_grad());
  fused.eval();
  return fused;
}

template <class Conv>
Conv fused_conv(const Conv& conv, const BatchNorm& norm) {
  Folding::check("fuse_conv_bn_eval", conv, norm);
  const DrawsNothing guard;
  auto options = conv.options();
  options.bias = true;
  return filled(Conv(conv.in_channels(), conv.out_channels(), conv.kernel_size(), options), conv,
                norm);
}

}  // namespace

Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn) { return fused_conv(conv, bn); }
Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn) { return fused_conv(conv, bn); }

Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn) {
  Folding::check("fuse_linear_bn_eval", linear, bn);
  const DrawsNothing guard;
  return filled(Linear(linear.in_features(), linear.out_features()), linear, bn);
}

namespace detail {

void check_foldable(const Module& model) {
  for (const auto& [name, module] : model.named_modules()) {
    try {
      Folding::check_evaluates("fuse_conv_bn", *module);
    } catch (Error& error) {
      error.add_module(name, module->type_name());
      throw;
    }
  }
}

void fold_rows(Module& model, const std::string& path) {
  if (!is_exactly<Sequential>(model)) return;
  const auto& row = Folding::children(model);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto& [name, layer] = row[i];
    if (!Folding::has_one_handle(layer)) continue;
    fold_rows(*layer, path + name + ".");
    if (i + 1 == row.size()) break;
    const auto& [norm_name, norm] = row[i + 1];
    if (!Folding::is_pair(*layer, *norm) || !Folding::has_one_handle(norm)) continue;
    try {
      Folding::fold(*layer, static_cast<BatchNorm&>(*norm));
    } catch (Error& error) {
      error.add_module(path + norm_name, norm->type_name());
      throw;
    }
  }
}

}  // namespace detail

std::shared_ptr<Module> fuse_conv_bn(const Module& model) {
  detail::check_foldable(model);
  std::shared_ptr<Module> copy = model.clone_module();
  detail::fold_rows(*copy);
  return copy;
}

std::shared_ptr<Module> fuse_conv_bn(const Module& model, const Tensor& example_input) {
  detail::check_foldable(model);
  const detail::SeenPairs pairs(std::move(*model.clone_module()), example_input);
  pairs.check(std::move(*model.clone_module()));
  std::shared_ptr<Module> copy = model.clone_module();
  pairs.fold(*copy);
  return copy;
}

}  // namespace norma::nn
