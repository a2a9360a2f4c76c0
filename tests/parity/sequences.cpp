// Sequences: families/sequences.py.
#include "norma/tests/parity/take_weights.h"

#include <set>

namespace parity {
namespace {

namespace nn = norma::nn;
namespace rnn = norma::nn::utils::rnn;

struct Sequences {
  bool packed, batch_first, sorted;
  Tensor lengths;

  explicit Sequences(const Json& o)
      : packed(o.contains("lengths")),
        batch_first(o.value("batch_first", false)),
        sorted(o.value("enforce_sorted", false)) {
    if (packed) lengths = norma::tensor(o.at("lengths").get<std::vector<int64_t>>());
  }
  rnn::PackedSequence pack(const Tensor& x) const {
    return rnn::pack_padded_sequence(x, lengths, batch_first, sorted);
  }
  Tensor pad(const rnn::PackedSequence& y) const {
    return std::get<0>(rnn::pad_packed_sequence(y, batch_first));
  }
};

template <class Layer, class Options>
Layer layer_of(const Json& o, Options options) {
  options.num_layers = o.at("num_layers").get<int64_t>();
  options.bias = o.at("bias").get<bool>();
  options.batch_first = o.at("batch_first").get<bool>();
  options.bidirectional = o.at("bidirectional").get<bool>();
  return Layer(o.at("input_size").get<int64_t>(), o.at("hidden_size").get<int64_t>(), options);
}

/// Of RNN and GRU.
template <class Layer>
Tensors run_recurrent(Layer layer, const Tensors& x, const Json& o) {
  const bool state = o.at("state").get<bool>();
  const Sequences sequences(o);
  take_weights(layer, x, state ? 2 : 1);
  const Tensor hx = state ? x[1] : Tensor();
  if (sequences.packed) {
    const auto [y, h] = layer(sequences.pack(x[0]), hx);
    return {sequences.pad(y), h};
  }
  const auto [y, h] = layer(x[0], hx);
  return {y, h};
}

Tensors run_rnn(const Tensors& x, const Json& o) {
  return run_recurrent(
      layer_of<nn::RNN>(o, nn::RNNOptions{.nonlinearity = o.at("nonlinearity").get<std::string>()}),
      x, o);
}

Tensors gru(const Tensors& x, const Json& o) {
  return run_recurrent(layer_of<nn::GRU>(o, nn::GRUOptions{}), x, o);
}

Tensors lstm(const Tensors& x, const Json& o) {
  const bool state = o.at("state").get<bool>();
  const Sequences sequences(o);
  nn::LSTM layer =
      layer_of<nn::LSTM>(o, nn::LSTMOptions{.proj_size = o.at("proj_size").get<int64_t>()});
  take_weights(layer, x, state ? 3 : 1);
  const nn::LSTM::State hx = state ? nn::LSTM::State(x[1], x[2]) : nn::LSTM::State();
  if (sequences.packed) {
    const auto [y, last] = layer(sequences.pack(x[0]), hx);
    return {sequences.pad(y), std::get<0>(last), std::get<1>(last)};
  }
  const auto [y, last] = layer(x[0], hx);
  return {y, std::get<0>(last), std::get<1>(last)};
}

template <class Layer, class Options>
Layer cell_of(const Tensors& x, const Json& o, Options options, std::size_t states) {
  options.bias = o.at("bias").get<bool>();
  Layer layer(o.at("input_size").get<int64_t>(), o.at("hidden_size").get<int64_t>(), options);
  take_weights(layer, x, o.at("state").get<bool>() ? 1 + states : 1);
  return layer;
}

Tensors rnn_cell(const Tensors& x, const Json& o) {
  auto cell = cell_of<nn::RNNCell>(
      x, o, nn::RNNCellOptions{.nonlinearity = o.at("nonlinearity").get<std::string>()}, 1);
  return {o.at("state").get<bool>() ? cell(x[0], x[1]) : cell(x[0])};
}

Tensors gru_cell(const Tensors& x, const Json& o) {
  auto cell = cell_of<nn::GRUCell>(x, o, nn::GRUCellOptions{}, 1);
  return {o.at("state").get<bool>() ? cell(x[0], x[1]) : cell(x[0])};
}

Tensors lstm_cell(const Tensors& x, const Json& o) {
  auto cell = cell_of<nn::LSTMCell>(x, o, nn::LSTMCellOptions{}, 2);
  const auto [h, c] = o.at("state").get<bool>() ? cell(x[0], {x[1], x[2]}) : cell(x[0]);
  return {h, c};
}

Tensors pack_padded_sequence(const Tensors& x, const Json& o) {
  const Sequences sequences(o);
  const rnn::PackedSequence packed = sequences.pack(x[0]);
  const Json& length = o.at("total_length");
  const auto total = length.is_null() ? std::nullopt : std::optional(length.get<int64_t>());
  const auto [y, lengths] = rnn::pad_packed_sequence(packed, sequences.batch_first,
                                                     o.at("padding_value").get<double>(), total);
  const auto numbers = o.at("lengths").get<std::vector<int64_t>>();
  const bool distinct = std::set(numbers.begin(), numbers.end()).size() == numbers.size();
  if (sequences.sorted || !distinct)
    return {packed.data().sum(0), packed.batch_sizes(), y, lengths};
  return {packed.data(), packed.batch_sizes(),    y,
          lengths,       packed.sorted_indices(), packed.unsorted_indices()};
}

Tensors pad_sequence(const Tensors& x, const Json& o) {
  return {rnn::pad_sequence(x, o.at("batch_first").get<bool>(), o.at("padding_value").get<double>(),
                            o.at("padding_side").get<std::string>())};
}

const Family family("sequences", {{"rnn", run_rnn},
                                  {"lstm", lstm},
                                  {"gru", gru},
                                  {"rnn_cell", rnn_cell},
                                  {"lstm_cell", lstm_cell},
                                  {"gru_cell", gru_cell},
                                  {"pack_padded_sequence", pack_padded_sequence},
                                  {"pad_sequence", pad_sequence}});

}  // namespace
}  // namespace parity
