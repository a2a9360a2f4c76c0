#include "norma/layers/fuse.h"

#include <algorithm>
#include <utility>

#include "norma/layers/folding.h"
#include "norma/layers/module_state.h"
#include "norma/layers/sequential.h"
#include "norma/layers/trace.h"

namespace norma::nn {

namespace {

void check_foldable(const Module& model) {
  for (const auto& [name, module] : model.named_modules()) {
    try {
      folding::check_evaluates("fuse_conv_bn", *module);
    } catch (Error& error) {
      error.add_module(name, module->type_name());
      throw;
    }
  }
}

/// Folds the pairs in the Sequential at `path`, and in those that stand in it.
void fold_pairs_in(Module& model, const Module& sequential, const std::string& path) {
  if (!is_exactly<Sequential>(sequential)) return;
  const auto children = sequential.named_children();
  const auto stands_once = [&](const auto& child) {
    const auto& row = static_cast<const Sequential&>(sequential);
    return std::count_if(row.begin(), row.end(),
                         [&](const Module& other) { return other.is_same(*child.second); }) == 1;
  };
  for (std::size_t i = 0; i < children.size(); ++i) {
    const auto& [name, layer] = children[i];
    fold_pairs_in(model, *layer, path + name + ".");
    if (i + 1 == children.size()) break;
    const auto& [norm_name, norm] = children[i + 1];
    if (!folding::is_pair(*layer, *norm) || !stands_once(children[i]) ||
        !stands_once(children[i + 1]))
      continue;
    try {
      folding::fold(model, path + name, path + norm_name);
    } catch (Error& error) {
      error.add_module(path + norm_name, norm->type_name());
      throw;
    }
  }
}

}  // namespace

Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn) {
  return folding::fused("fuse_conv_bn_eval", conv, bn);
}

Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn) {
  return folding::fused("fuse_conv_bn_eval", conv, bn);
}

Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn) {
  return folding::fused("fuse_linear_bn_eval", linear, bn);
}

std::shared_ptr<Module> fuse_conv_bn(const Module& model) {
  check_foldable(model);
  std::shared_ptr<Module> copy = model.clone_module();
  fold_pairs_in(*copy, *copy, "");
  return copy;
}

std::shared_ptr<Module> fuse_conv_bn(const Module& model, const Tensor& example_input) {
  check_foldable(model);
  // What runs is thrown away: a forward may change the state of its model.
  const SeenPairs pairs(*model.clone_module(), example_input);
  pairs.check(*model.clone_module());
  std::shared_ptr<Module> copy = model.clone_module();
  pairs.fold(*copy);
  return copy;
}

}  // namespace norma::nn
