// Recurrent layers, packed sequences, attention.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using namespace norma::nn::utils::rnn;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

/// Recurrent layers of one state.
template <class Layer, class Options>
void exercise(Hostile& h, Options options) {
  options.num_layers = 1 + h.below(2);
  options.bias = h.flag();
  options.batch_first = h.flag();
  options.dropout = h.real(0);
  options.bidirectional = h.flag();
  Layer layer(h.whole(3), h.whole(2), options);
  static_cast<void>(layer.str());
  const auto [y, state] = layer(h.tensor({4, 2, 3}), h.tensor({1, 2, 2}));
  use(y), use(state);
  use(std::get<0>(layer.clone().forward(h.tensor({4, 3}))));
  const PackedSequence packed(h.tensor({3, 3}), tensor({2, 1}));
  use(std::get<0>(layer(packed)).data());
  use(std::get<1>(layer.forward(packed, h.tensor({1, 2, 2}))));
  layer.reset_parameters(), layer.flatten_parameters();
  static_cast<void>(layer.all_weights());
}

template <class Cell, class Options>
void exercise_cell(Hostile& h, const Options& options) {
  Cell cell(h.whole(3), h.whole(2), options);
  static_cast<void>(cell.str());
  use(cell(h.tensor({4, 3})));
  use(cell(h.tensor({4, 3}), h.tensor({4, 2})));
  use(cell.clone().forward(h.tensor({3}), h.tensor({2})));
  cell.reset_parameters();
}

