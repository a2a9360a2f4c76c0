// Every layer beside the function that it calls.
#include <torch/torch.h>

namespace nn = torch::nn;
namespace F = torch::nn::functional;

void same(const torch::Tensor& a, const torch::Tensor& b, const std::string& what) {
  TORCH_CHECK(a.sizes() == b.sizes() && torch::allclose(a, b, 1e-4, 1e-6), what);
}

void activations(const torch::Tensor& x) {
  same(nn::ReLU6()(x), F::relu6(x), "relu6");
  same(nn::ReLU(nn::ReLUOptions().inplace(false))(x), F::relu(x), "relu");
  same(nn::Hardtanh(nn::HardtanhOptions().min_val(-0.5).max_val(0.5))(x),
       F::hardtanh(x, F::HardtanhFuncOptions().min_val(-0.5).max_val(0.5)), "hardtanh");
  same(nn::Threshold(nn::ThresholdOptions(0.1, 20))(x),
       F::threshold(x, F::ThresholdFuncOptions(0.1, 20)), "threshold");
  same(nn::Softshrink(0.2)(x), F::softshrink(x, 0.2), "softshrink");
  same(nn::Hardshrink(0.2)(x), F::hardshrink(x, 0.2), "hardshrink");
  same(nn::CELU(nn::CELUOptions().alpha(0.5))(x), F::celu(x, F::CELUFuncOptions().alpha(0.5)),
       "celu");
  same(nn::Tanhshrink()(x), F::tanhshrink(x), "tanhshrink");
  same(nn::LogSigmoid()(x), F::logsigmoid(x), "logsigmoid");
  same(nn::Softmin(1)(x), F::softmin(x, F::SoftminFuncOptions(1)), "softmin");
  same(nn::Softplus(nn::SoftplusOptions().beta(2))(x),
       F::softplus(x, F::SoftplusFuncOptions().beta(2)), "softplus");
  same(nn::PReLU(nn::PReLUOptions().init(0.1))(x), torch::leaky_relu(x, 0.1), "prelu");
  same(nn::GELU()(x), F::gelu(x), "gelu");
  same(nn::SiLU()(x), x * torch::sigmoid(x), "silu");
}

void convolutions(const torch::Tensor& x) {
  nn::Conv2d conv(nn::Conv2dOptions(3, 4, {3, 2}).stride({2, 1}).padding(1).groups(1));
  same(
      conv(x),
      F::conv2d(x, conv->weight, F::Conv2dFuncOptions().bias(conv->bias).stride({2, 1}).padding(1)),
      "conv2d");
  same(conv(x), torch::conv2d(x, conv->weight, conv->bias, {2, 1}, 1), "conv2d in a row");
  nn::ConvTranspose2d up(nn::ConvTranspose2dOptions(3, 4, 4).stride(2).padding(1).bias(false));
  same(up(x),
       F::conv_transpose2d(x, up->weight, F::ConvTranspose2dFuncOptions().stride(2).padding(1)),
       "conv_transpose2d");
  same(up(x), torch::conv_transpose2d(x, up->weight, {}, 2, 1), "conv_transpose2d in a row");
  same(nn::Fold(nn::FoldOptions({8, 8}, {2, 2}).stride(2))(
           nn::Unfold(nn::UnfoldOptions({2, 2}).stride(2))(x)),
       x, "fold of unfold");
  same(nn::PixelUnshuffle(2)(nn::PixelShuffle(2)(torch::ones({1, 4, 2, 2}))),
       torch::ones({1, 4, 2, 2}), "pixel_shuffle");
}

void pooling(const torch::Tensor& x) {
  nn::MaxPool2d pool(nn::MaxPool2dOptions({2, 2}).stride({2, 2}));
  const auto [most, where] = pool->forward_with_indices(x);
  same(most, F::max_pool2d(x, F::MaxPool2dFuncOptions(2)), "max_pool2d");
  nn::MaxUnpool2d back(nn::MaxUnpool2dOptions(2));
  same(pool(back(most, where)), most.relu(), "max_unpool2d");
  same(nn::AvgPool1d(2)(x[0]), F::avg_pool1d(x[0], F::AvgPool1dFuncOptions(2)), "avg_pool1d");
  same(nn::AdaptiveMaxPool2d(nn::AdaptiveMaxPool2dOptions({2, 2}))(x),
       F::adaptive_max_pool2d(x, F::AdaptiveMaxPool2dFuncOptions(2)), "adaptive_max_pool2d");
  same(nn::AdaptiveAvgPool1d(1)(x[0]), x[0].mean(-1, true), "adaptive_avg_pool1d");
  same(nn::LPPool2d(nn::LPPool2dOptions(2, 2))(x), F::lp_pool2d(x, F::LPPool2dFuncOptions(2, 2)),
       "lp_pool2d");
}

