// TransformerEncoderLayer and TransformerDecoderLayer.
#pragma once
#include <string>

#include "norma/layers/dropout.h"
#include "norma/layers/layer_norm.h"
#include "norma/layers/multihead_attention.h"

namespace norma::nn {

struct TransformerLayerOptions {
  int64_t dim_feedforward = 2048;   ///< between the two linear layers
  double dropout = 0.1;             ///< in all of its places, in training
  std::string activation = "relu";  ///< or "gelu"
  double layer_norm_eps = 1e-5;     ///< of all norms
  bool batch_first = false;         ///< tensors are [N, L, E]
  bool norm_first = false;  ///< norms stand before attention and feed-forward, not after the sums
  bool bias = true;         ///< of projections, linear layers and norms
};
using TransformerEncoderLayerOptions = TransformerLayerOptions;
using TransformerDecoderLayerOptions = TransformerLayerOptions;

/// What both layers have in common. Errors: a `dim_feedforward` below 1, another `activation`, and
/// those of MultiheadAttention and the other layers.
class TransformerLayer : public Module {
 public:
  const TransformerLayerOptions& options() const { return options_; }
  int64_t d_model() const { return linear1.in_features(); }
  int64_t nhead() const { return self_attn.num_heads(); }

  MultiheadAttention self_attn;  ///< of each place to all others
  Linear linear1, linear2;       ///< the feed-forward part

 protected:
  TransformerLayer(const char* name, int64_t d_model, int64_t nhead,
                   const TransformerLayerOptions& options);
  MultiheadAttention attention() const;  ///< a new one, for constructors
  LayerNorm norm() const;                ///< a new one, for constructors
  /// linear2(dropout(activation(linear1(x))))
  Tensor feed_forward(const Tensor& x);

  Dropout dropout_;  ///< between the linear layers

 private:
  TransformerLayerOptions options_;
};

/// One layer of a Transformer's encoder, with attention(x) = self_attn(x, x, x) and feed(x) =
/// linear2(f(linear1(x))), each followed by Dropout:
///
///     x = norm1(x + attention(x)),  y = norm2(x + feed(x));
///     with `norm_first` x = x + attention(norm1(x)),  y = x + feed(norm2(x))
///
/// src [L, N, d_model], [N, L, d_model] with `batch_first`, or [L, d_model]; masks as those of
/// MultiheadAttention.
///
/// Children: `self_attn`, `linear1`, `linear2`, `norm1`, `norm2` and three of Dropout.
///
/// Vaswani et al., "Attention is all you need", arXiv:1706.03762; norms before: Xiong et al.,
/// arXiv:2002.04745.
class TransformerEncoderLayer : public Cloneable<TransformerEncoderLayer, TransformerLayer> {
 public:
  TransformerEncoderLayer(int64_t d_model, int64_t nhead,
                          const TransformerEncoderLayerOptions& options = {});

  Tensor forward(const Tensor& src) override { return forward(src, Tensor()); }
  Tensor forward(const Tensor& src, const Tensor& src_mask,
                 const Tensor& src_key_padding_mask = Tensor());
  using Cloneable::operator();
  Tensor operator()(const Tensor& src, const Tensor& src_mask,
                    const Tensor& src_key_padding_mask = Tensor());
  TransformerEncoderLayer fresh() const { return {d_model(), nhead(), options()}; }

  LayerNorm norm1, norm2;  ///< of the two parts

 private:
  Dropout dropout1_, dropout2_;
};

/// The masks of a decoder, as those of MultiheadAttention.
struct TransformerDecoderMasks {
  Tensor tgt_mask = Tensor(), memory_mask = Tensor();  ///< [L, S] of the two attentions
  Tensor tgt_key_padding_mask = Tensor(), memory_key_padding_mask = Tensor();  ///< [N, S]
};

/// One layer of a Transformer's decoder: as the encoder's, with an attention to `memory` between
/// the two parts, multihead_attn(x, memory, memory), its Dropout, and a norm of its own.
///
/// tgt as the encoder's src, memory of as many sequences. Children besides: `multihead_attn`,
/// `norm3`, and one more Dropout.
class TransformerDecoderLayer : public Cloneable<TransformerDecoderLayer, TransformerLayer> {
 public:
  TransformerDecoderLayer(int64_t d_model, int64_t nhead,
                          const TransformerDecoderLayerOptions& options = {});

  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const TransformerDecoderMasks& masks = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory,
                    const TransformerDecoderMasks& masks = {});
  TransformerDecoderLayer fresh() const { return {d_model(), nhead(), options()}; }

  MultiheadAttention multihead_attn;  ///< to `memory`
  LayerNorm norm1, norm2, norm3;      ///< of the three parts

 private:
  Dropout dropout1_, dropout2_, dropout3_;
};

}  // namespace norma::nn
