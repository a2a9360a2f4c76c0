// torch::nn::functional, and the functions of layers and losses that stand in torch itself.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "torch/functions.h"
#include "torch/nn/layers.h"

namespace torch {

// --- With arguments in a row: torch::max_pool2d(x, 2) ---
namespace own = norma::functional;
using own::adaptive_avg_pool1d, own::adaptive_avg_pool2d, own::celu, own::cosine_similarity;
using own::dropout, own::elu, own::gelu, own::glu, own::group_norm, own::hardsigmoid;
using own::hardswish, own::hardtanh, own::layer_norm, own::leaky_relu, own::linear;
using own::mish, own::one_hot, own::pairwise_distance, own::pixel_shuffle;
using own::pixel_unshuffle, own::prelu, own::relu6, own::selu, own::silu, own::softplus;
using own::soft_margin_loss, own::softshrink, own::hardshrink, own::threshold;
inline Tensor log_sigmoid(const Tensor& x) { return own::logsigmoid(x); }
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
inline Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                               int64_t stride = 1, int64_t padding = 0, int64_t output_padding = 0,
                               int64_t groups = 1, int64_t dilation = 1) {
  return own::conv_transpose1d(x, weight, bias,
                               {stride, padding, output_padding, groups, dilation});
}
inline Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                               Pair stride = 1, Pair padding = 0, Pair output_padding = 0,
                               int64_t groups = 1, Pair dilation = 1) {
  return own::conv_transpose2d(x, weight, bias,
                               {stride, padding, output_padding, groups, dilation});
}
inline Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const Tensor& mean, const Tensor& var, bool training, double momentum,
                         double eps, bool /*cudnn*/ = false) {
  return own::batch_norm(x, {mean, var, weight, bias, training, momentum, eps});
}
inline Tensor upsample_nearest2d(const Tensor& x, const IntArrayRef& size) {
  return own::interpolate(x, {.size = size});
}
inline Tensor upsample_bilinear2d(const Tensor& x, const IntArrayRef& size, bool align_corners) {
  return own::interpolate(x, {.size = size, .mode = kBilinear, .align_corners = align_corners});
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
inline Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1,
                        bool by_freq = false, bool /*sparse*/ = false) {
  own::EmbeddingOptions options{.scale_grad_by_freq = by_freq};
  if (padding_idx >= 0) options.padding_idx = padding_idx;
  return own::embedding(indices, weight, options);
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
inline Tensor nll_loss2d(const Tensor& x, const Tensor& target) { return nll_loss(x, target); }
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

inline Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean) {
  return own::mse_loss(nn::beside(x, target), nn::beside(target, x), reduction);
}
inline Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean) {
  return own::l1_loss(nn::beside(x, target), nn::beside(target, x), reduction);
}
/// Dimensions of size 1 may differ: x [N, 1] and target [N].
inline Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                                   Reduction reduction = kMean) {
  const bool same = x.squeeze().sizes() == target.squeeze().sizes();
  return own::binary_cross_entropy(x, same ? target.reshape(x.sizes()) : target,
                                   {weight, reduction});
}
inline Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                             double beta = 1) {
  return own::smooth_l1_loss(nn::beside(x, target), nn::beside(target, x), {reduction, beta});
}
inline Tensor huber_loss(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                         double delta = 1) {
  return own::huber_loss(nn::beside(x, target), nn::beside(target, x), {reduction, delta});
}
inline Tensor kl_div(const Tensor& x, const Tensor& target, Reduction reduction = kMean,
                     bool log_target = false) {
  return own::kl_div(x, target, {reduction, log_target});
}

// --- With options: F::max_pool2d(x, F::MaxPool2dFuncOptions(2)) is the layer, called at once ---
namespace nn::functional {

using own::hardsigmoid, own::hardswish, torch::linear, torch::mish, torch::one_hot;
using own::logsigmoid, own::softsign, own::tanhshrink, own::prelu, torch::tanh;
using torch::sigmoid, torch::silu;

#define NORMA_TORCH_FUNCTION(name, Name, default)                                 \
  using Name##FuncOptions = Name##Options;                                        \
  inline Tensor name(const Tensor& x, const Name##FuncOptions& options default) { \
    return options.make()(x);                                                     \
  }
#define NORMA_TORCH_L(name, Name, Given)                                                         \
  using Given = Name##Options;                                                                   \
  inline Tensor name(const Tensor& x, const Tensor& target, const Name##Options& options = {}) { \
    return options.make()(x, target);                                                            \
  }
#define NORMA_TORCH_LW(name, Name, Given)                                                        \
  using Given = Name##Options;                                                                   \
  inline Tensor name(const Tensor& x, const Tensor& target, const Name##Options& options = {}) { \
    return options.make()(beside(x, target), beside(target, x));                                 \
  }
#define NORMA_TORCH_L3(name, Name, Given)                               \
  using Given = Name##Options;                                          \
  inline Tensor name(const Tensor& a, const Tensor& b, const Tensor& c, \
                     const Name##Options& options = {}) {               \
    return options.make()(a, b, c);                                     \
  }
// Losses L and L3, convolutions C: F::conv2d(x, weight, F::Conv2dFuncOptions().bias(b).padding(1))
#define NORMA_TORCH_C(name, Name, Own, ...)                   \
  struct Name##FuncOptions {                                  \
    own::Own own;                                             \
    NORMA_TORCH_OPTIONS(__VA_ARGS__)                          \
    TORCH_ARG(Tensor, bias);                                  \
  };                                                          \
  inline Tensor name(const Tensor& x, const Tensor& weight,   \
                     const Name##FuncOptions& options = {}) { \
    return own::name(x, weight, options.bias(), options.own); \
  }