void norms(const torch::Tensor& x) {
  nn::BatchNorm2d bn(nn::BatchNorm2dOptions(3).momentum(0.5));
  const auto y = bn(x);
  TORCH_CHECK(bn->num_batches_tracked.item<int64_t>() == 1);
  same(y,
       F::batch_norm(x, torch::zeros({3}), torch::ones({3}),
                     F::BatchNormFuncOptions().weight(bn->weight).bias(bn->bias).training(true)),
       "batch_norm");
  same(nn::InstanceNorm2d(nn::InstanceNorm2dOptions(3))(x), F::instance_norm(x), "instance_norm");
  same(nn::GroupNorm(nn::GroupNormOptions(1, 3))(x), F::group_norm(x, F::GroupNormFuncOptions(1)),
       "group_norm");
  same(nn::LayerNorm(nn::LayerNormOptions({8, 8}))(x),
       F::layer_norm(x, F::LayerNormFuncOptions({8, 8})), "layer_norm");
  same(nn::LocalResponseNorm(2)(x), F::local_response_norm(x, F::LocalResponseNormFuncOptions(2)),
       "local_response_norm");
  same(F::normalize(x, F::NormalizeFuncOptions().p(2).dim(1)).norm(2, 1), torch::ones({2, 8, 8}),
       "normalize");
}

void losses(const torch::Tensor& x) {
  const auto a = x[0].flatten(1), b = x[1].flatten(1), sign = torch::tensor({1.0, -1.0, 1.0});
  const auto mean = a.mean(1), other = b.mean(1);
  same(nn::MarginRankingLoss(nn::MarginRankingLossOptions().margin(0.2))(mean, other, sign),
       F::margin_ranking_loss(mean, other, sign, F::MarginRankingLossFuncOptions().margin(0.2)),
       "margin_ranking_loss");
  same(nn::CosineEmbeddingLoss()(a, b, sign), F::cosine_embedding_loss(a, b, sign),
       "cosine_embedding_loss");
  same(nn::TripletMarginLoss(nn::TripletMarginLossOptions().margin(2).reduction(torch::kSum))(a, b,
                                                                                              -a),
       F::triplet_margin_loss(a, b, -a,
                              F::TripletMarginLossFuncOptions().margin(2).reduction(torch::kSum)),
       "triplet_margin_loss");
  same(nn::PoissonNLLLoss(nn::PoissonNLLLossOptions().full(true))(a, b.abs()),
       F::poisson_nll_loss(a, b.abs(), F::PoissonNLLLossFuncOptions().full(true)), "poisson");
  same(torch::binary_cross_entropy(a.sigmoid().mean(1, true), sign.clamp(0)),
       F::binary_cross_entropy(a.sigmoid().mean(1), sign.clamp(0)), "binary_cross_entropy");
  const auto column = mean.unsqueeze(1);  // [3, 1] beside [3]: [3, 3]
  same(nn::MSELoss()(column, other), (column - other).pow(2).mean(), "broadcast mse_loss");
  same(torch::l1_loss(column, other), F::l1_loss(column, other), "broadcast l1_loss");
  same(nn::SoftMarginLoss()(mean, sign), F::soft_margin_loss(mean, sign), "soft_margin_loss");
  same(nn::CosineSimilarity(nn::CosineSimilarityOptions().dim(1))(a, b),
       F::cosine_similarity(a, b, F::CosineSimilarityFuncOptions().dim(1)), "cosine_similarity");
  same(nn::PairwiseDistance()(a, b), F::pairwise_distance(a, b), "pairwise_distance");
  same(F::smooth_l1_loss(a, b, F::SmoothL1LossFuncOptions(torch::kMean)), nn::SmoothL1Loss()(a, b),
       "smooth_l1_loss");
}

void shapes(const torch::Tensor& x) {
  same(nn::ConstantPad2d(nn::ConstantPad2dOptions({1, 1, 0, 0}, 3.5))(x),
       F::pad(x, F::PadFuncOptions({1, 1, 0, 0}).value(3.5)), "ConstantPad2d");
  same(nn::Unflatten(nn::UnflattenOptions(1, {3, 64}))(nn::Flatten()(x)), x.flatten(2),
       "Unflatten");
  same(torch::upsample_nearest2d(x, {16, 16}),
       F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2.0, 2.0})),
       "upsample");
}

void embeddings() {
  const auto table = torch::randn({5, 3});
  auto fixed = nn::Embedding::from_pretrained(table);
  auto tuned = nn::Embedding::from_pretrained(
      table.clone(), nn::EmbeddingFromPretrainedOptions().freeze(false).padding_idx(0));
  TORCH_CHECK(!fixed->weight.requires_grad() && tuned->weight.requires_grad());
  const auto at = torch::tensor({0, 4, 2});
  same(fixed(at), F::embedding(at, table), "embedding");
  tuned(at).sum().backward();
  TORCH_CHECK(tuned->weight.grad()[0].sum().item<float>() == 0);
  TORCH_CHECK(tuned->options.num_embeddings() == 5);
}

int main() {
  torch::manual_seed(3);
  const auto x = torch::randn({2, 3, 8, 8});
  activations(x);
  convolutions(x);
  pooling(x);
  norms(x);
  losses(x);
  shapes(x);
  embeddings();
}
