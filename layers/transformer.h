// TransformerEncoder and TransformerDecoder: stacks of their layers.
#pragma once
#include <optional>
#include <vector>

#include "norma/layers/transformer_layer.h"

namespace norma::nn {

struct TransformerStackOptions {
  std::optional<LayerNorm> norm = {};  ///< of the result
};

/// `num_layers` copies of a layer, one after the other, and a norm of the result if there is one.
/// src, masks and result are those of TransformerEncoderLayer; every layer gets the masks. All
/// layers begin with the values of the one that is copied, as in PyTorch.
///
/// Children: `layers.0`, `layers.1`, …, and `norm`.
class TransformerEncoder : public Cloneable<TransformerEncoder> {
 public:
  TransformerEncoder(const TransformerEncoderLayer& encoder_layer, int64_t num_layers,
                     const TransformerStackOptions& options = {});

  Tensor forward(const Tensor& src) override { return forward(src, Tensor()); }
  Tensor forward(const Tensor& src, const Tensor& mask,
                 const Tensor& src_key_padding_mask = Tensor());
  using Module::operator();
  Tensor operator()(const Tensor& src, const Tensor& mask,
                    const Tensor& src_key_padding_mask = Tensor());
  TransformerEncoder fresh() const;

  std::optional<LayerNorm> norm;

 private:
  std::vector<TransformerEncoderLayer> layers_;
};

/// The same of decoder layers, each of which attends to the same memory.
class TransformerDecoder : public Cloneable<TransformerDecoder> {
 public:
  TransformerDecoder(const TransformerDecoderLayer& decoder_layer, int64_t num_layers,
                     const TransformerStackOptions& options = {});

  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const TransformerDecoderMasks& masks = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory,
                    const TransformerDecoderMasks& masks = {});
  TransformerDecoder fresh() const;

  std::optional<LayerNorm> norm;

 private:
  std::vector<TransformerDecoderLayer> layers_;
};

}  // namespace norma::nn
