// Layers, with their options.
#include "cases.h"

namespace cases {

using namespace norma;

namespace {

void add_activations(Cases& all) {
  const Shape rest{4, 5};
  const auto add = [&](const char* name, auto module) {
    all.push_back(layer(name, std::move(module), rest));
  };
  add("relu", nn::ReLU());
  add("leaky_relu", nn::LeakyReLU(0.2));
  add("gelu", nn::GELU());
  add("gelu_tanh", nn::GELU({.approximate = "tanh"}));
  add("sigmoid", nn::Sigmoid());
  add("tanh", nn::Tanh());
  add("softmax", nn::Softmax(1));
  add("log_softmax", nn::LogSoftmax(-1));
  add("softmin", nn::Softmin(2));
  add("relu6", nn::ReLU6());
  add("hardtanh", nn::Hardtanh(-0.5, 0.75));
  add("hardsigmoid", nn::Hardsigmoid());
  add("hardswish", nn::Hardswish());
  add("hardshrink", nn::Hardshrink(0.4));
  add("softshrink", nn::Softshrink(0.4));
  add("threshold", nn::Threshold(0.3, -2));
  add("prelu", nn::PReLU());
  add("prelu_channels", nn::PReLU({.num_parameters = 4}));
  add("silu", nn::SiLU());
  add("mish", nn::Mish());
  add("elu", nn::ELU(0.7));
  add("selu", nn::SELU());
  add("celu", nn::CELU(0.7));
  add("softplus", nn::Softplus());
  add("softplus_options", nn::Softplus(2, 0.5));
  add("softsign", nn::Softsign());
  add("logsigmoid", nn::LogSigmoid());
  add("tanhshrink", nn::Tanhshrink());
  add("dropout", nn::Dropout(0.5));
  all.push_back(layer("dropout2d", nn::Dropout2d(0.5), {2, 4, 5}));
  all.push_back(layer("glu", nn::GLU(1), {4, 5}));
  all.push_back(layer("softmax2d", nn::Softmax2d(), {3, 4, 5}));
}

void add_convolutions(Cases& all) {
  const auto add = [&](const char* name, auto module, const Shape& rest) {
    all.push_back(layer(name, std::move(module), rest));
  };
  add("linear", nn::Linear(5, 7), {5});
  add("linear_no_bias", nn::Linear(5, 7, {.bias = false}), {5});
  add("linear_3d", nn::Linear(5, 7), {2, 5});
  add("conv2d", nn::Conv2d(2, 4, 3), {2, 8, 9});
  add("conv2d_options",
      nn::Conv2d(
          4, 6, {3, 2},
          {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2, .bias = false}),
      {4, 9, 8});
  add("conv2d_same", nn::Conv2d(2, 4, {4, 3}, {.padding = "same", .dilation = {1, 2}}), {2, 8, 9});
  add("conv2d_circular", nn::Conv2d(2, 4, 3, {.padding = 1, .padding_mode = PaddingMode::Circular}),
      {2, 8, 9});
  add("conv2d_reflect", nn::Conv2d(2, 4, 3, {.padding = 1, .padding_mode = PaddingMode::Reflect}),
      {2, 8, 9});
  add("conv1d", nn::Conv1d(2, 4, 3, {.stride = 2, .padding = 1}), {2, 9});
  add("conv1d_same", nn::Conv1d(2, 4, 4, {.padding = "same"}), {2, 9});
  add("conv_transpose2d", nn::ConvTranspose2d(4, 6, 3), {4, 5, 6});
  add("conv_transpose2d_options",
      nn::ConvTranspose2d(4, 6, {3, 2},
                          {.stride = {2, 3},
                           .padding = 1,
                           .output_padding = {1, 2},
                           .groups = 2,
                           .bias = false,
                           .dilation = {2, 1}}),
      {4, 5, 6});
  add("conv_transpose1d", nn::ConvTranspose1d(2, 3, 4, {.stride = 2, .output_padding = 1}), {2, 7});
  add("unfold", nn::Unfold({2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}}),
      {3, 6, 7});
  add("fold", nn::Fold({6, 7}, {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}}),
      {3 * 6, 24});
}

