// Folding BatchNorm into the layer before it, for inference.
#pragma once
#include <concepts>
#include <memory>
#include <string>

#include "norma/layers/batch_norm.h"
#include "norma/layers/conv.h"
#include "norma/layers/linear.h"
#include "norma/layers/trace.h"

namespace norma::nn {

/// One layer that computes `bn(conv(x))` in evaluation. With s = weight / √(running_var + eps) of the
/// norm, per output channel:
///
///     W' = s W,    b' = (b - running_mean) s + bias
///
/// The result has a bias and the options of `conv`, and is in evaluation mode; both arguments stay as
/// they are. Errors: one of both in training mode, a norm without running statistics or folded
/// before, another number of channels, another dtype. PyTorch:
/// `torch.nn.utils.fusion.fuse_conv_bn_eval`.
Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNorm2d& bn);
Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNorm1d& bn);
/// The same for inputs [N, in_features]. PyTorch: `torch.nn.utils.fusion.fuse_linear_bn_eval`.
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm1d& bn);

namespace detail {
void check_foldable(const Module& model);
/// Folds the pairs in a Sequential and in those that it alone holds.
void fold_rows(Module& model, const std::string& path = "");

template <class M>
concept ClonedByValue = AnyModule<M> && requires(const M& model) {
  { model.clone() } -> std::same_as<M>;
};
}  // namespace detail

/// An equal model in evaluation mode, a deep copy that shares nothing with `model`, in which every
/// Conv2d-BatchNorm2d, Conv1d-BatchNorm1d and Linear-BatchNorm1d that follow each other in a
/// Sequential, and in those within it, are one layer. Outputs differ by rounding only.
///
///     net.eval();
///     nn::Sequential fast = nn::fuse_conv_bn(net);
///
/// The norm stays in its place and hands on what it is given; `folded=True` is printed at its end.
/// Its parameters and buffers are gone, and the layer before it has a bias, in `state_dict()` as
/// well: what one folded model saved, another one of the same kind loads. A folded model does not
/// train.
///
/// What a class of your own holds, as ResNets do, is left alone, a Sequential among its members as
/// well: only a run shows in which order its forward calls them. Give an example. Also left alone
/// are norms without running statistics, and classes derived from those.
///
/// Errors: a model, or a part of one, in training mode, a class in it without `clone()` (see
/// Cloneable), and those of `fuse_conv_bn_eval`, with the path of the layer.
template <detail::ClonedByValue M>
M fuse_conv_bn(const M& model) {
  detail::check_foldable(model);
  M copy = model.clone();
  detail::fold_rows(copy);
  return copy;
}
/// The same for a model that is known by its base class.
std::shared_ptr<Module> fuse_conv_bn(const Module& model);

/// The same for all pairs that one run on `example_input` shows, be they in a Sequential or members
/// of a class whose forward says `bn1(conv1(x))`; any batch that the model takes will do, one sample
/// is enough.
///
///     ResNet fast = nn::fuse_conv_bn(net, norma::randn({1, 3, 32, 32}));
///
/// A pair is a layer of which each result goes to the norm and to nothing else, and a norm that takes
/// nothing else. Left alone are those that the example does not reach, or under NoGradGuard; where
/// `forward` takes other ways for other inputs, all of them must agree. The folded model has to give
/// for the example what `model` gave, up to a thousand roundings of the largest value: this finds
/// results that are used where the graph of gradients does not show it, as through `detach()`.
///
/// Errors, besides those above: an example that the model refuses, or for which the folded model
/// gives something else. PyTorch: `torch.fx.experimental.optimization.fuse`.
template <detail::ClonedByValue M>
M fuse_conv_bn(const M& model, const Tensor& example_input) {
  detail::check_foldable(model);
  // What runs is thrown away: a forward may change the state of its model.
  const detail::SeenPairs pairs(model.clone(), example_input);
  pairs.check(model.clone());
  M copy = model.clone();
  pairs.fold(copy);
  return copy;
}
std::shared_ptr<Module> fuse_conv_bn(const Module& model, const Tensor& example_input);

}  // namespace norma::nn