const std::vector<Row> kTable = {
    {"nn::RNN::*",
     [](Hostile& h) { exercise<nn::RNN>(h, nn::RNNOptions{.nonlinearity = h.word("relu")}); }},
    {"nn::GRU::*", [](Hostile& h) { exercise<nn::GRU>(h, nn::GRUOptions{}); }},
    {"nn::LSTM::*",
     [](Hostile& h) {
       nn::LSTM layer(h.whole(3), h.whole(2),
                      {.num_layers = 1 + h.below(2),
                       .bias = h.flag(),
                       .batch_first = h.flag(),
                       .dropout = h.real(0),
                       .bidirectional = h.flag(),
                       .proj_size = h.below(2)});
       const auto [y, state] =
           layer(h.tensor({4, 2, 3}), {h.tensor({1, 2, 2}), h.tensor({1, 2, 2})});
       use(y), use(std::get<0>(state)), use(std::get<1>(state));
       use(std::get<0>(layer.clone().forward(h.tensor({4, 3}))));
       const PackedSequence packed(h.tensor({3, 3}), tensor({2, 1}));
       use(std::get<0>(layer(packed)).data());
       use(std::get<0>(layer.forward(packed)).data());
     }},
    {"nn::RNNCell::*",
     [](Hostile& h) {
       exercise_cell<nn::RNNCell>(
           h, nn::RNNCellOptions{.bias = h.flag(), .nonlinearity = h.word("tanh")});
     }},
    {"nn::GRUCell::*",
     [](Hostile& h) { exercise_cell<nn::GRUCell>(h, nn::GRUCellOptions{.bias = h.flag()}); }},
    {"nn::LSTMCell::*",
     [](Hostile& h) {
       nn::LSTMCell cell(h.whole(3), h.whole(2), {.bias = h.flag()});
       const auto [y, c] = cell(h.tensor({4, 3}), {h.tensor({4, 2}), h.tensor({4, 2})});
       use(y), use(c);
       use(std::get<0>(cell.clone().forward(h.tensor({3}))));
     }},
    {"nn::RNNCellBase::*",
     [](Hostile& h) {
       nn::GRUCell cell(h.whole(3), 2);
       cell.reset_parameters();
       static_cast<void>(cell.input_size() + cell.hidden_size());
       static_cast<void>(cell.extra_repr());
     }},
    {"nn::utils::rnn::PackedSequence::*",
     [](Hostile& h) {
       const PackedSequence packed(h.tensor({4, 2}), h.tensor({2}, kInt64), h.tensor({3}, kInt64),
                                   h.tensor({3}, kInt64));
       static_cast<void>(packed.batches());
       use(packed.to(h.dtype()).data());
       use(packed.with_data(h.tensor({4, 1})).data());
       use(packed.batch_sizes()), use(packed.sorted_indices()), use(packed.unsorted_indices());
     }},
    {"nn::utils::rnn::pa*_pa*_sequence",
     [](Hostile& h) {
       const bool first = h.flag();
       const PackedSequence packed =
           pack_padded_sequence(h.tensor({2, 2, 3}), tensor({2, 1 + h.below(2)}), first, h.flag());
       const auto [y, lengths] =
           pad_packed_sequence(packed, first, h.scalar(0), h.flag() ? h.whole(3) : 3);
       use(y), use(lengths);
       pack_padded_sequence(h.tensor({4, 2}), h.tensor({2}, kInt64), first, h.flag());
     }},
    {"nn::utils::rnn::*pad_sequence",
     [](Hostile& h) {
       use(pad_sequence(h.tensors({2, 3}), h.flag(), h.scalar(0), h.word("left")));
       for (const Tensor& part : unpad_sequence(h.tensor({2, 3}), h.tensor({3}, kInt64), h.flag()))
         use(part);
     }},
    {"nn::utils::rnn::*pack_sequence",
     [](Hostile& h) {
       for (const Tensor& part : unpack_sequence(pack_sequence(h.tensors({2, 3}), h.flag())))
         use(part);
     }},
    {"functional::scaled_dot_product_attention",
     [](Hostile& h) {
       use(functional::scaled_dot_product_attention(
           h.tensor({2, 3, 4}), h.tensor({2, 5, 4}), h.tensor({2, 5, 3}),
           {.attn_mask = h.flag() ? h.tensor({3, 5}, h.flag() ? kBool : kFloat32) : Tensor(),
            .dropout_p = h.real(0),
            .is_causal = h.flag(),
            .scale = h.real(1),
            .enable_gqa = h.flag()}));
     }},
    {"nn::MultiheadAttention::*",
     [](Hostile& h) {
       nn::MultiheadAttention layer(h.whole(4), h.whole(2),
                                    {.dropout = h.real(0),
                                     .bias = h.flag(),
                                     .add_bias_kv = h.flag(),
                                     .add_zero_attn = h.flag(),
                                     .kdim = h.whole(3),
                                     .batch_first = h.flag()});
       layer.reset_parameters();
       const auto [y, weights] =
           layer(h.tensor({3, 2, 4}), h.tensor({5, 2, 3}), h.tensor({5, 2, 4}),
                 {.key_padding_mask = h.flag() ? h.tensor({2, 5}, kBool) : Tensor(),
                  .need_weights = h.flag(),
                  .attn_mask = h.flag() ? h.tensor({3, 5}) : Tensor(),
                  .average_attn_weights = h.flag()});
       use(y);
       use(std::get<0>(
           layer.clone().forward(h.tensor({3, 4}), h.tensor({5, 3}), h.tensor({5, 4}))));
       static_cast<void>(layer.options());
       static_cast<void>(layer.embed_dim() + layer.num_heads());
     }},
    {"nn::NonDynamicallyQuantizableLinear::*",
     [](Hostile& h) {
       nn::NonDynamicallyQuantizableLinear layer(h.whole(3), h.whole(2));
       use(layer.clone()(h.tensor({4, 3})));
     }},
    {"nn::Transformer*Layer::*",
     [](Hostile& h) {
       const nn::TransformerLayerOptions options{.dim_feedforward = h.whole(3),
                                                 .dropout = h.real(0),
                                                 .activation = h.word("gelu"),
                                                 .layer_norm_eps = h.real(1e-5),
                                                 .batch_first = h.flag(),
                                                 .norm_first = h.flag()};
       nn::TransformerEncoderLayer layer(h.whole(4), h.whole(2), options);
       use(layer.clone()(h.tensor({3, 2, 4}), h.tensor({3, 3}), h.tensor({2, 3}, kBool)));
       use(layer.forward(h.tensor({3, 4})));
       nn::TransformerDecoderLayer other(h.whole(4), h.whole(2), options);
       use(other.clone()(h.tensor({3, 2, 4}), h.tensor({5, 2, 4}), {.tgt_mask = h.tensor({3, 3})}));
       static_cast<void>(other.options().dropout);
       static_cast<void>(other.d_model() + other.nhead());
     }},
    {"nn::Transformer*coder::*",
     [](Hostile& h) {
       const nn::TransformerLayerOptions options{.dim_feedforward = 3};
       nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(4, 2, options), 1 + h.below(2),
                                      {.norm = nn::LayerNorm({4})});
       use(encoder.clone()(h.tensor({3, 2, 4}), h.tensor({3, 3}), h.tensor({2, 3}, kBool)));
       use(encoder.forward(h.tensor({3, 4})));
       nn::TransformerDecoder decoder(nn::TransformerDecoderLayer(4, 2, options), 1 + h.below(2));
       use(decoder.clone()(h.tensor({3, 2, 4}), h.tensor({5, 2, 4}),
                           {.memory_mask = h.tensor({3, 5})}));
       use(decoder.forward(h.tensor({3, 4}), h.tensor({5, 4})));
     }},
    {"nn::Transformer::*",
     [](Hostile& h) {
       nn::Transformer model(h.whole(4), h.whole(2),
                             {.num_encoder_layers = 1,
                              .num_decoder_layers = 1,
                              .dim_feedforward = h.whole(3),
                              .dropout = h.real(0),
                              .activation = h.word("relu"),
                              .batch_first = h.flag()});
       model.reset_parameters();
       use(model.clone()(h.tensor({3, 2, 4}), h.tensor({5, 2, 4}), {.tgt_mask = h.tensor({5, 5})}));
       use(model.forward(h.tensor({3, 4}), h.tensor({5, 4})));
       use(nn::Transformer::generate_square_subsequent_mask(h.whole(3)));
     }},
};

}  // namespace

TEST_CASE("layers of sequences take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