void add_pools(Cases& all) {
  const auto add = [&](const char* name, auto module, const Shape& rest) {
    all.push_back(layer(name, std::move(module), rest));
  };
  const Shape image{2, 8, 7};
  add("max_pool2d", nn::MaxPool2d(2), image);
  add("max_pool2d_options",
      nn::MaxPool2d({3, 2}, {.stride = {2, 3}, .padding = {1, 0}, .dilation = {2, 1}}), image);
  add("max_pool2d_ceil", nn::MaxPool2d(3, {.stride = 2, .padding = 1, .ceil_mode = true}), image);
  add("max_pool1d", nn::MaxPool1d(3, {.stride = 2, .padding = 1}), {2, 9});
  add("max_pool1d_ceil", nn::MaxPool1d(2, {.ceil_mode = true}), {2, 9});
  add("avg_pool2d", nn::AvgPool2d(2), image);
  add("avg_pool2d_padded", nn::AvgPool2d(3, {.stride = 2, .padding = 1}), image);
  add("avg_pool2d_uncounted",
      nn::AvgPool2d(3, {.stride = 2, .padding = 1, .count_include_pad = false}), image);
  add("avg_pool2d_ceil", nn::AvgPool2d(3, {.stride = 2, .padding = 1, .ceil_mode = true}), image);
  add("avg_pool2d_ceil_uncounted",
      nn::AvgPool2d({2, 3}, {.stride = 2, .ceil_mode = true, .count_include_pad = false}), image);
  add("avg_pool2d_divisor",
      nn::AvgPool2d(3, {.stride = 2, .padding = 1, .ceil_mode = true, .divisor_override = 5}),
      image);
  add("avg_pool1d", nn::AvgPool1d(3, {.stride = 2, .padding = 1}), {2, 9});
  add("adaptive_avg_pool2d_one", nn::AdaptiveAvgPool2d(1), image);
  add("adaptive_avg_pool2d_even", nn::AdaptiveAvgPool2d({4, 7}), image);
  add("adaptive_avg_pool2d", nn::AdaptiveAvgPool2d({3, 4}), image);
  add("adaptive_avg_pool1d", nn::AdaptiveAvgPool1d(4), {2, 9});
  add("adaptive_max_pool2d_one", nn::AdaptiveMaxPool2d(1), image);
  add("adaptive_max_pool2d_even", nn::AdaptiveMaxPool2d({4, 7}), image);
  add("adaptive_max_pool2d", nn::AdaptiveMaxPool2d({3, 4}), image);
  add("adaptive_max_pool1d", nn::AdaptiveMaxPool1d(4), {2, 9});
  add("lp_pool2d", nn::LPPool2d(2, 2, {.ceil_mode = true}), image);
}

void add_norms(Cases& all) {
  const auto add = [&](const char* name, auto module, const Shape& rest) {
    all.push_back(layer(name, std::move(module), rest));
  };
  add("batch_norm1d", nn::BatchNorm1d(3), {3});
  add("batch_norm1d_signal", nn::BatchNorm1d(3, {.eps = 0.1}), {3, 5});
  add("batch_norm2d", nn::BatchNorm2d(3), {3, 4, 5});
  add("batch_norm2d_plain", nn::BatchNorm2d(3, {.affine = false}), {3, 4, 5});
  add("batch_norm2d_of_batch", nn::BatchNorm2d(3, {.track_running_stats = false}), {3, 4, 5});
  add("batch_norm3d", nn::BatchNorm3d(3), {3, 4, 5, 2});
  add("layer_norm", nn::LayerNorm({4, 5}), {3, 4, 5});
  add("layer_norm_plain", nn::LayerNorm({5}, {.eps = 0.01, .elementwise_affine = false}), {3, 5});
  add("layer_norm_no_bias", nn::LayerNorm({5}, {.bias = false}), {3, 5});
  add("rms_norm", nn::RMSNorm({5}), {3, 5});
  add("rms_norm_eps", nn::RMSNorm({4, 5}, {.eps = 0.1}), {4, 5});
  add("local_response_norm", nn::LocalResponseNorm(3), {6, 4, 5});
  add("group_norm", nn::GroupNorm(2, 6), {6, 4, 5});
  add("group_norm_plain", nn::GroupNorm(3, 6, {.eps = 0.1, .affine = false}), {6, 4});
  add("instance_norm1d", nn::InstanceNorm1d(3), {3, 6});
  add("instance_norm2d", nn::InstanceNorm2d(3, {.affine = true}), {3, 4, 5});
  add("instance_norm2d_tracked", nn::InstanceNorm2d(3, {.track_running_stats = true}), {3, 4, 5});
  add("instance_norm3d", nn::InstanceNorm3d(3), {3, 4, 5, 2});
  const auto with_norm = [] {
    return nn::Sequential(nn::Conv2d(2, 4, 3), nn::BatchNorm2d(4), nn::ReLU());
  };
  add("conv_bn", with_norm(), {2, 8, 9});
  all.push_back(layer("conv_bn_kept", with_norm(), {2, 8, 9}, {.fold_batch_norm = false}));
  add("conv1d_bn", nn::Sequential(nn::Conv1d(2, 4, 3, {.bias = false}), nn::BatchNorm1d(4)),
      {2, 9});
  add("conv_transpose_bn", nn::Sequential(nn::ConvTranspose2d(2, 4, 3), nn::BatchNorm2d(4)),
      {2, 5, 6});
  add("conv_transpose_groups_bn",
      nn::Sequential(nn::ConvTranspose2d(2, 4, 3, {.groups = 2}), nn::BatchNorm2d(4)), {2, 5, 6});
}

