#include <norma/norma.h>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("cells have PyTorch's parameters, print as there and clone deeply") {
  manual_seed(1);
  nn::LSTMCell lstm(3, 16);
  CHECK(names_of(lstm.named_parameters()) == "weight_ih weight_hh bias_ih bias_hh");
  CHECK(lstm.weight_ih.sizes() == Shape{64, 3});
  CHECK(lstm.weight_hh.sizes() == Shape{64, 16});
  CHECK(lstm.bias_hh.sizes() == Shape{64});
  CHECK(lstm.weight_hh.abs().max().item<double>() <= 0.25);
  CHECK(lstm.weight_hh.abs().max().item<double>() > 0.24);
  CHECK(names_of(nn::GRUCell(3, 4, {.bias = false}).named_parameters()) == "weight_ih weight_hh");
  CHECK(lstm.str() == "LSTMCell(3, 16)");
  CHECK(nn::GRUCell(3, 4, {.bias = false}).str() == "GRUCell(3, 4, bias=False)");
  const nn::RNNCell cell(3, 4, {.bias = false, .nonlinearity = "relu"});
  CHECK(cell.str() == "RNNCell(3, 4, bias=False, nonlinearity=relu)");
  CHECK(cell.clone().str() == cell.str());
  CHECK(equal(cell.clone().weight_ih, cell.weight_ih));
  CHECK(lstm.clone().str() == lstm.str());
  CHECK(nn::GRUCell(3, 4).clone().str() == "GRUCell(3, 4)");
}

TEST_CASE("cells step as layers do") {
  manual_seed(2);
  const Tensor x = randn({4, 2, 3}), zero = zeros({2, 5});
  nn::LSTM layer(3, 5);
  nn::LSTMCell cell(3, 5);
  const std::vector<Tensor> weights = layer.parameters();
  for (std::size_t i = 0; i < 4; ++i) cell.parameters()[i].detach().copy_(weights[i]);
  auto [h, c] = cell(x[0]);
  for (int64_t t = 1; t < 4; ++t) std::tie(h, c) = cell(x[t], {h, c});
  const auto [y, state] = layer(x);
  CHECK(mismatch(h, y[3], 1e-6, 1e-6) == "");
  CHECK(mismatch(c, std::get<1>(state)[0], 1e-6, 1e-6) == "");
  const auto [single_h, single_c] = cell.forward(x[0][1]);
  CHECK(mismatch(single_h, std::get<0>(cell(x[0], {zero, zero}))[1], 1e-6, 1e-6) == "");
  CHECK(single_c.sizes() == Shape{5});

  nn::GRUCell gru(3, 5);
  nn::RNNCell rnn(3, 5);
  CHECK(equal(gru(x[0]), gru(x[0], zero)));
  CHECK(rnn(x[0][0], zero[0]).sizes() == Shape{5});
  nn::Sequential net(nn::RNNCell(3, 5), nn::Linear(5, 2));
  CHECK(net(x[0]).sizes() == Shape{2, 2});
}

TEST_CASE("cells have second derivatives") {
  manual_seed(3);
  nn::GRUCell gru(2, 3);
  nn::LSTMCell lstm(2, 3);
  gru.to(kFloat64), lstm.to(kFloat64);
  const auto both = [&](const std::vector<Tensor>& x) {
    const auto [h, c] = lstm(x[0], {x[1], x[1].square()});
    return gru(x[0], h) * c;
  };
  CHECK(gradient_error(both, {random_leaf({2, 2}), random_leaf({2, 3})}) == "");
}

TEST_CASE("cells refuse bad options, inputs and states") {
  nn::LSTMCell lstm(3, 4);
  nn::GRUCell gru(3, 4);
  const Tensor x = zeros({2, 3}), h = zeros({2, 4});
  CHECK(error_of([] { nn::GRUCell(0, 4); }) ==
        "[GRUCell] expected input_size of at least 1, got 0");
  CHECK(error_of([] { nn::LSTMCell(3, 0); }) ==
        "[LSTMCell] expected hidden_size of at least 1, got 0");
  CHECK(error_of([] { nn::RNNCell(3, 4, {.nonlinearity = "x"}); }) ==
        "[RNNCell] expected nonlinearity \"tanh\" or \"relu\", got \"x\"");
  CHECK(error_of([&] {
          gru.forward(zeros({2, 4}));
        }) == "[GRUCell] expected an input of shape [N, 3] or [3], got [2, 4]");
  CHECK(error_of([&] {
          gru.forward(zeros({1, 2, 3}));
        }) == "[GRUCell] expected an input of shape [N, 3] or [3], got [1, 2, 3]");
  CHECK(
      error_of([&] { gru.forward(x.to(kFloat64)); }) ==
      "[GRUCell] expected an input of the weights' dtype float32, got float64; convert with to()");
  CHECK(error_of([&] { gru.forward(x, h[0]); }) ==
        "[GRUCell] expected a state h of shape [2, 4] and dtype float32, got [4] and float32");
  CHECK(error_of([&] {
          lstm.forward(x, {h, Tensor()});
        }) == "[LSTMCell] expected both of h and c or none of them, got only h");
  CHECK(error_of([&] {
          lstm.forward(x, {h, h.to(kFloat64)});
        }) ==
        "[LSTMCell] expected a state c of shape [2, 4] and dtype float32, got [2, 4] and float64");
}
