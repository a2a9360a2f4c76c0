#include "norma/layers/rnn.h"

#include "norma/autograd/recurrent.h"

namespace norma::nn {

using autograd::Cell;

RNN::RNN(int64_t input_size, int64_t hidden_size, const RNNOptions& o)
    : Cloneable(Settings{"RNN", autograd::cell_of("RNN", o.nonlinearity), input_size, hidden_size,
                         o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional}),
      options_(o) {}

GRU::GRU(int64_t input_size, int64_t hidden_size, const GRUOptions& o)
    : Cloneable(Settings{"GRU", Cell::Gru, input_size, hidden_size, o.num_layers, o.bias,
                         o.batch_first, o.dropout, o.bidirectional}),
      options_(o) {}

LSTM::LSTM(int64_t input_size, int64_t hidden_size, const LSTMOptions& o)
    : Cloneable(Settings{"LSTM", Cell::Lstm, input_size, hidden_size, o.num_layers, o.bias,
                         o.batch_first, o.dropout, o.bidirectional, o.proj_size}),
      options_(o) {}

std::tuple<Tensor, Tensor> RNN::forward(const Tensor& input, const Tensor& hx) {
  const Result result = run(input, hx, Tensor());
  return {result.output, result.h};
}
std::tuple<RNN::Packed, Tensor> RNN::forward(const Packed& input, const Tensor& hx) {
  const Result result = run(input, hx, Tensor());
  return {input.with_data(result.output), result.h};
}
std::tuple<Tensor, Tensor> RNN::operator()(const Tensor& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}
std::tuple<RNN::Packed, Tensor> RNN::operator()(const Packed& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}

std::tuple<Tensor, Tensor> GRU::forward(const Tensor& input, const Tensor& hx) {
  const Result result = run(input, hx, Tensor());
  return {result.output, result.h};
}
std::tuple<GRU::Packed, Tensor> GRU::forward(const Packed& input, const Tensor& hx) {
  const Result result = run(input, hx, Tensor());
  return {input.with_data(result.output), result.h};
}
std::tuple<Tensor, Tensor> GRU::operator()(const Tensor& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}
std::tuple<GRU::Packed, Tensor> GRU::operator()(const Packed& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}

std::tuple<Tensor, LSTM::State> LSTM::forward(const Tensor& input, const State& hx) {
  const Result result = run(input, std::get<0>(hx), std::get<1>(hx));
  return {result.output, {result.h, result.c}};
}
std::tuple<LSTM::Packed, LSTM::State> LSTM::forward(const Packed& input, const State& hx) {
  const Result result = run(input, std::get<0>(hx), std::get<1>(hx));
  return {input.with_data(result.output), {result.h, result.c}};
}
std::tuple<Tensor, LSTM::State> LSTM::operator()(const Tensor& input, const State& hx) {
  return Cloneable::operator()(input, hx);
}
std::tuple<LSTM::Packed, LSTM::State> LSTM::operator()(const Packed& input, const State& hx) {
  return Cloneable::operator()(input, hx);
}

}  // namespace norma::nn
