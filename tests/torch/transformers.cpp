// Packed sequences, decoders and whole Transformers.
#include <torch/torch.h>

namespace nn = torch::nn;

void packed() {
  nn::LSTM lstm(nn::LSTMOptions(3, 5).num_layers(2).batch_first(true));
  const auto x = torch::randn({2, 4, 3});
  const auto lengths = torch::tensor({4, 2});
  const auto sequence = nn::utils::rnn::pack_padded_sequence(x, lengths, /*batch_first=*/true);
  const auto [out, state] = lstm->forward_with_packed_input(sequence);
  const auto [padded, sizes] = nn::utils::rnn::pad_packed_sequence(out, true);
  TORCH_CHECK(torch::equal(sizes, lengths) && padded.sizes() == torch::IntArrayRef({2, 4, 5}));
  const auto alone = std::get<0>(lstm->forward(x.narrow(0, 1, 1).narrow(1, 0, 2)));
  TORCH_CHECK(torch::allclose(padded[1].narrow(0, 0, 2), alone[0], 1e-4, 1e-6));
  TORCH_CHECK(std::get<0>(state).size(0) == 2);
  const auto both = nn::utils::rnn::pad_sequence({torch::ones(2), torch::ones(3)}, true, -1.0);
  TORCH_CHECK(both[0][2].item<float>() == -1);
}

void stacks() {
  nn::TransformerEncoderLayer layer(
      nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0));
  nn::TransformerEncoder encoder(nn::TransformerEncoderOptions(layer, 2).norm(
      nn::AnyModule(nn::LayerNorm(nn::LayerNormOptions({8})))));
  nn::TransformerDecoder decoder(nn::TransformerDecoderOptions(
      nn::TransformerDecoderLayerOptions(8, 2).dim_feedforward(16).dropout(0.0).activation(
          torch::kGELU),
      2));
  encoder->eval();
  const auto src = torch::randn({5, 3, 8}), tgt = torch::randn({4, 3, 8});
  const auto memory = encoder(src);
  TORCH_CHECK(memory.mean().abs().item<float>() < 1e-5);  // the norm's
  const auto mask = nn::TransformerImpl::generate_square_subsequent_mask(4);
  const auto y = decoder(tgt, memory, mask);
  auto other = tgt.clone();
  other[3].zero_();
  TORCH_CHECK(torch::allclose(y[2], decoder(other, memory, mask)[2], 1e-4, 1e-6));
  TORCH_CHECK(!torch::allclose(y[3], decoder(other, memory, mask)[3]));
}

void whole() {
  nn::Transformer model(nn::TransformerOptions(8, 2, 1, 1).dim_feedforward(16).dropout(0.0));
  const auto src = torch::randn({5, 3, 8}), tgt = torch::randn({4, 3, 8});
  const auto y =
      model->forward(src, tgt, torch::Tensor(), model->generate_square_subsequent_mask(4));
  TORCH_CHECK(y.sizes() == tgt.sizes());
  y.sum().backward();
  for (const auto& parameter : model->named_parameters()) {
    TORCH_CHECK(parameter->grad().defined(), parameter.key());
  }
}

int main() {
  torch::manual_seed(5);
  packed();
  stacks();
  whole();
}
