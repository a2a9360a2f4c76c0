// Recurrent layers and attention, whose results are tuples.
#pragma once
#include "torch/nn/any.h"
#include "torch/nn/layers.h"

namespace torch::nn {

using State = std::tuple<Tensor, Tensor>;  // h and c of an LSTM
namespace utils::rnn {
using namespace norma::nn::utils::rnn;
}  // namespace utils::rnn

/// `auto [output, h] = gru(x, h0)`, `auto [output, state] = lstm(x, std::make_tuple(h0, c0))`
template <class Derived, class Options, class Hidden>
struct RecurrentOf : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  std::tuple<Tensor, Hidden> forward(const Tensor& input, const std::optional<Hidden>& hx = {}) {
    return (*this->layer_)(input, hx.value_or(Hidden()));
  }
  std::tuple<utils::rnn::PackedSequence, Hidden> forward_with_packed_input(
      const utils::rnn::PackedSequence& input, const std::optional<Hidden>& hx = {}) {
    return (*this->layer_)(input, hx.value_or(Hidden()));
  }
  void flatten_parameters() {}
};
template <class Derived, class Options>
using Recurrent = RecurrentOf<Derived, Options, Tensor>;
template <class Derived, class Options>
using LongRecurrent = RecurrentOf<Derived, Options, State>;
/// `h = cell(x, h)`
template <class Derived, class Options, class Hidden>
struct CellOf : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Hidden forward(const Tensor& input, const std::optional<Hidden>& hx = {}) {
    return (*this->layer_)(input, hx.value_or(Hidden()));
  }
};
template <class Derived, class Options>
using Cell = CellOf<Derived, Options, Tensor>;
template <class Derived, class Options>
using LongCell = CellOf<Derived, Options, State>;

NORMA_TORCH_LAYER2(Recurrent, RNN, int64_t, input_size, int64_t, hidden_size, num_layers,
                   nonlinearity, bias, batch_first, dropout, bidirectional);
NORMA_TORCH_LAYER2(Recurrent, GRU, int64_t, input_size, int64_t, hidden_size, num_layers, bias,
                   batch_first, dropout, bidirectional);
NORMA_TORCH_LAYER2(LongRecurrent, LSTM, int64_t, input_size, int64_t, hidden_size, num_layers, bias,
                   batch_first, dropout, bidirectional, proj_size);
NORMA_TORCH_LAYER2(Cell, RNNCell, int64_t, input_size, int64_t, hidden_size, bias, nonlinearity);
NORMA_TORCH_LAYER2(Cell, GRUCell, int64_t, input_size, int64_t, hidden_size, bias);
NORMA_TORCH_LAYER2(LongCell, LSTMCell, int64_t, input_size, int64_t, hidden_size, bias);

// --- Attention ---
template <class Derived, class Options>
struct Attention : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                     const Tensor& key_padding_mask = {}, bool need_weights = true,
                                     const Tensor& attn_mask = {}, bool average = true) {
    return (*this->layer_)(query, key, value, {key_padding_mask, need_weights, attn_mask, average});
  }
};
/// `y = encoder(src, mask)`
template <class Derived, class Options>
struct Encoder : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& src, const Tensor& mask = {}, const Tensor& padding_mask = {}) {
    return (*this->layer_)(src, mask, padding_mask);
  }
};
/// `y = decoder(tgt, memory, mask)`
template <class Derived, class Options>
struct Decoder : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& tgt, const Tensor& memory, const Tensor& mask = {},
                 const Tensor& memory_mask = {}, const Tensor& padding_mask = {},
                 const Tensor& memory_padding_mask = {}) {
    return (*this->layer_)(tgt, memory, {mask, memory_mask, padding_mask, memory_padding_mask});
  }
};
NORMA_TORCH_LAYER2(Attention, MultiheadAttention, int64_t, embed_dim, int64_t, num_heads, dropout,
                   bias, add_bias_kv, add_zero_attn, kdim, vdim);
NORMA_TORCH_LAYER2(Encoder, TransformerEncoderLayer, int64_t, d_model, int64_t, nhead,
                   dim_feedforward, dropout, activation);
NORMA_TORCH_LAYER2(Decoder, TransformerDecoderLayer, int64_t, d_model, int64_t, nhead,
                   dim_feedforward, dropout, activation);

/// A stack of copies of a layer, and a LayerNorm behind them where one is given as `norm`.
template <class Core, class Layer>
struct StackOptions {
  StackOptions(Layer layer, int64_t count) : layer_(std::move(layer)), num_layers_(count) {}
  template <class LayerOptions>
  StackOptions(const LayerOptions& layer, int64_t count) : StackOptions(Layer(layer), count) {}
  auto make() const {
    using One = std::remove_reference_t<decltype(layer_->options.make())>;
    norma::nn::TransformerStackOptions own;
    if (!norm_.is_empty()) own.norm = dynamic_cast<norma::nn::LayerNorm&>(norm_.ptr()->core());
    return Core(dynamic_cast<One&>(layer_->core()), num_layers_, own);
  }
  TORCH_ARG(Layer, layer);
  TORCH_ARG(int64_t, num_layers);
  TORCH_ARG(AnyModule, norm);
};
using TransformerEncoderOptions =
    StackOptions<norma::nn::TransformerEncoder, TransformerEncoderLayer>;
using TransformerDecoderOptions =
    StackOptions<norma::nn::TransformerDecoder, TransformerDecoderLayer>;
NORMA_TORCH_IMPL(Encoder, TransformerEncoder);
NORMA_TORCH_IMPL(Decoder, TransformerDecoder);

struct TransformerOptions {
  TransformerOptions(int64_t width = 512, int64_t heads = 8) : d_model_(width), nhead_(heads) {}
  TransformerOptions(int64_t width, int64_t heads, int64_t encoders, int64_t decoders)
      : TransformerOptions(width, heads) {
    own.num_encoder_layers = encoders;
    own.num_decoder_layers = decoders;
  }
  NORMA_TORCH_MAKE_WITH(Transformer, (d_model_, nhead_, own), num_encoder_layers,
                        num_decoder_layers, dim_feedforward, dropout, activation)
  TORCH_ARG(int64_t, d_model);
  TORCH_ARG(int64_t, nhead);
};
struct TransformerImpl : LayerBase<TransformerImpl, TransformerOptions> {
  using LayerBase<TransformerImpl, TransformerOptions>::LayerBase;
  Tensor forward(const Tensor& src, const Tensor& tgt, const Tensor& src_mask = {},
                 const Tensor& tgt_mask = {}, const Tensor& memory_mask = {},
                 const Tensor& src_padding_mask = {}, const Tensor& tgt_padding_mask = {},
                 const Tensor& memory_padding_mask = {}) {
    return (*layer_)(
        src, tgt,
        {src_mask, tgt_mask, memory_mask, src_padding_mask, tgt_padding_mask, memory_padding_mask});
  }
  static Tensor generate_square_subsequent_mask(int64_t size) {
    return norma::nn::Transformer::generate_square_subsequent_mask(size);
  }
};
TORCH_MODULE(Transformer);

}  // namespace torch::nn
