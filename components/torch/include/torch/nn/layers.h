// Layers and losses. Their options, defaults and errors are those of Norma's layers.
#pragma once
#include "torch/nn/layer.h"

namespace torch::nn {

using norma::Pair;

NORMA_TORCH_LAYER2(Layer, Linear, int64_t, in_features, int64_t, out_features, bias);
NORMA_TORCH_LAYER2(Layer, Embedding, int64_t, num_embeddings, int64_t, embedding_dim, padding_idx,
                   max_norm, norm_type, scale_grad_by_freq);

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
NORMA_TORCH_LAYER1(Layer, MaxPool2d, Pair, kernel_size, stride, padding, dilation, ceil_mode);
NORMA_TORCH_LAYER1(Layer, AvgPool2d, Pair, kernel_size, stride, padding, ceil_mode,
                   count_include_pad, divisor_override);
NORMA_TORCH_SIMPLE1(AdaptiveAvgPool2d, Pair, output_size, Pair(1));

// --- Norms ---
}  // namespace torch::nn
namespace norma::nn {
using BatchNorm1dOptions = BatchNormOptions;
using BatchNorm2dOptions = BatchNormOptions;
}  // namespace norma::nn
namespace torch::nn {
NORMA_TORCH_LAYER1(Layer, BatchNorm1d, int64_t, num_features, eps, momentum, affine,
                   track_running_stats);
NORMA_TORCH_LAYER1(Layer, BatchNorm2d, int64_t, num_features, eps, momentum, affine,
                   track_running_stats);
NORMA_TORCH_LAYER1(Layer, LayerNorm, std::vector<int64_t>, normalized_shape, eps,
                   elementwise_affine);
NORMA_TORCH_LAYER2(Layer, GroupNorm, int64_t, num_groups, int64_t, num_channels, eps, affine);

// --- Shapes ---
struct FlattenOptions {
  FlattenOptions() = default;
  auto make() const { return norma::nn::Flatten(start_dim_, end_dim_); }
  TORCH_ARG(int64_t, start_dim) = 1;
  TORCH_ARG(int64_t, end_dim) = -1;
};
NORMA_TORCH_IMPL(Layer, Flatten);
struct UpsampleOptions {
  auto make() const { return norma::nn::Upsample(own); }
  norma::nn::UpsampleOptions own;
  NORMA_TORCH_OPTIONS(size, scale_factor, mode, align_corners, recompute_scale_factor)
};
NORMA_TORCH_IMPL(Layer, Upsample);
NORMA_TORCH_SIMPLE1(ZeroPad2d, norma::Shape, padding, 0);
NORMA_TORCH_SIMPLE1(ReflectionPad1d, norma::Shape, padding, 0);
NORMA_TORCH_SIMPLE1(ReflectionPad2d, norma::Shape, padding, 0);
NORMA_TORCH_SIMPLE1(ReplicationPad1d, norma::Shape, padding, 0);
NORMA_TORCH_SIMPLE1(ReplicationPad2d, norma::Shape, padding, 0);

// --- Masks ---
NORMA_TORCH_SIMPLE1(Dropout, double, p, 0.5);
NORMA_TORCH_SIMPLE1(Dropout2d, double, p, 0.5);
using FeatureDropout = Dropout2d;

// --- Activations ---
NORMA_TORCH_SIMPLE0(Identity);
NORMA_TORCH_SIMPLE0(ReLU);
NORMA_TORCH_SIMPLE0(Sigmoid);
NORMA_TORCH_SIMPLE0(Tanh);
NORMA_TORCH_SIMPLE1(LeakyReLU, double, negative_slope, 0.01);
NORMA_TORCH_SIMPLE1(Softmax, int64_t, dim, -1);
NORMA_TORCH_SIMPLE1(LogSoftmax, int64_t, dim, -1);
struct GELUOptions {
  GELUOptions() = default;
  auto make() const { return norma::nn::GELU(own); }
  norma::nn::GELUOptions own;
  NORMA_TORCH_OPTIONS(approximate)
};
NORMA_TORCH_IMPL(Layer, GELU);

// --- Losses ---
NORMA_TORCH_LOSS(CrossEntropyLoss, weight, ignore_index, label_smoothing);
NORMA_TORCH_LOSS(NLLLoss, weight, ignore_index);
NORMA_TORCH_LOSS(BCEWithLogitsLoss, weight, pos_weight);
NORMA_TORCH_LOSS(MSELoss);
NORMA_TORCH_LOSS(L1Loss);

}  // namespace torch::nn
