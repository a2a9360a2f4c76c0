// torch::nn::functional, and the functions of layers and losses that stand in torch itself.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "torch/functions.h"
#include "torch/nn/layers.h"

namespace torch {

// --- With arguments in a row: torch::max_pool2d(x, 2) ---
inline Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {}) {
  return norma::functional::linear(x, weight, bias);
}
inline Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                     int64_t stride = 1, norma::Padding1d padding = 0, int64_t dilation = 1,
                     int64_t groups = 1) {
  return norma::functional::conv1d(x, weight, bias, {stride, padding, dilation, groups});
}
inline Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                     norma::Pair stride = 1, norma::Padding padding = 0, norma::Pair dilation = 1,
                     int64_t groups = 1) {
  return norma::functional::conv2d(x, weight, bias, {stride, padding, dilation, groups});
}
inline Tensor max_pool1d(const Tensor& x, int64_t kernel, std::optional<int64_t> stride = {},
                         int64_t padding = 0, int64_t dilation = 1, bool ceil_mode = false) {
  return norma::functional::max_pool1d(x, kernel, {stride, padding, dilation, ceil_mode});
}
inline Tensor max_pool2d(const Tensor& x, norma::Pair kernel, norma::OptionalPair stride = {},
                         norma::Pair padding = 0, norma::Pair dilation = 1,
                         bool ceil_mode = false) {
  return norma::functional::max_pool2d(x, kernel, {stride, padding, dilation, ceil_mode});
}
inline Tensor avg_pool2d(const Tensor& x, norma::Pair kernel, norma::OptionalPair stride = {},
                         norma::Pair padding = 0, bool ceil_mode = false,
                         bool count_include_pad = true,
                         std::optional<int64_t> divisor_override = {}) {
  return norma::functional::avg_pool2d(
      x, kernel, {stride, padding, ceil_mode, count_include_pad, divisor_override});
}
inline Tensor adaptive_avg_pool2d(const Tensor& x, norma::Pair size) {
  return norma::functional::adaptive_avg_pool2d(x, size);
}
inline Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const Tensor& running_mean, const Tensor& running_var, bool training,
                         double momentum, double eps, bool /*cudnn_enabled*/ = false) {
  return norma::functional::batch_norm(
      x, {running_mean, running_var, weight, bias, training, momentum, eps});
}
inline Tensor layer_norm(const Tensor& x, const IntArrayRef& shape, const Tensor& weight = {},
                         const Tensor& bias = {}, double eps = 1e-5) {
  return norma::functional::layer_norm(x, shape, weight, bias, eps);
}
inline Tensor constant_pad_nd(const Tensor& x, const std::vector<int64_t>& pad,
                              norma::Scalar value = 0) {
  return norma::functional::pad(x, pad, norma::PaddingMode::Constant, value);
}
inline Tensor embedding(const Tensor& weight, const Tensor& indices) {
  return norma::functional::embedding(indices, weight);
}
inline Tensor dropout(const Tensor& x, double p, bool train) {
  return norma::functional::dropout(x, p, train);
}
inline Tensor softmax(const Tensor& x, int64_t dim, std::optional<Dtype> type = {}) {
  return (type ? x.to(*type) : x).softmax(dim);
}
inline Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<Dtype> type = {}) {
  return (type ? x.to(*type) : x).log_softmax(dim);
}
inline Tensor leaky_relu(const Tensor& x, double slope = 0.01) { return x.leaky_relu(slope); }
inline Tensor gelu(const Tensor& x, const std::string& approximate = "none") {
  return x.gelu(approximate == "tanh");
}
inline Tensor nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                       Reduction reduction = kMean, int64_t ignore_index = -100) {
  return norma::functional::nll_loss(x, target, {weight, ignore_index, reduction});
}
inline Tensor cross_entropy_loss(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                                 Reduction reduction = kMean, int64_t ignore_index = -100,
                                 double label_smoothing = 0) {
  return norma::functional::cross_entropy(x, target,
                                          {weight, ignore_index, reduction, label_smoothing});
}
inline Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                               const Tensor& weight = {},
                                               const Tensor& pos_weight = {},
                                               Reduction reduction = kMean) {
  return norma::functional::binary_cross_entropy_with_logits(x, target,
                                                             {weight, pos_weight, reduction});
}
inline Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean) {
  return norma::functional::mse_loss(x, target, reduction);
}
inline Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean) {
  return norma::functional::l1_loss(x, target, reduction);
}

// --- With options: F::max_pool2d(x, F::MaxPool2dFuncOptions(2)) ---
namespace nn::functional {

using torch::linear;
using torch::relu;
using torch::sigmoid;
using torch::tanh;
using CrossEntropyFuncOptions = CrossEntropyLossOptions;
using BinaryCrossEntropyWithLogitsFuncOptions = BCEWithLogitsLossOptions;

/// Norma's layer or loss that the options make, called at once.
#define NORMA_TORCH_FUNCTION(name, Options) \
  inline Tensor name(const Tensor& x, const Options& options) { return options.make()(x); }
#define NORMA_TORCH_LOSS_FUNCTION(name, Options)                                           \
  inline Tensor name(const Tensor& x, const Tensor& target, const Options& options = {}) { \
    return options.make()(x, target);                                                      \
  }
NORMA_TORCH_FUNCTION(relu, ReLUFuncOptions)
inline Tensor leaky_relu(const Tensor& x, const LeakyReLUFuncOptions& options = {}) {
  return options.make()(x);
}
inline Tensor gelu(const Tensor& x, const GELUOptions& options = {}) { return options.make()(x); }
NORMA_TORCH_FUNCTION(softmax, SoftmaxFuncOptions)
NORMA_TORCH_FUNCTION(log_softmax, LogSoftmaxFuncOptions)
NORMA_TORCH_FUNCTION(max_pool1d, MaxPool1dFuncOptions)
NORMA_TORCH_FUNCTION(max_pool2d, MaxPool2dFuncOptions)
NORMA_TORCH_FUNCTION(avg_pool2d, AvgPool2dFuncOptions)
NORMA_TORCH_FUNCTION(adaptive_avg_pool2d, AdaptiveAvgPool2dFuncOptions)
NORMA_TORCH_LOSS_FUNCTION(cross_entropy, CrossEntropyFuncOptions)
NORMA_TORCH_LOSS_FUNCTION(nll_loss, NLLLossFuncOptions)
NORMA_TORCH_LOSS_FUNCTION(mse_loss, MSELossFuncOptions)
NORMA_TORCH_LOSS_FUNCTION(l1_loss, L1LossFuncOptions)
NORMA_TORCH_LOSS_FUNCTION(binary_cross_entropy_with_logits, BinaryCrossEntropyWithLogitsFuncOptions)

}  // namespace nn::functional
}  // namespace torch