void add_pads(Cases& all) {
  const auto add = [&](const char* name, auto module, const Shape& rest) {
    all.push_back(layer(name, std::move(module), rest));
  };
  const Shape signal{2, 7}, image{2, 5, 6}, volume{2, 4, 5, 6};
  add("constant_pad1d", nn::ConstantPad1d({1, 2}, 1.5), signal);
  add("constant_pad2d", nn::ConstantPad2d({1, 2, 0, 3}, -1), image);
  add("constant_pad3d", nn::ConstantPad3d({1, 2, 0, 3, 1, 0}, 2), volume);
  add("constant_pad2d_negative", nn::ConstantPad2d({-1, 2, 0, -2}, -1), image);
  add("zero_pad2d", nn::ZeroPad2d({1, 2, 0, 3}), image);
  add("reflection_pad1d", nn::ReflectionPad1d({1, 2}), signal);
  add("reflection_pad2d", nn::ReflectionPad2d({1, 2, 0, 3}), image);
  add("reflection_pad3d", nn::ReflectionPad3d({1, 2, 0, 3, 1, 0}), volume);
  add("replication_pad2d", nn::ReplicationPad2d({1, 2, 0, 3}), image);
  add("replication_pad3d", nn::ReplicationPad3d({1, 2, 0, 3, 1, 0}), volume);
  add("circular_pad1d", nn::CircularPad1d({1, 2}), signal);
  add("circular_pad2d", nn::CircularPad2d({1, 2, 0, 3}), image);
  add("flatten", nn::Flatten(), {3, 4, 5});
  add("flatten_some", nn::Flatten(1, 2), {3, 4, 5});
  add("unflatten", nn::Unflatten(1, {2, 3}), {6, 4});
  add("identity", nn::Identity(), {4});
  add("pixel_shuffle", nn::PixelShuffle(2), {8, 3, 4});
  add("pixel_unshuffle", nn::PixelUnshuffle(2), {2, 6, 4});
  add("channel_shuffle", nn::ChannelShuffle(3), {6, 4, 5});
}

void add_upsampling(Cases& all) {
  const auto add = [&](const char* name, const nn::UpsampleOptions& options, const Shape& rest) {
    all.push_back(layer(name, nn::Upsample(options), rest));
  };
  const Shape signal{2, 7}, image{2, 5, 6};
  using enum Interpolation;
  add("upsample_nearest", {.scale_factor = {2}}, image);
  add("upsample_nearest_size", {.size = {7, 9}}, image);
  add("upsample_nearest_factor", {.scale_factor = {1.5, 2.3}}, image);
  add("upsample_nearest_exact", {.size = {7, 4}, .mode = NearestExact}, image);
  add("upsample_nearest_signal", {.scale_factor = {3}}, signal);
  add("upsample_linear", {.size = {11}, .mode = Linear}, signal);
  add("upsample_bilinear", {.scale_factor = {2}, .mode = Bilinear}, image);
  add("upsample_bilinear_factor", {.scale_factor = {1.7, 0.6}, .mode = Bilinear}, image);
  add("upsample_bilinear_corners", {.size = {9, 4}, .mode = Bilinear, .align_corners = true},
      image);
  add("upsample_bicubic", {.scale_factor = {2}, .mode = Bicubic}, image);
  add("upsample_bicubic_corners", {.size = {9, 4}, .mode = Bicubic, .align_corners = true}, image);
  add("upsample_area", {.size = {3, 4}, .mode = Area}, image);
}

