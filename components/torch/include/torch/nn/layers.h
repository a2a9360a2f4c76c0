// Layers and losses. Their options, defaults and errors are those of Norma's layers.
#pragma once
#include "torch/nn/layer.h"

namespace norma::nn {
using BatchNorm1dOptions = BatchNormOptions;
using BatchNorm2dOptions = BatchNormOptions;
using BatchNorm3dOptions = BatchNormOptions;
using InstanceNorm1dOptions = InstanceNormOptions;
using InstanceNorm2dOptions = InstanceNormOptions;
using InstanceNorm3dOptions = InstanceNormOptions;
using FoldOptions = UnfoldOptions;
}  // namespace norma::nn

namespace torch::nn {

using norma::Pair;

NORMA_TORCH_LAYER2(Layer, Linear, int64_t, in_features, int64_t, out_features, bias);

// --- Embeddings ---
NORMA_TORCH_OPTIONS2(Embedding, int64_t, num_embeddings, int64_t, embedding_dim, padding_idx,
                     max_norm, norm_type, scale_grad_by_freq);
struct EmbeddingFromPretrainedOptions {
  norma::nn::EmbeddingFromPretrainedOptions own;
  NORMA_TORCH_OPTIONS(freeze, padding_idx, max_norm, norm_type, scale_grad_by_freq)
};
struct EmbeddingImpl : Layer<EmbeddingImpl, EmbeddingOptions> {
  using Layer<EmbeddingImpl, EmbeddingOptions>::Layer;
  EmbeddingImpl(const Tensor& table, const EmbeddingFromPretrainedOptions& given)
      : Layer(table.size(0), table.size(1)) {
    core_ = layer_ = std::make_shared<norma::nn::Embedding>(
        norma::nn::Embedding::from_pretrained(table, given.own));
    options.own = layer_->options();
    weight = layer_->weight;
  }
};
class Embedding : public ModuleHolder<EmbeddingImpl> {
 public:
  using ModuleHolder<EmbeddingImpl>::ModuleHolder;
  using Impl = EmbeddingImpl;
  static Embedding from_pretrained(const Tensor& table,
                                   const EmbeddingFromPretrainedOptions& options = {}) {
    return std::make_shared<EmbeddingImpl>(table, options);
  }
};

// --- Convolutions ---
NORMA_TORCH_CONV(Layer, Conv1d, int64_t, stride, padding, dilation, groups, bias, padding_mode);
NORMA_TORCH_CONV(Layer, Conv2d, Pair, stride, padding, dilation, groups, bias, padding_mode);
/// `up(x, output_size)`, too.
template <class Derived, class Options>
struct ConvTranspose : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& input, const std::optional<IntArrayRef>& output_size = {}) {
    return output_size ? (*this->layer_)(input, *output_size) : (*this->layer_)(input);
  }
};
NORMA_TORCH_CONV(ConvTranspose, ConvTranspose1d, int64_t, stride, padding, output_padding, groups,
                 bias, dilation);
NORMA_TORCH_CONV(ConvTranspose, ConvTranspose2d, Pair, stride, padding, output_padding, groups,
                 bias, dilation);

// --- Pooling ---
NORMA_TORCH_LAYER1(Layer, MaxPool1d, int64_t, kernel_size, stride, padding, dilation, ceil_mode);
template <class Derived, class Options>
struct IndexedPool : Layer<Derived, Options> {
  using Layer<Derived, Options>::Layer;
  std::tuple<Tensor, Tensor> forward_with_indices(const Tensor& input) {
    const Options& given = this->options;
    return norma::functional::max_pool2d_with_indices(input, given.kernel_size(), given.own);
  }
};
NORMA_TORCH_LAYER1(IndexedPool, MaxPool2d, Pair, kernel_size, stride, padding, dilation, ceil_mode);
NORMA_TORCH_LAYER1(Loss, MaxUnpool2d, Pair, kernel_size, stride, padding);
NORMA_TORCH_LAYER1(Layer, AvgPool1d, int64_t, kernel_size, stride, padding, ceil_mode,
                   count_include_pad);
