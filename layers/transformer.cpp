#include "norma/layers/transformer.h"

#include "norma/layers/check.h"

namespace norma::nn {

namespace {

/// Numbered children, as PyTorch prints them.
class ModuleList : public Module {
 public:
  template <class Layer>
  explicit ModuleList(const std::vector<Layer>& layers) {
    for (std::size_t i = 0; i < layers.size(); ++i) register_module(std::to_string(i), layers[i]);
  }
};

template <class Layer>
std::vector<Layer> copies(const char* name, const Layer& layer, int64_t count) {
  check_at_least(name, "num_layers", count, 1);
  std::vector<Layer> layers;
  for (int64_t i = 0; i < count; ++i) layers.push_back(layer.clone());
  return layers;
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
  return with_path([&] { return forward(src, mask, src_key_padding_mask); }, {&src});
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
  return with_path([&] { return forward(tgt, memory, masks); }, {&tgt, &memory});
}

TransformerDecoder TransformerDecoder::fresh() const {
  TransformerStackOptions options;
  if (norm) options.norm = norm->clone();
  return {layers_[0], static_cast<int64_t>(layers_.size()), options};
}

}  // namespace norma::nn
