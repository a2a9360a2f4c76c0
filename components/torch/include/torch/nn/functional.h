// torch::nn::functional, and the functions of layers and losses that stand in torch itself.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "torch/functions.h"
#include "torch/nn/activations.h"

namespace torch {

// --- With arguments in a row: torch::max_pool2d(x, 2) ---
using norma::functional::adaptive_avg_pool2d, norma::functional::celu, norma::functional::dropout;
using norma::functional::elu, norma::functional::gelu, norma::functional::glu;
using norma::functional::hardtanh, norma::functional::cosine_similarity;
using norma::functional::l1_loss, norma::functional::layer_norm, norma::functional::leaky_relu;
using norma::functional::linear, norma::functional::mish, norma::functional::mse_loss;
using norma::functional::one_hot, norma::functional::prelu, norma::functional::selu;
using norma::functional::pairwise_distance;
using norma::functional::silu, norma::functional::softplus, norma::functional::threshold;
namespace own = norma::functional;
using norma::OptionalPair, norma::Pair;
inline Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                     int64_t stride = 1, norma::Padding1d padding = 0, int64_t dilation = 1,
                     int64_t groups = 1) {
  return own::conv1d(x, weight, bias, {stride, padding, dilation, groups});
}
inline Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                     Pair stride = 1, norma::Padding padding = 0, Pair dilation = 1,
                     int64_t groups = 1) {
  return own::conv2d(x, weight, bias, {stride, padding, dilation, groups});
}
inline Tensor max_pool1d(const Tensor& x, int64_t kernel, std::optional<int64_t> stride = {},
                         int64_t padding = 0, int64_t dilation = 1, bool ceil_mode = false) {
  return own::max_pool1d(x, kernel, {stride, padding, dilation, ceil_mode});
}
inline Tensor max_pool2d(const Tensor& x, Pair kernel, OptionalPair stride = {}, Pair padding = 0,
                         Pair dilation = 1, bool ceil_mode = false) {
  return own::max_pool2d(x, kernel, {stride, padding, dilation, ceil_mode});
}
inline Tensor avg_pool2d(const Tensor& x, Pair kernel, OptionalPair stride = {}, Pair padding = 0,
                         bool ceil_mode = false, bool count_pad = true) {
  return own::avg_pool2d(x, kernel, {stride, padding, ceil_mode, count_pad});
}
inline Tensor constant_pad_nd(const Tensor& x, const IntArrayRef& sizes, norma::Scalar value = 0) {
  return own::pad(x, sizes.vec(), norma::PaddingMode::Constant, value);
}
inline Tensor embedding(const Tensor& weight, const Tensor& indices) {
  return own::embedding(indices, weight);
}
inline Tensor softmax(const Tensor& x, int64_t dim, std::optional<Dtype> type = {}) {
  return (type ? x.to(*type) : x).softmax(dim);
}
inline Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<Dtype> type = {}) {
  return (type ? x.to(*type) : x).log_softmax(dim);
}
inline Tensor nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                       Reduction reduction = kMean, int64_t ignore_index = -100) {
  return own::nll_loss(x, target, {weight, ignore_index, reduction});
}
inline Tensor cross_entropy_loss(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                                 Reduction reduction = kMean, int64_t ignored = -100,
                                 double smoothing = 0) {
  return own::cross_entropy(x, target, {weight, ignored, reduction, smoothing});
}
inline Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                               const Tensor& weight = {}, const Tensor& pos = {},
                                               Reduction reduction = kMean) {
  return own::binary_cross_entropy_with_logits(x, target, {weight, pos, reduction});
}

inline Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                                   Reduction reduction = kMean) {
  return own::binary_cross_entropy(x, target, {weight, reduction});
}
inline Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                             double beta = 1) {
  return own::smooth_l1_loss(x, target, {reduction, beta});
}
inline Tensor huber_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                         double delta = 1) {
  return own::huber_loss(x, target, {reduction, delta});
}
inline Tensor kl_div(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                     bool log_target = false) {
  return own::kl_div(x, target, {reduction, log_target});
}

