#include "norma/layers/transformer.h"

#include <limits>

#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"
#include "norma/layers/module_list.h"

namespace norma::nn {

namespace {

template <class Layer>
std::vector<Layer> copies(const char* name, const Layer& layer, int64_t count) {
  check_at_least(name, "num_layers", count, 1);
  std::vector<Layer> layers;
  for (int64_t i = 0; i < count; ++i) layers.push_back(layer.clone());
  return layers;
}

TransformerLayerOptions layer_options(const TransformerOptions& o) {
  return {.dim_feedforward = o.dim_feedforward,
          .dropout = o.dropout,
          .activation = o.activation,
          .layer_norm_eps = o.layer_norm_eps,
          .batch_first = o.batch_first,
          .norm_first = o.norm_first,
          .bias = o.bias};
}

/// A stack as Transformer has it.
template <class Stack, class Layer>
Stack stack_of(int64_t d_model, int64_t nhead, int64_t count, const TransformerOptions& o) {
  return Stack(Layer(d_model, nhead, layer_options(o)), count,
               {.norm = LayerNorm({d_model}, {.eps = o.layer_norm_eps, .bias = o.bias})});
}

}  // namespace

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& encoder_layer,
                                       int64_t num_layers, const TransformerStackOptions& options)
    : norm(options.norm), layers_(copies("TransformerEncoder", encoder_layer, num_layers)) {
  register_module("layers", ModuleList(layers_));
  if (norm) register_module("norm", *norm);
}

Tensor TransformerEncoder::forward(const Tensor& src, const Tensor& mask,
                                   const Tensor& src_key_padding_mask) {
  Tensor x = src;
  for (TransformerEncoderLayer& layer : layers_) x = layer(x, mask, src_key_padding_mask);
  return norm ? (*norm)(x) : x;
}

Tensor TransformerEncoder::operator()(const Tensor& src, const Tensor& mask,
                                      const Tensor& src_key_padding_mask) {
  return Cloneable::operator()(src, mask, src_key_padding_mask);
}

TransformerEncoder TransformerEncoder::fresh() const {
  TransformerStackOptions options;
  if (norm) options.norm = norm->clone();
  return {layers_[0], static_cast<int64_t>(layers_.size()), options};
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& decoder_layer,
                                       int64_t num_layers, const TransformerStackOptions& options)
    : norm(options.norm), layers_(copies("TransformerDecoder", decoder_layer, num_layers)) {
  register_module("layers", ModuleList(layers_));
  if (norm) register_module("norm", *norm);
}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory,
                                   const TransformerDecoderMasks& masks) {
  Tensor x = tgt;
  for (TransformerDecoderLayer& layer : layers_) x = layer(x, memory, masks);
  return norm ? (*norm)(x) : x;
}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory,
                                      const TransformerDecoderMasks& masks) {
  return Cloneable::operator()(tgt, memory, masks);
}

TransformerDecoder TransformerDecoder::fresh() const {
  TransformerStackOptions options;
  if (norm) options.norm = norm->clone();
  return {layers_[0], static_cast<int64_t>(layers_.size()), options};
}

Transformer::Transformer(int64_t d_model, int64_t nhead, const TransformerOptions& options)
    : encoder(stack_of<TransformerEncoder, TransformerEncoderLayer>(
          d_model, nhead, options.num_encoder_layers, options)),
      decoder(stack_of<TransformerDecoder, TransformerDecoderLayer>(
          d_model, nhead, options.num_decoder_layers, options)),
      d_model_(d_model),
      nhead_(nhead),
      options_(options) {
  register_module("encoder", encoder);
  register_module("decoder", decoder);
  reset_parameters();
}

void Transformer::reset_parameters() {
  for (const Tensor& weight : parameters())
    if (weight.dim() > 1) init::xavier_uniform_(weight);
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks) {
  return decoder(tgt, encoder(src, masks.src_mask, masks.src_key_padding_mask),
                 {.tgt_mask = masks.tgt_mask,
                  .memory_mask = masks.memory_mask,
                  .tgt_key_padding_mask = masks.tgt_key_padding_mask,
                  .memory_key_padding_mask = masks.memory_key_padding_mask});
}

Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt,
                               const TransformerMasks& masks) {
  return Cloneable::operator()(src, tgt, masks);
}

Tensor Transformer::generate_square_subsequent_mask(int64_t size) {
  check_at_least("generate_square_subsequent_mask", "size", size, 0);
  const Tensor behind = arange(size).unsqueeze(0) > arange(size).unsqueeze(1);
  return zeros({size, size}).masked_fill(behind, -std::numeric_limits<double>::infinity());
}

}  // namespace norma::nn
