// Recurrent layers: the sign of a running sum, read by an LSTM and by a GRU; and their cells.
#include <torch/torch.h>

namespace {

struct ReaderImpl : torch::nn::Module {
  ReaderImpl(int64_t hidden, bool bidirectional)
      : lstm(torch::nn::LSTMOptions(1, hidden).num_layers(1).batch_first(true).bidirectional(
            bidirectional)),
        fc(bidirectional ? 2 * hidden : hidden, 2) {
    register_module("lstm", lstm);
    register_module("fc", fc);
  }
  torch::Tensor forward(torch::Tensor x) {
    torch::Tensor output;
    std::tuple<torch::Tensor, torch::Tensor> state;
    std::tie(output, state) = lstm->forward(x);
    return fc(output.mean(1));
  }
  torch::nn::LSTM lstm;
  torch::nn::Linear fc;
};
TORCH_MODULE(Reader);

double accuracy(Reader& model, torch::Tensor x, torch::Tensor y) {
  torch::NoGradGuard no_grad;
  return model(x).argmax(1).eq(y).to(torch::kFloat).mean().item<double>();
}

void check_reading(bool bidirectional) {
  Reader model(8, bidirectional);
  const auto x = torch::randn({128, 6, 1});
  const auto y = (x.sum({1, 2}) > 0).to(torch::kLong);
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(0.03));
  torch::nn::CrossEntropyLoss criterion;
  for (int step = 0; step < 60; ++step) {
    auto loss = criterion(model(x), y);
    optimizer.zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(model->parameters(), 1.0);
    optimizer.step();
  }
  TORCH_CHECK(accuracy(model, x, y) > 0.9, accuracy(model, x, y));
}

void check_states() {
  torch::nn::GRU gru(torch::nn::GRUOptions(3, 5).num_layers(2));
  const auto x = torch::randn({4, 2, 3});
  auto [output, h] = gru->forward(x, torch::zeros({2, 2, 5}));
  TORCH_CHECK(output.sizes() == torch::IntArrayRef({4, 2, 5}) && h.size(0) == 2);
  TORCH_CHECK(torch::allclose(output[3], h[1]));

  torch::nn::LSTM lstm(3, 5);
  const auto zero = torch::zeros({1, 2, 5});
  auto result = lstm(x, std::make_tuple(zero, zero));
  torch::nn::LSTMCell cell(3, 5);
  auto [hidden, memory] = cell(x[0]);
  TORCH_CHECK(std::get<0>(std::get<1>(result)).size(0) == 1 && hidden.sizes() == memory.sizes());
  torch::nn::RNN rnn(torch::nn::RNNOptions(3, 5).nonlinearity(torch::kReLU));
  TORCH_CHECK(std::get<0>(rnn(x)).min().item<float>() >= 0);
}

void check_attention() {
  torch::nn::MultiheadAttention attention(torch::nn::MultiheadAttentionOptions(8, 2).bias(false));
  const auto x = torch::randn({5, 3, 8});
  auto [output, weights] = attention(x, x, x);
  TORCH_CHECK(output.sizes() == x.sizes() && torch::allclose(weights.sum(-1), torch::ones({3, 5})));
  torch::nn::TransformerEncoderLayer layer(
      torch::nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0.0));
  torch::nn::TransformerEncoder encoder(torch::nn::TransformerEncoderOptions(layer, 2));
  TORCH_CHECK(encoder(x).sizes() == x.sizes() && encoder->parameters().size() == 24);
}

}  // namespace

int main() {
  torch::manual_seed(5);
  check_reading(false);
  check_reading(true);
  check_states();
  check_attention();
}