#define NORMA_TORCH_F(name, Name) NORMA_TORCH_FUNCTION(name, Name, )
#define NORMA_TORCH_F0(name, Name) NORMA_TORCH_FUNCTION(name, Name, = {})

struct BatchNormFuncOptions {
  norma::functional::BatchNormArgs own;
  NORMA_TORCH_OPTIONS(weight, bias, training, momentum, eps)
};
inline Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var,
                         BatchNormFuncOptions options = {}) {
  options.own.running_mean = mean;
  options.own.running_var = var;
  return own::batch_norm(x, options.own);
}
struct InstanceNormFuncOptions {
  norma::functional::InstanceNormArgs own;
  NORMA_TORCH_OPTIONS(running_mean, running_var, use_input_stats, weight, bias, momentum, eps)
};
inline Tensor instance_norm(const Tensor& x, const InstanceNormFuncOptions& options = {}) {
  return own::instance_norm(x, options.own);
}
struct LayerNormFuncOptions {
  LayerNormFuncOptions(std::vector<int64_t> shape) : normalized_shape_(std::move(shape)) {}
  TORCH_ARG(std::vector<int64_t>, normalized_shape);
  TORCH_ARG(Tensor, weight);
  TORCH_ARG(Tensor, bias);
  TORCH_ARG(double, eps) = 1e-5;
};
inline Tensor layer_norm(const Tensor& x, const LayerNormFuncOptions& o) {
  return own::layer_norm(x, o.normalized_shape(), o.weight(), o.bias(), o.eps());
}
struct GroupNormFuncOptions {
  GroupNormFuncOptions(int64_t groups) : num_groups_(groups) {}
  TORCH_ARG(int64_t, num_groups);
  TORCH_ARG(Tensor, weight);
  TORCH_ARG(Tensor, bias);
  TORCH_ARG(double, eps) = 1e-5;
};
inline Tensor group_norm(const Tensor& x, const GroupNormFuncOptions& o) {
  return own::group_norm(x, o.num_groups(), o.weight(), o.bias(), o.eps());
}
struct NormalizeFuncOptions {
  TORCH_ARG(double, p) = 2;
  TORCH_ARG(int64_t, dim) = 1;
  TORCH_ARG(double, eps) = 1e-12;
};
inline Tensor normalize(const Tensor& x, const NormalizeFuncOptions& o = {}) {
  return own::normalize(x, o.p(), o.dim(), o.eps());
}
struct EmbeddingFuncOptions {
  norma::functional::EmbeddingOptions own;
  NORMA_TORCH_OPTIONS(padding_idx, max_norm, norm_type, scale_grad_by_freq)
};
inline Tensor embedding(const Tensor& indices, const Tensor& weight,
                        const EmbeddingFuncOptions& options = {}) {
  return own::embedding(indices, weight, options.own);
}
using MaxUnpool2dFuncOptions = MaxUnpool2dOptions;
inline Tensor max_unpool2d(const Tensor& x, const Tensor& indices,
                           const MaxUnpool2dFuncOptions& options) {
  return options.make()(x, indices);
}
inline std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x,
                                                          const MaxPool2dOptions& options) {
  return own::max_pool2d_with_indices(x, options.kernel_size(), options.own);
}
using InterpolateFuncOptions = UpsampleOptions;
inline Tensor interpolate(const Tensor& x, const InterpolateFuncOptions& options) {
  return own::interpolate(x, options.own);
}
struct PadFuncOptions {
  PadFuncOptions(std::vector<int64_t> sizes) : pad_(std::move(sizes)) {}
  TORCH_ARG(std::vector<int64_t>, pad);
  TORCH_ARG(norma::PaddingMode, mode) = kConstant;
  TORCH_ARG(std::optional<norma::Scalar>, value);
};
inline Tensor pad(const Tensor& x, const PadFuncOptions& options) {
  return own::pad(x, options.pad(), options.mode(), options.value());
}
struct DropoutFuncOptions {
  TORCH_ARG(double, p) = 0.5;
  TORCH_ARG(bool, training) = false;
  TORCH_ARG(bool, inplace) = false;
};
inline Tensor dropout(const Tensor& x, const DropoutFuncOptions& options = {}) {
  return own::dropout(x, options.p(), options.training());
}
using Dropout2dFuncOptions = DropoutFuncOptions;
inline Tensor dropout2d(const Tensor& x, const Dropout2dFuncOptions& options = {}) {
  return own::dropout2d(x, options.p(), options.training());
}

