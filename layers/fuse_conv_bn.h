// Folding BatchNorm into the layer before it, for inference.
#pragma once
#include <concepts>
#include <memory>
#include <string>

#include "norma/layers/batch_norm.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"

namespace norma::nn {

/// One layer that computes `bn(conv(x))` in evaluation. With s = weight / √(running_var + eps) of
/// the norm, per output channel:
///
///     W' = s W,    b' = (b - running_mean) s + bias
///
/// The result has a bias and the options of `conv`, and is in evaluation mode; both arguments stay
/// as they are. Errors: one of both in training mode, a norm without running statistics or folded
/// before, another number of channels, another dtype. PyTorch:
/// `torch.nn.utils.fusion.fuse_conv_bn_eval`.
Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn);
Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn);
/// The same for inputs [N, in_features], errors included. PyTorch:
/// `torch.nn.utils.fusion.fuse_linear_bn_eval`.
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn);

namespace detail {
template <class M>
concept ClonedByValue = AnyModule<M> && requires(const M& model) {
  { model.clone() } -> std::same_as<M>;
};
}  // namespace detail

/// An equal model in evaluation mode, a deep copy that shares nothing with `model`, in which every
/// Conv2d-BatchNorm2d, Conv1d-BatchNorm1d and Linear-BatchNorm1d that follow each other in a
/// Sequential, and in those within it, are one layer. Outputs differ by rounding only.
/// ```cpp
/// net.eval();
/// nn::Sequential fast = nn::fuse_conv_bn(net);
/// ```
/// The layer is replaced by one with a bias; the norm by a module without parameters and buffers
/// that returns its input, and is printed as the norm with `folded=True`. Weights that one folded
/// model saved, another of the same kind loads. A folded model cannot be trained.
///
/// Calls of a class's members go to the new modules (see `Module::set_submodule`), while their
/// `conv.weight` and `conv.forward(x)` remain those of the old layer.
///
/// Members of your own classes, as in ResNets, are left alone, also a Sequential among them: only a
/// run shows in which order forward calls them, so give an example. Also left alone are norms
/// without running statistics, and classes derived from these layers.
///
/// Errors: a model, or a part of one, in training mode, a class in it without `clone()` (see
/// Cloneable; `fuse_conv_bn_` needs none), and those of `fuse_conv_bn_eval`, with the path of the
/// layer.
std::shared_ptr<Module> fuse_conv_bn(const Module& model);
template <detail::ClonedByValue M>
M fuse_conv_bn(const M& model) {
  return std::move(dynamic_cast<M&>(*fuse_conv_bn(static_cast<const Module&>(model))));
}

/// The same for all pairs that one run on `example_input` shows, be they in a Sequential or members
/// of a class whose forward says `bn1(conv1(x))`. Any batch will do, one sample is enough.
/// ```cpp
/// ResNet fast = nn::fuse_conv_bn(resnet, norma::randn({1, 3, 32, 32}));
/// ```
/// A pair is a layer all of whose results go to the norm and nowhere else, and a norm that takes
/// nothing else. Pairs that the example does not reach, or reaches under NoGradGuard, are left
/// alone; where `forward` branches, the pair must hold in every branch. The folded model's output
/// for the example must equal that of `model` up to a thousand roundings of the largest value: this
/// finds results that are used outside the graph, as through `detach()`.
///
/// Errors, besides those above: an example that the model refuses, or for which the folded model
/// gives something else. PyTorch: `torch.fx.experimental.optimization.fuse`.
std::shared_ptr<Module> fuse_conv_bn(const Module& model, const Tensor& example_input);
template <detail::ClonedByValue M>
M fuse_conv_bn(const M& model, const Tensor& example_input) {
  return std::move(
      dynamic_cast<M&>(*fuse_conv_bn(static_cast<const Module&>(model), example_input)));
}

/// The same in the model itself, which needs no `clone()`, as for a program that loads a checkpoint
/// and serves: `model` changes, and what it was is gone, so save it before. An error leaves it as
/// it was. The example runs in the model twice: parameters and buffers that its forward changes get
/// their values back, other members do not.
void fuse_conv_bn_(Module& model);
void fuse_conv_bn_(Module& model, const Tensor& example_input);

}  // namespace norma::nn
