// RNNBase: what RNN, LSTM and GRU have in common.
#pragma once
#include <string>
#include <vector>

#include "norma/autograd/recurrent.h"
#include "norma/layers/module.h"
#include "norma/layers/packed_sequence.h"

namespace norma::nn {

/// What RNN, LSTM and GRU have in common. With D = 2 directions if bidirectional, else 1, and
/// P = proj_size or else hidden_size:
///
/// - input [L, N, input_size], [N, L, input_size] with `batch_first`, or [L, input_size]; or a
///   packed sequence.
/// - initial state [D num_layers, N, P], or [D num_layers, P] for a single sequence, and for c of
///   an LSTM hidden_size in the place of P. Absent: zeros.
/// - results: the output, with D P features and packed as the input is, and the state after the
///   last step, layer by layer and forwards before backwards.
/// ```cpp
/// auto [output, h_n] = gru(input);
/// auto [y, state] = lstm(input, {h_0, c_0});  // auto [h_n, c_n] = state
/// ```
/// Parameters of layer k, all drawn from U(-s, s) with s = 1/√hidden_size, in the order of the
/// gates below: `weight_ih_lk` [G, input_size or D P], `weight_hh_lk` [G, P], `bias_ih_lk` and
/// `bias_hh_lk` [G] unless `{.bias = false}`, and `weight_hr_lk` [P, hidden_size] with projections;
/// the same with `_reverse` behind it of the other direction.
///
/// Errors: sizes below 1, a dropout outside [0, 1], a proj_size not below hidden_size; in forward,
/// an input or a state of another shape or dtype, and sequences without a step. A Sequential cannot
/// call them, as in PyTorch.
class RNNBase : public Module {
 public:
  /// Draws new initial values.
  void reset_parameters();
  int64_t input_size() const { return settings_.input_size; }    ///< what the constructor was given
  int64_t hidden_size() const { return settings_.hidden_size; }  ///< what the constructor was given
  /// All parameters, layer by layer, as named above.
  std::vector<Tensor> all_weights() const { return parameters(); }
  /// Nothing: for programs that call it for the sake of graphics cards.
  void flatten_parameters() {}
  std::string extra_repr() const override;

 protected:
  /// What the three tell their base.
  struct Settings {
    const char* name;                             ///< for errors
    autograd::Cell cell;                          ///< the kind of step
    int64_t input_size, hidden_size, num_layers;  ///< as in PyTorch
    bool bias, batch_first;                       ///< as in PyTorch
    double dropout;                               ///< between layers
    bool bidirectional;                           ///< both ways
    int64_t proj_size = 0;                        ///< 0: none
  };
  explicit RNNBase(const Settings& settings);

  /// What a run gives.
  struct Result {
    Tensor output, h, c;  ///< h and c after the last step
  };
  /// Runs all layers; undefined states are zeros.
  Result run(const Tensor& input, Tensor h, Tensor c) const;
  Result run(const utils::rnn::PackedSequence& input, Tensor h, Tensor c) const;

 private:
  int64_t directions() const { return settings_.bidirectional ? 2 : 1; }
  void check_dtype(const char* what, const Tensor& tensor) const;
  Tensor checked_state(const char* what, const Tensor& state, int64_t batch, int64_t width,
                       bool single) const;
  void check_states(Tensor& h, Tensor& c, int64_t batch, bool single) const;
  Result layers(Tensor x, const Tensor& h, const Tensor& c,
                const std::vector<int64_t>& batches) const;

  Settings settings_;
  std::vector<autograd::LayerWeights> weights_;
};

}  // namespace norma::nn
