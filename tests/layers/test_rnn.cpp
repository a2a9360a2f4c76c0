#include <norma/norma.h>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using nn::utils::rnn::PackedSequence;

namespace {

struct Tagger : nn::Module {
  nn::LSTM lstm{3, 4, {.batch_first = true}};
  nn::Linear fc{4, 2};
  Tagger() {
    register_module("lstm", lstm);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const auto [y, state] = lstm(x);
    return fc(y);
  }
};

Tensor steps(int64_t count, int64_t width) {
  return arange(count * width).to(kFloat32).div(7).sub(1).reshape({count, 1, width});
}

}  // namespace

TEST_CASE("recurrent layers have PyTorch's parameters, from U(-s, s) with s = 1/√hidden_size") {
  manual_seed(1);
  CHECK(names_of(nn::RNN(3, 4).named_parameters()) ==
        "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0");
  CHECK(names_of(nn::GRU(3, 4, {.num_layers = 2, .bias = false}).named_parameters()) ==
        "weight_ih_l0 weight_hh_l0 weight_ih_l1 weight_hh_l1");
  const nn::LSTM lstm(3, 4, {.num_layers = 2, .bidirectional = true, .proj_size = 2});
  CHECK(names_of(lstm.named_parameters()) ==
        "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 weight_hr_l0 weight_ih_l0_reverse "
        "weight_hh_l0_reverse bias_ih_l0_reverse bias_hh_l0_reverse weight_hr_l0_reverse "
        "weight_ih_l1 weight_hh_l1 bias_ih_l1 bias_hh_l1 weight_hr_l1 weight_ih_l1_reverse "
        "weight_hh_l1_reverse bias_ih_l1_reverse bias_hh_l1_reverse weight_hr_l1_reverse");
  const std::vector<Tensor> weights = lstm.all_weights();
  CHECK(weights[0].sizes() == Shape{16, 3});
  CHECK(weights[1].sizes() == Shape{16, 2});
  CHECK(weights[3].sizes() == Shape{16});
  CHECK(weights[4].sizes() == Shape{2, 4});
  CHECK(weights[10].sizes() == Shape{16, 4});
  nn::GRU gru(30, 25);
  for (const Tensor& weight : gru.parameters()) {
    CHECK(weight.abs().max().item<double>() <= 0.2);
    CHECK(weight.abs().max().item<double>() > 0.18);
    CHECK(weight.mean().item<double>() == Approx(0.0).margin(0.03));
  }
  const Tensor before = gru.parameters()[0].detach().clone();
  gru.reset_parameters();
  CHECK_FALSE(equal(gru.parameters()[0], before));
  gru.flatten_parameters();
}

TEST_CASE("recurrent layers print as in PyTorch, and clone deeply with their options") {
  CHECK(nn::RNN(3, 4).str() == "RNN(3, 4)");
  CHECK(nn::LSTM(3, 4).str() == "LSTM(3, 4)");
  const nn::LSTM lstm(3, 4,
                      {.num_layers = 2,
                       .bias = false,
                       .batch_first = true,
                       .dropout = 0.5,
                       .bidirectional = true,
                       .proj_size = 2});
  CHECK(lstm.str() ==
        "LSTM(3, 4, proj_size=2, num_layers=2, bias=False, batch_first=True, dropout=0.5, "
        "bidirectional=True)");
  CHECK(lstm.clone().str() == lstm.str());
  const nn::RNN rnn(2, 3, {.nonlinearity = "relu"});
  nn::RNN copy = rnn.clone();
  const Tensor x = steps(4, 2);
  CHECK(differing_bits(std::get<0>(copy(x)), std::get<0>(nn::RNN(rnn)(x))) == "");
  copy.parameters()[0].detach().zero_();
  CHECK(rnn.parameters()[0].abs().sum().item<double>() > 0);
  CHECK(std::get<0>(copy(x)).min().item<double>() >= 0.0);
  const nn::GRU gru(2, 3, {.num_layers = 2, .dropout = 0.1});
  CHECK(gru.clone().str() == "GRU(2, 3, num_layers=2, dropout=0.1)");
}

