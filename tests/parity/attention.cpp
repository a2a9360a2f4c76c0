// Attention: families/attention.py.
#include "norma/tests/parity/take_weights.h"

namespace parity {
namespace {

namespace nn = norma::nn;
namespace F = norma::functional;

template <class T>
std::optional<T> optional_of(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<T>());
}

Tensors scaled_dot_product_attention(const Tensors& x, const Json& o) {
  return {F::scaled_dot_product_attention(x[0], x[1], x[2],
                                          {.attn_mask = x.size() > 3 ? x[3] : Tensor(),
                                           .is_causal = o.at("is_causal").get<bool>(),
                                           .scale = optional_of<double>(o.at("scale"))})};
}

Tensors multihead_attention(const Tensors& x, const Json& o) {
  nn::MultiheadAttention layer(o.at("embed_dim").get<int64_t>(), o.at("num_heads").get<int64_t>(),
                               {.bias = o.at("bias").get<bool>(),
                                .add_bias_kv = o.at("add_bias_kv").get<bool>(),
                                .add_zero_attn = o.at("add_zero_attn").get<bool>(),
                                .kdim = optional_of<int64_t>(o.at("kdim")),
                                .vdim = optional_of<int64_t>(o.at("vdim")),
                                .batch_first = o.at("batch_first").get<bool>()});
  nn::MultiheadAttentionArgs args{.need_weights = o.at("need_weights").get<bool>(),
                                  .average_attn_weights = o.at("average_attn_weights").get<bool>()};
  std::size_t next = 3;
  args.attn_mask = optional_input(x, next, o, "attn_mask");
  args.key_padding_mask = optional_input(x, next, o, "key_padding_mask");
  take_weights(layer, x, next);
  const auto [y, weights] = layer(x[0], x[1], x[2], args);
  return weights.defined() ? Tensors{y, weights} : Tensors{y};
}

nn::TransformerLayerOptions options_of(const Json& o) {
  return {.dim_feedforward = o.at("dim_feedforward").get<int64_t>(),
          .dropout = o.at("dropout").get<double>(),
          .activation = o.at("activation").get<std::string>(),
          .layer_norm_eps = o.at("layer_norm_eps").get<double>(),
          .batch_first = o.at("batch_first").get<bool>(),
          .norm_first = o.at("norm_first").get<bool>()};
}

Tensors encoder_layer(const Tensors& x, const Json& o) {
  nn::TransformerEncoderLayer layer(o.at("d_model").get<int64_t>(), o.at("nhead").get<int64_t>(),
                                    options_of(o));
  std::size_t next = 1;
  const Tensor mask = optional_input(x, next, o, "mask");
  take_weights(layer, x, next);
  return {layer(x[0], mask)};
}

Tensors decoder_layer(const Tensors& x, const Json& o) {
  nn::TransformerDecoderLayer layer(o.at("d_model").get<int64_t>(), o.at("nhead").get<int64_t>(),
                                    options_of(o));
  std::size_t next = 2;
  const Tensor mask = optional_input(x, next, o, "mask");
  take_weights(layer, x, next);
  return {layer(x[0], x[1], {.tgt_mask = mask})};
}

const Family family("attention", {{"scaled_dot_product_attention", scaled_dot_product_attention},
                                  {"multihead_attention", multihead_attention},
                                  {"transformer_encoder_layer", encoder_layer},
                                  {"transformer_decoder_layer", decoder_layer}});

}  // namespace
}  // namespace parity