// clang-format off
NORMA_TORCH_F0(relu, ReLU) NORMA_TORCH_F0(relu6, ReLU6) NORMA_TORCH_F0(selu, SELU)
NORMA_TORCH_F0(leaky_relu, LeakyReLU) NORMA_TORCH_F0(elu, ELU) NORMA_TORCH_F0(celu, CELU)
NORMA_TORCH_F0(gelu, GELU) NORMA_TORCH_F0(glu, GLU) NORMA_TORCH_F0(hardtanh, Hardtanh)
NORMA_TORCH_F0(hardshrink, Hardshrink) NORMA_TORCH_F0(softshrink, Softshrink)
NORMA_TORCH_F0(softplus, Softplus) NORMA_TORCH_F(threshold, Threshold)
NORMA_TORCH_F(softmax, Softmax) NORMA_TORCH_F(softmin, Softmin)
NORMA_TORCH_F(log_softmax, LogSoftmax) NORMA_TORCH_F(max_pool1d, MaxPool1d)
NORMA_TORCH_F(max_pool2d, MaxPool2d) NORMA_TORCH_F(avg_pool1d, AvgPool1d)
NORMA_TORCH_F(avg_pool2d, AvgPool2d) NORMA_TORCH_F(lp_pool2d, LPPool2d)
NORMA_TORCH_F(adaptive_avg_pool1d, AdaptiveAvgPool1d)
NORMA_TORCH_F(adaptive_avg_pool2d, AdaptiveAvgPool2d)
NORMA_TORCH_F(adaptive_max_pool1d, AdaptiveMaxPool1d)
NORMA_TORCH_F(adaptive_max_pool2d, AdaptiveMaxPool2d)
NORMA_TORCH_F(local_response_norm, LocalResponseNorm) NORMA_TORCH_F(pixel_shuffle, PixelShuffle)
NORMA_TORCH_F(pixel_unshuffle, PixelUnshuffle) NORMA_TORCH_F(unfold, Unfold)
NORMA_TORCH_F(fold, Fold) NORMA_TORCH_L(cross_entropy, CrossEntropyLoss, CrossEntropyFuncOptions)
NORMA_TORCH_L(binary_cross_entropy, BCELoss, BinaryCrossEntropyFuncOptions)
NORMA_TORCH_L(binary_cross_entropy_with_logits, BCEWithLogitsLoss,
    BinaryCrossEntropyWithLogitsFuncOptions)
NORMA_TORCH_L(nll_loss, NLLLoss, NLLLossFuncOptions)
NORMA_TORCH_LW(mse_loss, MSELoss, MSELossFuncOptions)
NORMA_TORCH_LW(l1_loss, L1Loss, L1LossFuncOptions)
NORMA_TORCH_LW(smooth_l1_loss, SmoothL1Loss, SmoothL1LossFuncOptions)
NORMA_TORCH_LW(huber_loss, HuberLoss, HuberLossFuncOptions)
NORMA_TORCH_L(kl_div, KLDivLoss, KLDivFuncOptions)
NORMA_TORCH_L(poisson_nll_loss, PoissonNLLLoss, PoissonNLLLossFuncOptions)
NORMA_TORCH_L(soft_margin_loss, SoftMarginLoss, SoftMarginLossFuncOptions)
NORMA_TORCH_L(multilabel_soft_margin_loss, MultiLabelSoftMarginLoss,
    MultilabelSoftMarginLossFuncOptions)
NORMA_TORCH_L(hinge_embedding_loss, HingeEmbeddingLoss, HingeEmbeddingLossFuncOptions)
NORMA_TORCH_L(cosine_similarity, CosineSimilarity, CosineSimilarityFuncOptions)
NORMA_TORCH_L(pairwise_distance, PairwiseDistance, PairwiseDistanceFuncOptions)
NORMA_TORCH_L3(margin_ranking_loss, MarginRankingLoss, MarginRankingLossFuncOptions)
NORMA_TORCH_L3(cosine_embedding_loss, CosineEmbeddingLoss, CosineEmbeddingLossFuncOptions)
NORMA_TORCH_L3(triplet_margin_loss, TripletMarginLoss, TripletMarginLossFuncOptions)
NORMA_TORCH_C(conv1d, Conv1d, Conv1dOptions, stride, padding, dilation, groups)
NORMA_TORCH_C(conv2d, Conv2d, ConvOptions, stride, padding, dilation, groups)
NORMA_TORCH_C(conv_transpose1d, ConvTranspose1d, ConvTranspose1dOptions, stride, padding,
    output_padding, groups, dilation)
NORMA_TORCH_C(conv_transpose2d, ConvTranspose2d, ConvTransposeOptions, stride, padding,
    output_padding, groups, dilation)
// clang-format on

}  // namespace nn::functional
}  // namespace torch
