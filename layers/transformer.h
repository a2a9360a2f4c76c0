// TransformerEncoder and TransformerDecoder, stacks of their layers, and Transformer, both of them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "norma/layers/transformer_layer.h"

namespace norma::nn {

struct TransformerStackOptions {
  std::optional<LayerNorm> norm = {};  ///< of the result
};

/// `num_layers` copies of a layer, one after the other, and a norm of the result if there is one.
/// src, masks and result are those of TransformerEncoderLayer; every layer gets the masks. All
/// layers begin with the values of the one that is copied, as in PyTorch. Errors: num_layers below
/// 1, and those of the layers.
///
/// Children: `layers.0`, `layers.1`, …, and `norm`.
class TransformerEncoder : public Cloneable<TransformerEncoder> {
 public:
  TransformerEncoder(const TransformerEncoderLayer& encoder_layer, int64_t num_layers,
                     const TransformerStackOptions& options = {});

  Tensor forward(const Tensor& src) override { return forward(src, Tensor()); }
  Tensor forward(const Tensor& src, const Tensor& mask,
                 const Tensor& src_key_padding_mask = Tensor());
  using Cloneable::operator();
  Tensor operator()(const Tensor& src, const Tensor& mask,
                    const Tensor& src_key_padding_mask = Tensor());
  TransformerEncoder fresh() const;

  std::optional<LayerNorm> norm;  ///< behind the last layer

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

  std::optional<LayerNorm> norm;  ///< behind the last layer

 private:
  std::vector<TransformerDecoderLayer> layers_;
};

struct TransformerOptions {
  int64_t num_encoder_layers = 6, num_decoder_layers = 6;  ///< of the two stacks
  int64_t dim_feedforward = 2048;   ///< this and what follows: see TransformerLayerOptions
  double dropout = 0.1;             ///< in all of its places, in training
  std::string activation = "relu";  ///< or "gelu"
  double layer_norm_eps = 1e-5;     ///< of all norms
  bool batch_first = false;         ///< tensors are [N, L, *]
  bool norm_first = false;          ///< norms stand before attention and feed-forward
  bool bias = true;                 ///< of all linear layers and norms
};

/// The masks of `Transformer`, as those of MultiheadAttention.
struct TransformerMasks {
  /// [L, S] of the attentions.
  Tensor src_mask = Tensor(), tgt_mask = Tensor(), memory_mask = Tensor();
  /// [N, S] of keys to leave out.
  Tensor src_key_padding_mask = Tensor(), tgt_key_padding_mask = Tensor();
  Tensor memory_key_padding_mask = Tensor();  ///< [N, S] of keys to leave out
};

/// decoder(tgt, encoder(src)): a stack of either kind, each with a norm of its result.
/// src [S, N, d_model], tgt [T, N, d_model] and the result as tgt, as in their layers.
/// ```cpp
/// nn::Transformer model(8, 2, {.num_encoder_layers = 2, .num_decoder_layers = 2});
/// Tensor y = model(src, tgt, {.tgt_mask = model.generate_square_subsequent_mask(T)});
/// ```
/// Children `encoder` and `decoder`; weights of two dimensions begin as xavier_uniform_ draws them.
/// Errors: those of the two stacks.
class Transformer : public Cloneable<Transformer> {
 public:
  explicit Transformer(int64_t d_model = 512, int64_t nhead = 8,
                       const TransformerOptions& options = {});

  using Module::forward;
  Tensor forward(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {});
  Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {});
  /// Draws new initial values of the weights.
  void reset_parameters();
  /// [size, size]: 0 where position i may see position j, that is j <= i; else -inf. Errors: a
  /// negative size.
  static Tensor generate_square_subsequent_mask(int64_t size);
  Transformer fresh() const { return Transformer(d_model_, nhead_, options_); }

  TransformerEncoder encoder;  ///< reads `src`
  TransformerDecoder decoder;  ///< reads `tgt`, and what the encoder made

 private:
  int64_t d_model_, nhead_;
  TransformerOptions options_;
};

}  // namespace norma::nn
