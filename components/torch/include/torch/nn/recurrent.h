// Recurrent layers and attention, whose results are tuples.
#pragma once
#include "torch/nn/layer.h"

namespace torch::nn {

using State = std::tuple<Tensor, Tensor>;  // h and c of an LSTM

/// `auto [output, h] = gru(x, h0)`
template <class Derived, class Options>
struct Recurrent : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  std::tuple<Tensor, Tensor> forward(const Tensor& input, const Tensor& hx = {}) {
    return (*this->layer_)(input, hx);
  }
  void flatten_parameters() {}
};
/// `auto [output, state] = lstm(x, std::make_tuple(h0, c0))`
template <class Derived, class Options>
struct LongRecurrent : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  std::tuple<Tensor, State> forward(const Tensor& input, const std::optional<State>& hx = {}) {
    return (*this->layer_)(input, hx.value_or(State()));
  }
  void flatten_parameters() {}
};
/// `h = cell(x, h)`
template <class Derived, class Options>
struct Cell : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& input, const Tensor& hx = {}) { return (*this->layer_)(input, hx); }
};
template <class Derived, class Options>
struct LongCell : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  State forward(const Tensor& input, const std::optional<State>& hx = {}) {
    return (*this->layer_)(input, hx.value_or(State()));
  }
};

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
struct Masked : LayerBase<Derived, Options> {
  using LayerBase<Derived, Options>::LayerBase;
  Tensor forward(const Tensor& src, const Tensor& mask = {}, const Tensor& padding_mask = {}) {
    return (*this->layer_)(src, mask, padding_mask);
  }
};
NORMA_TORCH_LAYER2(Attention, MultiheadAttention, int64_t, embed_dim, int64_t, num_heads, dropout,
                   bias, add_bias_kv, add_zero_attn, kdim, vdim);
NORMA_TORCH_LAYER2(Masked, TransformerEncoderLayer, int64_t, d_model, int64_t, nhead,
                   dim_feedforward, dropout, activation);
struct TransformerEncoderOptions {
  TransformerEncoderOptions(TransformerEncoderLayer layer, int64_t count)
      : encoder_layer_(std::move(layer)), num_layers_(count) {}
  auto make() const {
    using Core = norma::nn::TransformerEncoderLayer;
    return norma::nn::TransformerEncoder(dynamic_cast<Core&>(encoder_layer_->core()), num_layers_);
  }
  TORCH_ARG(TransformerEncoderLayer, encoder_layer);
  TORCH_ARG(int64_t, num_layers);
};
NORMA_TORCH_IMPL(Masked, TransformerEncoder);

}  // namespace torch::nn