// --- With options: F::max_pool2d(x, F::MaxPool2dFuncOptions(2)) is the layer, called at once ---
namespace nn::functional {

#define NORMA_TORCH_FUNCTION(name, Name, default)                                 \
  using Name##FuncOptions = Name##Options;                                        \
  inline Tensor name(const Tensor& x, const Name##FuncOptions& options default) { \
    return options.make()(x);                                                     \
  }
#define NORMA_TORCH_LOSS_FUNCTION(name, Name)                 \
  using Name##FuncOptions = Name##LossOptions;                \
  inline Tensor name(const Tensor& x, const Tensor& target,   \
                     const Name##FuncOptions& options = {}) { \
    return options.make()(x, target);                         \
  }
using norma::functional::logsigmoid, norma::functional::relu6, torch::tanh;
using torch::linear, torch::mish, torch::one_hot, torch::selu, torch::sigmoid, torch::silu;

NORMA_TORCH_FUNCTION(relu, ReLU, = {})
NORMA_TORCH_FUNCTION(leaky_relu, LeakyReLU, = {})
NORMA_TORCH_FUNCTION(gelu, GELU, = {})
NORMA_TORCH_FUNCTION(softmax, Softmax, )
NORMA_TORCH_FUNCTION(log_softmax, LogSoftmax, )
NORMA_TORCH_FUNCTION(max_pool1d, MaxPool1d, )
NORMA_TORCH_FUNCTION(max_pool2d, MaxPool2d, )
NORMA_TORCH_FUNCTION(avg_pool2d, AvgPool2d, )
NORMA_TORCH_FUNCTION(adaptive_avg_pool2d, AdaptiveAvgPool2d, )
NORMA_TORCH_FUNCTION(elu, ELU, = {})
NORMA_TORCH_FUNCTION(glu, GLU, = {})
NORMA_TORCH_FUNCTION(softplus, Softplus, = {})
NORMA_TORCH_LOSS_FUNCTION(cross_entropy, CrossEntropy)
NORMA_TORCH_LOSS_FUNCTION(binary_cross_entropy, BCE)
NORMA_TORCH_LOSS_FUNCTION(smooth_l1_loss, SmoothL1)
NORMA_TORCH_LOSS_FUNCTION(huber_loss, Huber)
NORMA_TORCH_LOSS_FUNCTION(kl_div, KLDiv)
NORMA_TORCH_LOSS_FUNCTION(hinge_embedding_loss, HingeEmbedding)
NORMA_TORCH_LOSS_FUNCTION(nll_loss, NLL)
NORMA_TORCH_LOSS_FUNCTION(mse_loss, MSE)
NORMA_TORCH_LOSS_FUNCTION(l1_loss, L1)
NORMA_TORCH_LOSS_FUNCTION(binary_cross_entropy_with_logits, BCEWithLogits)
using BinaryCrossEntropyFuncOptions = BCELossOptions;
using SmoothL1LossFuncOptions = SmoothL1LossOptions;
using HuberLossFuncOptions = HuberLossOptions;
using NLLLossFuncOptions = NLLLossOptions;
using MSELossFuncOptions = MSELossOptions;
using L1LossFuncOptions = L1LossOptions;
using BinaryCrossEntropyWithLogitsFuncOptions = BCEWithLogitsLossOptions;
using InterpolateFuncOptions = UpsampleOptions;
inline Tensor interpolate(const Tensor& x, const InterpolateFuncOptions& options) {
  return norma::functional::interpolate(x, options.own);
}
struct PadFuncOptions {
  PadFuncOptions(std::vector<int64_t> sizes) : pad_(std::move(sizes)) {}
  TORCH_ARG(std::vector<int64_t>, pad);
  TORCH_ARG(norma::PaddingMode, mode) = kConstant;
  TORCH_ARG(std::optional<norma::Scalar>, value);
};
inline Tensor pad(const Tensor& x, const PadFuncOptions& options) {
  return norma::functional::pad(x, options.pad(), options.mode(), options.value());
}
struct DropoutFuncOptions {
  TORCH_ARG(double, p) = 0.5;
  TORCH_ARG(bool, training) = false;
  TORCH_ARG(bool, inplace) = false;
};
inline Tensor dropout(const Tensor& x, const DropoutFuncOptions& options = {}) {
  return norma::functional::dropout(x, options.p(), options.training());
}

}  // namespace nn::functional
}  // namespace torch