NORMA_TORCH_LAYER1(Layer, AvgPool2d, Pair, kernel_size, stride, padding, ceil_mode,
                   count_include_pad, divisor_override);
NORMA_TORCH_LAYER2(Layer, LPPool2d, double, norm_type, Pair, kernel_size, stride, ceil_mode);
NORMA_TORCH_SIMPLE1(AdaptiveAvgPool1d, int64_t, output_size, 1);
NORMA_TORCH_SIMPLE1(AdaptiveAvgPool2d, Pair, output_size, Pair(1));
NORMA_TORCH_SIMPLE1(AdaptiveMaxPool1d, int64_t, output_size, 1);
NORMA_TORCH_SIMPLE1(AdaptiveMaxPool2d, Pair, output_size, Pair(1));

// --- Norms ---
#define NORMA_TORCH_NORM(Name) \
  NORMA_TORCH_LAYER1(Layer, Name, int64_t, num_features, eps, momentum, affine, track_running_stats)
// clang-format off
NORMA_TORCH_NORM(BatchNorm1d); NORMA_TORCH_NORM(BatchNorm2d); NORMA_TORCH_NORM(BatchNorm3d);
NORMA_TORCH_NORM(InstanceNorm1d); NORMA_TORCH_NORM(InstanceNorm2d);
NORMA_TORCH_NORM(InstanceNorm3d);
// clang-format on
NORMA_TORCH_LAYER1(Layer, LayerNorm, std::vector<int64_t>, normalized_shape, eps,
                   elementwise_affine);
NORMA_TORCH_LAYER2(Layer, GroupNorm, int64_t, num_groups, int64_t, num_channels, eps, affine);
NORMA_TORCH_LAYER1(Layer, LocalResponseNorm, int64_t, size, alpha, beta, k);

// --- Shapes ---
NORMA_TORCH_SIMPLE2(Flatten, int64_t, start_dim, 1, int64_t, end_dim, -1);
NORMA_TORCH_SIMPLE2(Unflatten, int64_t, dim, 1, norma::Shape, sizes, {});
NORMA_TORCH_LAYER1(Layer, Unfold, Pair, kernel_size, dilation, padding, stride);
NORMA_TORCH_LAYER2(Layer, Fold, Pair, output_size, Pair, kernel_size, dilation, padding, stride);
NORMA_TORCH_SIMPLE1(PixelShuffle, int64_t, upscale_factor, 1);
NORMA_TORCH_SIMPLE1(PixelUnshuffle, int64_t, downscale_factor, 1);
NORMA_TORCH_LAYER0(Layer, Upsample, size, scale_factor, mode, align_corners,
                   recompute_scale_factor);
#define NORMA_TORCH_PAD(Name) NORMA_TORCH_SIMPLE1(Name, norma::Shape, padding, 0)
// clang-format off
NORMA_TORCH_PAD(ZeroPad1d); NORMA_TORCH_PAD(ZeroPad2d); NORMA_TORCH_PAD(ZeroPad3d);
NORMA_TORCH_PAD(ReflectionPad1d); NORMA_TORCH_PAD(ReflectionPad2d);
NORMA_TORCH_PAD(ReflectionPad3d); NORMA_TORCH_PAD(ReplicationPad1d);
NORMA_TORCH_PAD(ReplicationPad2d); NORMA_TORCH_PAD(ReplicationPad3d);
// clang-format on
NORMA_TORCH_SIMPLE2(ConstantPad1d, norma::Shape, padding, 0, double, value, 0);
NORMA_TORCH_SIMPLE2(ConstantPad2d, norma::Shape, padding, 0, double, value, 0);
NORMA_TORCH_SIMPLE2(ConstantPad3d, norma::Shape, padding, 0, double, value, 0);

