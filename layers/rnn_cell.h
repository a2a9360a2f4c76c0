// RNNCell, LSTMCell and GRUCell: one step of a recurrent layer.
#pragma once
#include <string>
#include <tuple>

#include "norma/autograd/recurrent.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

struct RNNCellOptions {
  bool bias = true;                   ///< whether there are `bias_ih` and `bias_hh`
  std::string nonlinearity = "tanh";  ///< or "relu"
};
struct LSTMCellOptions {
  bool bias = true;  ///< whether there are `bias_ih` and `bias_hh`
};
struct GRUCellOptions {
  bool bias = true;  ///< whether there are `bias_ih` and `bias_hh`
};

/// What the cells have in common. input [N, input_size] or [input_size], states [N, hidden_size] or
/// [hidden_size], zeros where they are left out.
///
/// Parameters, drawn from U(-s, s) with s = 1/√hidden_size: `weight_ih` [G, input_size],
/// `weight_hh` [G, hidden_size], and unless `{.bias = false}` `bias_ih` and `bias_hh` [G], in the
/// order of the gates of nn::RNN, nn::LSTM and nn::GRU, which say what a step is.
///
/// Errors: sizes below 1; in forward, an input or a state of another shape or dtype.
class RNNCellBase : public Module {
 public:
  /// Draws new initial values.
  void reset_parameters();
  int64_t input_size() const { return input_size_; }
  int64_t hidden_size() const { return hidden_size_; }
  std::string extra_repr() const override;

  Tensor weight_ih, weight_hh, bias_ih, bias_hh;  ///< absent ones undefined

 protected:
  RNNCellBase(const char* name, autograd::Cell cell, int64_t input_size, int64_t hidden_size,
              bool bias);
  /// One step; undefined states are zeros.
  std::tuple<Tensor, Tensor> step(const Tensor& input, const Tensor& h, const Tensor& c) const;

 private:
  Tensor checked(const char* what, const Tensor& state, const Shape& expected) const;

  const char* name_;
  autograd::Cell cell_;
  int64_t input_size_, hidden_size_;
};

/// h' = f(W_ih x + b_ih + W_hh h + b_hh).
class RNNCell : public Cloneable<RNNCell, RNNCellBase> {
 public:
  RNNCell(int64_t input_size, int64_t hidden_size, const RNNCellOptions& options = {});

  Tensor forward(const Tensor& input) override { return forward(input, Tensor()); }
  Tensor forward(const Tensor& input, const Tensor& hx);
  using Cloneable::operator();
  Tensor operator()(const Tensor& input, const Tensor& hx);
  std::string extra_repr() const override;
  RNNCell fresh() const { return RNNCell(input_size(), hidden_size(), options_); }

 private:
  RNNCellOptions options_;
};

/// The results are h' and c': `std::tie(h, c) = cell(x, {h, c})`.
class LSTMCell : public Cloneable<LSTMCell, RNNCellBase> {
 public:
  using State = std::tuple<Tensor, Tensor>;  ///< h and c
  LSTMCell(int64_t input_size, int64_t hidden_size, const LSTMCellOptions& options = {});

// It has no forward() of one result.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
  State forward(const Tensor& input, const State& hx = {});
#pragma GCC diagnostic pop
  State operator()(const Tensor& input, const State& hx = {});
  LSTMCell fresh() const { return LSTMCell(input_size(), hidden_size(), {bias_ih.defined()}); }
};

/// One step of nn::GRU.
class GRUCell : public Cloneable<GRUCell, RNNCellBase> {
 public:
  GRUCell(int64_t input_size, int64_t hidden_size, const GRUCellOptions& options = {});

  Tensor forward(const Tensor& input) override { return forward(input, Tensor()); }
  Tensor forward(const Tensor& input, const Tensor& hx);
  using Cloneable::operator();
  Tensor operator()(const Tensor& input, const Tensor& hx);
  GRUCell fresh() const { return GRUCell(input_size(), hidden_size(), {bias_ih.defined()}); }
};

}  // namespace norma::nn