TEST_CASE("recurrent layers take batches, either way round, and single sequences") {
  manual_seed(2);
  nn::GRU gru(3, 4, {.bidirectional = true});
  const Tensor x = randn({5, 2, 3}), h0 = randn({2, 2, 4});
  const auto [y, h] = gru(x, h0);
  CHECK(y.sizes() == Shape{5, 2, 8});
  CHECK(h.sizes() == Shape{2, 2, 4});
  CHECK(equal(h[0], y[4].narrow(1, 0, 4)));
  CHECK(equal(h[1], y[0].narrow(1, 4, 4)));
  const auto [single, last] = gru(x.select(1, 1), h0.select(1, 1));
  CHECK(single.sizes() == Shape{5, 8});
  CHECK(mismatch(single, y.select(1, 1), 1e-6, 1e-6) == "");
  CHECK(mismatch(last, h.select(1, 1), 1e-6, 1e-6) == "");
  CHECK(equal(std::get<0>(gru(x)), std::get<0>(gru(x, zeros({2, 2, 4})))));

  nn::LSTM lstm(3, 4), turned(3, 4, {.batch_first = true});
  turned.load_state_dict(lstm.state_dict());
  const auto [out, state] = lstm(x);
  const auto [other, other_state] = turned(x.transpose(0, 1));
  CHECK(other.sizes() == Shape{2, 5, 4});
  CHECK(equal(other.transpose(0, 1), out));
  CHECK(equal(std::get<1>(other_state), std::get<1>(state)));
  CHECK(std::get<1>(state).sizes() == Shape{1, 2, 4});
  // In two parts, with the state in between.
  const auto [first, middle] = lstm(x.narrow(0, 0, 2));
  const auto [second, end] = lstm.forward(x.narrow(0, 2, 3), middle);
  CHECK(mismatch(cat({first, second}), out, 1e-6, 1e-6) == "");
  CHECK(mismatch(std::get<1>(end), std::get<1>(state), 1e-6, 1e-6) == "");
  CHECK(std::get<0>(lstm(x, {std::get<0>(end), std::get<1>(end)})).sizes() == out.sizes());
}

TEST_CASE("recurrent layers drop out between layers, in training alone") {
  manual_seed(3);
  nn::LSTM lstm(3, 6, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = randn({4, 2, 3});
  CHECK_FALSE(equal(std::get<0>(lstm(x)), std::get<0>(lstm(x))));
  lstm.eval();
  CHECK(equal(std::get<0>(lstm(x)), std::get<0>(lstm(x))));
}

TEST_CASE("recurrent layers take packed sequences in any order") {
  manual_seed(4);
  const Tensor x = randn({4, 3, 2}), lengths = tensor({2, 4, 1});
  const PackedSequence packed = nn::utils::rnn::pack_padded_sequence(x, lengths, false, false);
  nn::LSTM lstm(2, 3, {.bidirectional = true});
  const Tensor h0 = randn({2, 3, 3}), c0 = randn({2, 3, 3});
  const auto [y, state] = lstm(packed, {h0, c0});
  CHECK(y.batch_sizes().is_same(packed.batch_sizes()));
  const Tensor out = std::get<0>(nn::utils::rnn::pad_packed_sequence(y));
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t length = lengths[b].item<int64_t>();
    const auto [own, last] =
        lstm(x.select(1, b).narrow(0, 0, length), {h0.select(1, b), c0.select(1, b)});
    CHECK(mismatch(out.select(1, b).narrow(0, 0, length), own, 1e-6, 1e-6) == "");
    CHECK(mismatch(std::get<0>(state).select(1, b), std::get<0>(last), 1e-6, 1e-6) == "");
    CHECK(mismatch(std::get<1>(state).select(1, b), std::get<1>(last), 1e-6, 1e-6) == "");
  }
  nn::RNN rnn(2, 3);
  nn::GRU gru(2, 3);
  CHECK(std::get<1>(rnn.forward(packed)).sizes() == Shape{1, 3, 3});
  CHECK(std::get<0>(rnn(packed)).data().sizes() == Shape{7, 3});
  CHECK(std::get<0>(gru(packed)).data().sizes() == Shape{7, 3});
}

TEST_CASE("a recurrent layer in a model trains, is saved, and keeps its path in errors") {
  manual_seed(5);
  Tagger net;
  CHECK(net.str() ==
        "Tagger(\n  (lstm): LSTM(3, 4, batch_first=True)\n  (fc): Linear(in_features=4, "
        "out_features=2, bias=True)\n)");
  optim::SGD sgd(net.parameters(), {.lr = 0.5});
  const Tensor x = randn({6, 5, 3}), target = x.narrow(2, 0, 1).gt(0).to(kInt64).reshape({30});
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    sgd.zero_grad();
    const Tensor loss = functional::cross_entropy(net(x).reshape({30, 2}), target);
    loss.backward();
    sgd.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  CHECK(last < 0.5 * first);
  Tagger other;
  other.load_state_dict(net.state_dict());
  CHECK(equal(other(x), net(x)));
  other.to(kFloat64);
  CHECK(mismatch(other(x.to(kFloat64)), net(x).to(kFloat64), 1e-5, 1e-5) == "");
  CHECK(error_of([&] {
          net(randn({6, 5, 2}));
        }) ==
        "[LSTM] expected an input of shape [N, L, 3] or [L, 3], got [6, 5, 2] (in lstm, an LSTM)");
  nn::Sequential wrong(nn::LSTM(3, 4));
  CHECK(error_of([&] { wrong(x); }) ==
        "[LSTM] expected an override of `Tensor forward(const Tensor&)`, got none; LSTM gives or "
        "takes something else: call it in a forward of your own (in 0, an LSTM)");
}

