// Folding BatchNorm into the layer before it, for inference.
#pragma once
#include <concepts>
#include <memory>

#include "norma/layers/batch_norm.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"

namespace norma::nn {

/// One layer that computes `bn(conv(x))` in evaluation. With s = weight / √(running_var + eps) of the
/// norm, per output channel:
///
///     W' = s W,    b' = (b - running_mean) s + bias
///
/// The result has a bias and the options of `conv`, and is in evaluation mode; both arguments stay as
/// they are. For models that hold their layers as members:
///
///     struct Block : nn::Module { …
///       void fold() {
///         conv = nn::fuse_conv_bn_eval(conv, bn);
///         folded = true;  // forward: relu(folded ? conv(x) : bn(conv(x)))
///       } … };
///
/// Errors: one of both in training mode, a norm without running statistics, another number of
/// channels, another dtype. PyTorch: `torch.nn.utils.fusion.fuse_conv_bn_eval`.
Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn);
Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn);
/// The same for inputs [N, in_features]. PyTorch: `torch.nn.utils.fusion.fuse_linear_bn_eval`.
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn);

namespace detail {
/// Folds the pairs in every Sequential of `model`, which is in evaluation mode.
void fold_norms(Module& model);
void check_foldable(const Module& model);
}  // namespace detail

/// An equal model in evaluation mode, a deep copy that shares nothing with `model`, in which every
/// Conv2d-BatchNorm2d, Conv1d-BatchNorm1d and Linear-BatchNorm1d that follow each other in a
/// Sequential, however deep, are one layer; an Identity stands where the norm was, so that indices
/// and names stay. Outputs differ by rounding only.
///
///     net.eval();
///     nn::Sequential fast = nn::fuse_conv_bn(net);
///
/// Left alone are norms that do not follow such a layer, classes derived from those, and what a
/// class derived from Sequential holds by itself: it may have a forward of its own.
///
/// Errors: a model, or a part of one, in training mode, a class in it without `clone()` (see
/// Cloneable), and those of `fuse_conv_bn_eval`, with the path of the layer.
template <AnyModule M>
requires requires(const M& model) {
  { model.clone() } -> std::same_as<M>;
}
M fuse_conv_bn(const M& model) {
  detail::check_foldable(model);
  M copy = model.clone();
  detail::fold_norms(copy);
  return copy;
}
/// The same for a model that is known by its base class.
std::shared_ptr<Module> fuse_conv_bn(const Module& model);

}  // namespace norma::nn