// --- Masks ---
NORMA_TORCH_SIMPLE1(Dropout, double, p, 0.5);
NORMA_TORCH_SIMPLE1(Dropout2d, double, p, 0.5);
using FeatureDropout = Dropout2d;

// --- Activations ---
// clang-format off
NORMA_TORCH_SIMPLE0(Identity); NORMA_TORCH_SIMPLE0(ReLU); NORMA_TORCH_SIMPLE0(ReLU6);
NORMA_TORCH_SIMPLE0(SELU); NORMA_TORCH_SIMPLE0(SiLU); NORMA_TORCH_SIMPLE0(Mish);
NORMA_TORCH_SIMPLE0(Sigmoid); NORMA_TORCH_SIMPLE0(LogSigmoid); NORMA_TORCH_SIMPLE0(Hardsigmoid);
NORMA_TORCH_SIMPLE0(Hardswish); NORMA_TORCH_SIMPLE0(Tanh); NORMA_TORCH_SIMPLE0(Tanhshrink);
NORMA_TORCH_SIMPLE0(Softsign); NORMA_TORCH_SIMPLE0(Softmax2d);
NORMA_TORCH_SIMPLE1(LeakyReLU, double, negative_slope, 0.01);
NORMA_TORCH_SIMPLE1(ELU, double, alpha, 1.0); NORMA_TORCH_SIMPLE1(CELU, double, alpha, 1.0);
NORMA_TORCH_SIMPLE1(GLU, int64_t, dim, -1); NORMA_TORCH_SIMPLE1(Softmin, int64_t, dim, -1);
NORMA_TORCH_SIMPLE1(Softmax, int64_t, dim, -1);
NORMA_TORCH_SIMPLE1(LogSoftmax, int64_t, dim, -1);
NORMA_TORCH_SIMPLE1(Hardshrink, double, lambda, 0.5);
NORMA_TORCH_SIMPLE1(Softshrink, double, lambda, 0.5);
NORMA_TORCH_SIMPLE2(Softplus, double, beta, 1, double, threshold, 20);
NORMA_TORCH_SIMPLE2(Hardtanh, double, min_val, -1, double, max_val, 1);
NORMA_TORCH_SIMPLE2(Threshold, double, threshold, 0, double, value, 0);
NORMA_TORCH_SIMPLE2(PReLU, int64_t, num_parameters, 1, double, init, 0.25);
// clang-format on
NORMA_TORCH_LAYER0(Layer, GELU, approximate);

// --- Losses ---
// clang-format off
NORMA_TORCH_LOSS(CrossEntropyLoss, weight, ignore_index, label_smoothing);
NORMA_TORCH_LOSS(NLLLoss, weight, ignore_index);
NORMA_TORCH_LOSS(BCEWithLogitsLoss, weight, pos_weight); NORMA_TORCH_LOSS(BCELoss, weight);
NORMA_TORCH_LOSS_OF(WideLoss, MSELoss); NORMA_TORCH_LOSS_OF(WideLoss, L1Loss); NORMA_TORCH_LOSS_OF(WideLoss, SmoothL1Loss, beta);
NORMA_TORCH_LOSS_OF(WideLoss, HuberLoss, delta); NORMA_TORCH_LOSS(KLDivLoss, log_target);
NORMA_TORCH_LOSS(PoissonNLLLoss, log_input, full, eps); NORMA_TORCH_LOSS(SoftMarginLoss);
NORMA_TORCH_LOSS(MultiLabelSoftMarginLoss, weight); NORMA_TORCH_LOSS(HingeEmbeddingLoss, margin);
NORMA_TORCH_LOSS(MarginRankingLoss, margin); NORMA_TORCH_LOSS(CosineEmbeddingLoss, margin);
NORMA_TORCH_LOSS(TripletMarginLoss, margin, p, eps, swap);
// clang-format on
NORMA_TORCH_LAYER0(Loss, CosineSimilarity, dim, eps);
NORMA_TORCH_LAYER0(Loss, PairwiseDistance, p, eps, keepdim);

}  // namespace torch::nn