TEST_CASE("recurrent layers refuse bad options") {
  const auto lstm = [](int64_t in, int64_t hidden, const nn::LSTMOptions& o = {}) {
    return error_of([&] { nn::LSTM(in, hidden, o); });
  };
  CHECK(lstm(0, 4) == "[LSTM] expected input_size of at least 1, got 0");
  CHECK(lstm(3, 0) == "[LSTM] expected hidden_size of at least 1, got 0");
  CHECK(lstm(3, 4, {.num_layers = 0}) == "[LSTM] expected num_layers of at least 1, got 0");
  CHECK(lstm(3, 4, {.num_layers = 2, .dropout = 1.5}) ==
        "[LSTM] dropout should be a number in range [0, 1] representing the probability of an "
        "element being zeroed, got 1.5");
  CHECK(lstm(3, 4, {.proj_size = 4}) ==
        "[LSTM] expected proj_size of at least 0 and smaller than hidden_size, got 4 and 4");
  CHECK(lstm(3, 4, {.proj_size = -1}) ==
        "[LSTM] expected proj_size of at least 0 and smaller than hidden_size, got -1 and 4");
  CHECK(error_of([] { nn::RNN(3, 4, {.nonlinearity = "sigmoid"}); }) ==
        "[RNN] expected nonlinearity \"tanh\" or \"relu\", got \"sigmoid\"");
  CHECK(error_of([] { nn::GRU(3, -1); }) == "[GRU] expected hidden_size of at least 1, got -1");
  set_warnings(Warnings::Error);
  CHECK(
      lstm(3, 4, {.dropout = 0.5}) ==
      "[LSTM] expected more than one layer for a dropout of 0.5, which is applied between layers, "
      "got num_layers=1");
  set_warnings(Warnings::Print);
}

TEST_CASE("recurrent layers refuse bad inputs and states") {
  nn::LSTM lstm(3, 4, {.num_layers = 2, .proj_size = 2});
  nn::GRU gru(3, 4);
  const std::string kUndefined =
      "[GRU] expected a defined tensor, got an undefined one; Tensor() is undefined, and so is "
      "grad() before backward()";
  const Tensor x = zeros({5, 2, 3}), h = zeros({2, 2, 2}), c = zeros({2, 2, 4});
  const auto message = [&](const Tensor& input, const Tensor& h0 = Tensor(),
                           const Tensor& c0 = Tensor()) {
    return error_of([&] { lstm.forward(input, {h0, c0}); });
  };
  CHECK(message(x, h, c) == "no error");
  CHECK(message(zeros({3})) == "[LSTM] expected an input of shape [L, N, 3] or [L, 3], got [3]");
  CHECK(message(zeros({5, 2, 4})) ==
        "[LSTM] expected an input of shape [L, N, 3] or [L, 3], got [5, 2, 4]");
  CHECK(message(zeros({0, 2, 3})) ==
        "[LSTM] expected sequences of one or more steps, got [0, 2, 3]");
  CHECK(message(x.to(kFloat64)) ==
        "[LSTM] expected an input of the weights' dtype float32, got float64; convert with to()");
  CHECK(message(x, h) == "[LSTM] expected both of h and c or none of them, got only h");
  CHECK(message(x, Tensor(), c) == "[LSTM] expected both of h and c or none of them, got only c");
  CHECK(message(x, c, c) == "[LSTM] expected a state h of shape [2, 2, 2], got [2, 2, 4]");
  CHECK(message(x, h, h) == "[LSTM] expected a state c of shape [2, 2, 4], got [2, 2, 2]");
  CHECK(message(x.select(1, 0), h, c) ==
        "[LSTM] expected a state h of shape [2, 2], got [2, 2, 2]");
  CHECK(message(x, h.to(kFloat64), c) ==
        "[LSTM] expected a state h of the weights' dtype float32, got float64; convert with to()");
  CHECK(error_of([&] { gru.forward(Tensor()); }) == kUndefined);
  const PackedSequence packed(zeros({3, 2}), tensor({2, 1}));
  CHECK(error_of([&] { gru.forward(packed); }) ==
        "[GRU] expected packed sequences of shape [ΣL, 3], got [3, 2]");
  CHECK(error_of([&] {
          gru.forward(PackedSequence(zeros({3, 3}), tensor({2, 1})), zeros({1, 3, 4}));
        }) == "[GRU] expected a state h of shape [1, 2, 4], got [1, 3, 4]");
  CHECK(error_of([&] { gru.forward(PackedSequence()); }) == kUndefined);
}