template <class Layer>
Case recurrent(const std::string& name, Layer module, bool batch_first) {
  auto model = std::make_shared<Layer>(std::move(module));
  onnx::ExportOptions options;
  options.batch_dim = batch_first ? 0 : 1;
  const auto inputs = [batch_first](int64_t n) {
    return List{randn(batch_first ? Shape{n, 4, 3} : Shape{4, n, 3})};
  };
  const auto forward = [model](const List& in) {
    List out;
    if constexpr (std::is_same_v<Layer, nn::LSTM>) {
      const auto [y, state] = (*model)(in[0]);
      out = {y, std::get<0>(state), std::get<1>(state)};
    } else {
      const auto [y, h] = (*model)(in[0]);
      out = {y, h};
    }
    return out;
  };
  return {name, inputs, forward, model, options};
}

/// Sequences of the lengths 3, 5 and 2, of which the model is told.
template <class Layer>
Case packed(const std::string& name, Layer module) {
  Case one = recurrent(name, module, true);
  auto model = std::make_shared<Layer>(std::move(module));
  one.model = model;
  one.options.dynamic_batch = false;
  one.inputs = [](int64_t n) { return List{randn({n, 5, 3})}; };
  one.forward = [model](const List& in) {
    using namespace nn::utils::rnn;
    const auto [y, state] = (*model)(pack_padded_sequence(in[0], tensor({3, 5, 2}), true, false));
    const auto padded = std::get<0>(pad_packed_sequence(y, true));
    if constexpr (std::is_same_v<Layer, nn::LSTM>) {
      return List{padded, std::get<0>(state), std::get<1>(state)};
    } else {
      return List{padded, state};
    }
  };
  return one;
}

void add_recurrent(Cases& all) {
  all.push_back(packed("rnn_packed", nn::RNN(3, 4)));
  all.push_back(packed("lstm_packed", nn::LSTM(3, 4, {.num_layers = 2, .bidirectional = true})));
  all.push_back(packed("gru_packed", nn::GRU(3, 4, {.bidirectional = true})));
  all.push_back(recurrent("rnn", nn::RNN(3, 5), false));
  all.push_back(
      recurrent("rnn_relu", nn::RNN(3, 5, {.nonlinearity = "relu", .batch_first = true}), true));
  all.push_back(recurrent("lstm", nn::LSTM(3, 5), false));
  all.push_back(recurrent(
      "lstm_deep", nn::LSTM(3, 5, {.num_layers = 2, .batch_first = true, .bidirectional = true}),
      true));
  all.push_back(recurrent("lstm_no_bias", nn::LSTM(3, 5, {.bias = false}), false));
  all.push_back(
      recurrent("lstm_projected", nn::LSTM(3, 5, {.batch_first = true, .proj_size = 2}), true));
  all.push_back(recurrent("gru", nn::GRU(3, 5), false));
  all.push_back(recurrent(
      "gru_deep", nn::GRU(3, 5, {.num_layers = 2, .batch_first = true, .bidirectional = true}),
      true));
  all.push_back(layer("rnn_cell", nn::RNNCell(3, 5), {3}));
  all.push_back(layer("gru_cell", nn::GRUCell(3, 5), {3}));
  auto cell = std::make_shared<nn::LSTMCell>(3, 5);
  all.push_back({"lstm_cell",
                 [](int64_t n) {
                   return List{randn({n, 3}), randn({n, 5}), randn({n, 5})};
                 },
                 [cell](const List& in) {
                   const auto [h, c] = (*cell)(in[0], std::tuple(in[1], in[2]));
                   return List{h, c};
                 },
                 cell});
}

