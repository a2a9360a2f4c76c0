#include "norma/layers/transformer_layer.h"

#include "norma/autograd/functional.h"
#include "norma/autograd/ops.h"
#include "norma/layers/check.h"

namespace norma::nn {

namespace {

const TransformerLayerOptions& checked(const char* name, const TransformerLayerOptions& options) {
  check_at_least(name, "dim_feedforward", options.dim_feedforward, 1);
  if (options.activation != "relu" && options.activation != "gelu") {
    fail(name, "expected activation \"relu\" or \"gelu\", got \"", options.activation, '"');
  }
  return options;
}

/// The first result of an attention without weights.
Tensor attend(MultiheadAttention& attention, const Tensor& x, const Tensor& memory,
              const Tensor& mask, const Tensor& padding) {
  return std::get<0>(attention(
      x, memory, memory, {.key_padding_mask = padding, .need_weights = false, .attn_mask = mask}));
}

/// x + part(norm(x)), or norm(x + part(x)).
template <class Part>
Tensor add_part(bool norm_first, const Tensor& x, LayerNorm& norm, Part part) {
  return norm_first ? x + part(norm(x)) : norm(x + part(x));
}

}  // namespace

TransformerLayer::TransformerLayer(const char* name, int64_t d_model, int64_t nhead,
                                   const TransformerLayerOptions& options)
    : self_attn(d_model, nhead,
                {.dropout = checked(name, options).dropout,
                 .bias = options.bias,
                 .batch_first = options.batch_first}),
      linear1(d_model, options.dim_feedforward, {options.bias}),
      linear2(options.dim_feedforward, d_model, {options.bias}),
      dropout_(options.dropout),
      options_(options) {}

MultiheadAttention TransformerLayer::attention() const {
  return {d_model(), nhead(), self_attn.options()};
}

LayerNorm TransformerLayer::norm() const {
  return LayerNorm({d_model()}, {.eps = options_.layer_norm_eps, .bias = options_.bias});
}

Tensor TransformerLayer::feed_forward(const Tensor& x) {
  const Tensor hidden = linear1(x);
  return linear2(dropout_(options_.activation == "relu" ? hidden.relu() : hidden.gelu()));
}

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t nhead,
                                                 const TransformerEncoderLayerOptions& options)
    : Cloneable("TransformerEncoderLayer", d_model, nhead, options),
      norm1(norm()),
      norm2(norm()),
      dropout1_(options.dropout),
      dropout2_(options.dropout) {
  register_module("self_attn", self_attn);
  register_module("linear1", linear1);
  register_module("dropout", dropout_);
  register_module("linear2", linear2);
  register_module("norm1", norm1);
  register_module("norm2", norm2);
  register_module("dropout1", dropout1_);
  register_module("dropout2", dropout2_);
}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const Tensor& src_mask,
                                        const Tensor& src_key_padding_mask) {
  const bool first = options().norm_first;
  const Tensor x = add_part(first, src, norm1, [&](const Tensor& y) {
    return dropout1_(attend(self_attn, y, y, src_mask, src_key_padding_mask));
  });
  return add_part(first, x, norm2, [&](const Tensor& y) { return dropout2_(feed_forward(y)); });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const Tensor& src_mask,
                                           const Tensor& src_key_padding_mask) {
  return Cloneable::operator()(src, src_mask, src_key_padding_mask);
}

TransformerDecoderLayer::TransformerDecoderLayer(int64_t d_model, int64_t nhead,
                                                 const TransformerDecoderLayerOptions& options)
    : Cloneable("TransformerDecoderLayer", d_model, nhead, options),
      multihead_attn(attention()),
      norm1(norm()),
      norm2(norm()),
      norm3(norm()),
      dropout1_(options.dropout),
      dropout2_(options.dropout),
      dropout3_(options.dropout) {
  register_module("self_attn", self_attn);
  register_module("multihead_attn", multihead_attn);
  register_module("linear1", linear1);
  register_module("dropout", dropout_);
  register_module("linear2", linear2);
  register_module("norm1", norm1);
  register_module("norm2", norm2);
  register_module("norm3", norm3);
  register_module("dropout1", dropout1_);
  register_module("dropout2", dropout2_);
  register_module("dropout3", dropout3_);
}

Tensor TransformerDecoderLayer::forward(const Tensor& tgt, const Tensor& memory,
                                        const TransformerDecoderMasks& masks) {
  const bool first = options().norm_first;
  const Tensor own = add_part(first, tgt, norm1, [&](const Tensor& y) {
    return dropout1_(attend(self_attn, y, y, masks.tgt_mask, masks.tgt_key_padding_mask));
  });
  const Tensor both = add_part(first, own, norm2, [&](const Tensor& y) {
    return dropout2_(
        attend(multihead_attn, y, memory, masks.memory_mask, masks.memory_key_padding_mask));
  });
  return add_part(first, both, norm3, [&](const Tensor& y) { return dropout3_(feed_forward(y)); });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory,
                                           const TransformerDecoderMasks& masks) {
  return Cloneable::operator()(tgt, memory, masks);
}

}  // namespace norma::nn
