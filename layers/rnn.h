// RNN, LSTM and GRU: layers over sequences.
#pragma once
#include <string>
#include <tuple>

#include "norma/layers/cloneable.h"
#include "norma/layers/rnn_base.h"

namespace norma::nn {

struct LSTMOptions {
  int64_t num_layers = 1;      ///< one above the other
  bool bias = true;            ///< whether there are `bias_ih` and `bias_hh`
  bool batch_first = false;    ///< input and output are [N, L, *]; the states never are
  double dropout = 0.0;        ///< of every layer's output but the last one's, in training
  bool bidirectional = false;  ///< a second layer reads from the end; outputs side by side
  int64_t proj_size = 0;       ///< h = W_hr (o tanh c) of this size instead, unless 0
};
struct GRUOptions {
  int64_t num_layers = 1;      ///< one above the other
  bool bias = true;            ///< whether there are `bias_ih` and `bias_hh`
  bool batch_first = false;    ///< tensors are [N, L, *]
  double dropout = 0.0;        ///< as of LSTMOptions
  bool bidirectional = false;  ///< as of LSTMOptions
};
struct RNNOptions {
  int64_t num_layers = 1;             ///< one above the other
  std::string nonlinearity = "tanh";  ///< or "relu"
  bool bias = true;                   ///< whether there are `bias_ih` and `bias_hh`
  bool batch_first = false;           ///< tensors are [N, L, *]
  double dropout = 0.0;               ///< as of LSTMOptions
  bool bidirectional = false;         ///< as of LSTMOptions
};

// These have no forward() of one result.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"

/// h_t = f(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh) with f = tanh or ReLU. See RNNBase.
class RNN : public Cloneable<RNN, RNNBase> {
 public:
  using Packed = utils::rnn::PackedSequence;
  RNN(int64_t input_size, int64_t hidden_size, const RNNOptions& options = {});

  std::tuple<Tensor, Tensor> forward(const Tensor& input, const Tensor& hx = Tensor());
  std::tuple<Packed, Tensor> forward(const Packed& input, const Tensor& hx = Tensor());
  std::tuple<Tensor, Tensor> operator()(const Tensor& input, const Tensor& hx = Tensor());
  std::tuple<Packed, Tensor> operator()(const Packed& input, const Tensor& hx = Tensor());
  RNN fresh() const { return RNN(input_size(), hidden_size(), options_); }

 private:
  RNNOptions options_;
};

/// Gates i, f, o = σ(W x_t + b + W' h_(t-1) + b') and g = tanh(the same), in the order i f g o;
/// c_t = f c_(t-1) + i g, h_t = o tanh(c_t). See RNNBase.
///
/// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997;
/// projections: Sak et al., arXiv:1402.1128.
class LSTM : public Cloneable<LSTM, RNNBase> {
 public:
  using Packed = utils::rnn::PackedSequence;
  using State = std::tuple<Tensor, Tensor>;  ///< h and c
  LSTM(int64_t input_size, int64_t hidden_size, const LSTMOptions& options = {});

  std::tuple<Tensor, State> forward(const Tensor& input, const State& hx = {});
  std::tuple<Packed, State> forward(const Packed& input, const State& hx = {});
  std::tuple<Tensor, State> operator()(const Tensor& input, const State& hx = {});
  std::tuple<Packed, State> operator()(const Packed& input, const State& hx = {});
  LSTM fresh() const { return LSTM(input_size(), hidden_size(), options_); }

 private:
  LSTMOptions options_;
};

/// Gates r, z = σ(W x_t + b + W' h_(t-1) + b'), n = tanh(W x_t + b + r (W' h_(t-1) + b')), in the
/// order r z n; h_t = (1 - z) n + z h_(t-1). See RNNBase.
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", arXiv:1406.1078; r
/// stands outside of the product, as in PyTorch.
class GRU : public Cloneable<GRU, RNNBase> {
 public:
  using Packed = utils::rnn::PackedSequence;
  GRU(int64_t input_size, int64_t hidden_size, const GRUOptions& options = {});

  std::tuple<Tensor, Tensor> forward(const Tensor& input, const Tensor& hx = Tensor());
  std::tuple<Packed, Tensor> forward(const Packed& input, const Tensor& hx = Tensor());
  std::tuple<Tensor, Tensor> operator()(const Tensor& input, const Tensor& hx = Tensor());
  std::tuple<Packed, Tensor> operator()(const Packed& input, const Tensor& hx = Tensor());
  GRU fresh() const { return GRU(input_size(), hidden_size(), options_); }

 private:
  GRUOptions options_;
};

#pragma GCC diagnostic pop

}  // namespace norma::nn