void add_attention(Cases& all) {
  const auto batch_first = nn::MultiheadAttentionOptions{.batch_first = true};
  auto attention = std::make_shared<nn::MultiheadAttention>(6, 2, batch_first);
  all.push_back({"multihead_attention",
                 [](int64_t n) {
                   return List{randn({n, 4, 6}), randn({n, 5, 6})};
                 },
                 [attention](const List& in) {
                   const auto [y, weights] = (*attention)(in[0], in[1], in[1]);
                   return List{y, weights};
                 },
                 attention});
  auto masked = std::make_shared<nn::MultiheadAttention>(
      6, 2,
      nn::MultiheadAttentionOptions{
          .add_bias_kv = true, .add_zero_attn = true, .batch_first = true});
  all.push_back({"multihead_attention_masked",
                 [](int64_t n) {
                   return List{randn({n, 4, 6})};
                 },
                 [masked](const List& in) {
                   const Tensor mask = ones({4, 4}, {.dtype = kBool}).triu(1);
                   return List{std::get<0>(
                       (*masked)(in[0], in[0], in[0], {.need_weights = false, .attn_mask = mask}))};
                 },
                 masked});
  all.push_back(layer("transformer_encoder_layer",
                      nn::TransformerEncoderLayer(
                          6, 2, {.dim_feedforward = 8, .activation = "gelu", .batch_first = true}),
                      {4, 6}));
  auto decoder = std::make_shared<nn::TransformerDecoderLayer>(
      6, 2,
      nn::TransformerDecoderLayerOptions{
          .dim_feedforward = 8, .batch_first = true, .norm_first = true});
  all.push_back({"transformer_decoder_layer",
                 [](int64_t n) {
                   return List{randn({n, 4, 6}), randn({n, 5, 6})};
                 },
                 [decoder](const List& in) { return List{(*decoder)(in[0], in[1])}; }, decoder});
  auto transformer =
      std::make_shared<nn::Transformer>(6, 2,
                                        nn::TransformerOptions{.num_encoder_layers = 1,
                                                               .num_decoder_layers = 1,
                                                               .dim_feedforward = 8,
                                                               .batch_first = true});
  all.push_back({"transformer",
                 [](int64_t n) {
                   return List{randn({n, 4, 6}), randn({n, 3, 6})};
                 },
                 [transformer](const List& in) { return List{(*transformer)(in[0], in[1])}; },
                 transformer});
  all.push_back(
      layer("transformer_encoder",
            nn::TransformerEncoder(
                nn::TransformerEncoderLayer(6, 3, {.dim_feedforward = 8, .batch_first = true}), 2),
            {4, 6}));
  auto stack = std::make_shared<nn::TransformerDecoder>(
      nn::TransformerDecoderLayer(6, 2, {.dim_feedforward = 8, .batch_first = true}), 2);
  all.push_back({"transformer_decoder",
                 [](int64_t n) {
                   return List{randn({n, 4, 6}), randn({n, 5, 6})};
                 },
                 [stack](const List& in) { return List{(*stack)(in[0], in[1])}; }, stack});
  auto table = std::make_shared<nn::Embedding>(7, 3, nn::EmbeddingOptions{.padding_idx = 1});
  auto limited = std::make_shared<nn::Embedding>(
      7, 3, nn::EmbeddingOptions{.max_norm = 1.2, .norm_type = 1.5});
  all.push_back({"embedding_max_norm",
                 [](int64_t n) {
                   return List{randint(0, 7, {n, 4})};
                 },
                 [limited](const List& in) { return List{(*limited)(in[0])}; }, limited});
  all.push_back({"embedding",
                 [](int64_t n) {
                   return List{randint(0, 7, {n, 4})};
                 },
                 [table](const List& in) { return List{(*table)(in[0])}; }, table});
}

}  // namespace

Cases layers() {
  Cases all;
  for (const auto add : {add_activations, add_convolutions, add_pools, add_norms, add_pads,
                         add_upsampling, add_recurrent, add_attention}) {
    add(all);
  }
  return all;
}

}  // namespace cases
