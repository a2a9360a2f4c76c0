#include <norma/norma.h>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("Transformer layers have PyTorch's names and print as there") {
  const nn::TransformerEncoderLayer layer(4, 2, {.dim_feedforward = 6});
  CHECK(names_of(layer.named_parameters()) ==
        "self_attn.in_proj_weight self_attn.in_proj_bias self_attn.out_proj.weight "
        "self_attn.out_proj.bias linear1.weight linear1.bias linear2.weight linear2.bias "
        "norm1.weight norm1.bias norm2.weight norm2.bias");
  const std::string attention =
      "MultiheadAttention(\n    (out_proj): NonDynamicallyQuantizableLinear(in_features=4, "
      "out_features=4, bias=True)\n  )\n";
  const std::string norm = layer.norm1.str();
  CHECK(layer.str() ==
        "TransformerEncoderLayer(\n  (self_attn): " + attention +
            "  (linear1): Linear(in_features=4, out_features=6, bias=True)\n"
            "  (dropout): Dropout(p=0.1, inplace=False)\n"
            "  (linear2): Linear(in_features=6, out_features=4, bias=True)\n  (norm1): " +
            norm + "\n  (norm2): " + norm +
            "\n  (dropout1): Dropout(p=0.1, inplace=False)\n"
            "  (dropout2): Dropout(p=0.1, inplace=False)\n)");
  CHECK(layer.clone().str() == layer.str());
  const nn::TransformerDecoderLayer decoder(4, 2, {.dim_feedforward = 6});
  const std::vector<std::shared_ptr<nn::Module>> children = decoder.children();
  CHECK(names_of(decoder.named_children()) ==
        "self_attn multihead_attn linear1 dropout linear2 norm1 norm2 norm3 dropout1 dropout2 "
        "dropout3");
  CHECK(decoder.clone().str() == decoder.str());
  const nn::TransformerEncoderLayer bare(4, 2, {.bias = false});
  CHECK(names_of(bare.named_parameters()) ==
        "self_attn.in_proj_weight self_attn.out_proj.weight linear1.weight linear2.weight "
        "norm1.weight norm2.weight");
  CHECK(nn::Transformer(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .bias = false})
            .parameters()
            .size() == 6 + 1 + 9 + 1);
  CHECK(layer.d_model() == 4);
  CHECK(layer.nhead() == 2);
  CHECK(layer.options().dim_feedforward == 6);
}

TEST_CASE("Transformer stacks begin with copies of their layer, and a norm") {
  manual_seed(1);
  const nn::TransformerEncoderLayer layer(4, 2, {.dim_feedforward = 6, .dropout = 0.0});
  nn::TransformerEncoder encoder(layer, 2, {.norm = nn::LayerNorm({4})});
  CHECK(encoder.named_parameters()[0].first == "layers.0.self_attn.in_proj_weight");
  CHECK(encoder.named_parameters().back().first == "norm.bias");
  CHECK(encoder.parameters().size() == 26);
  CHECK(has(encoder.str(),
            "TransformerEncoder(\n  (layers): ModuleList(\n    (0-1): 2 x "
            "TransformerEncoderLayer(\n      (self_attn): MultiheadAttention(\n"));
  CHECK(has(nn::TransformerEncoder(layer, 1).str(),
            "(layers): ModuleList(\n    (0): TransformerEncoderLayer(\n"));
  CHECK(equal(encoder.parameters()[0], layer.parameters()[0]));
  CHECK(equal(encoder.parameters()[12], layer.parameters()[0]));
  CHECK_FALSE(encoder.parameters()[12].is_same(encoder.parameters()[0]));
  const Tensor x = randn({3, 2, 4});
  nn::TransformerEncoderLayer one(layer);
  CHECK(equal(encoder(x), nn::LayerNorm({4})(one(one(x)))));
  nn::TransformerEncoder copy = encoder.clone();
  CHECK(copy.str() == encoder.str());
  CHECK(equal(copy(x), encoder(x)));
  copy.parameters()[0].detach().zero_();
  CHECK(encoder.parameters()[0].abs().sum().item<double>() > 0.0);
  const nn::TransformerDecoderLayer other(4, 2, {.dim_feedforward = 6, .dropout = 0.0});
  nn::TransformerDecoder decoder(other, 2);
  nn::TransformerDecoderLayer two(other);
  const Tensor memory = encoder(x), mask = tensor({{0.0, -1e30}, {0.0, 0.0}}).to(kFloat32);
  const Tensor y = randn({2, 2, 4});
  CHECK(equal(decoder(y, memory, {.tgt_mask = mask}),
              two(two(y, memory, {.tgt_mask = mask}), memory, {.tgt_mask = mask})));
  CHECK(equal(decoder.clone()(y, memory), decoder(y, memory)));
  CHECK_FALSE(equal(decoder(y, memory), decoder(y, memory, {.tgt_mask = mask})));
}

TEST_CASE("Transformer layers norm before or after, take masks, drop out, and train") {
  manual_seed(2);
  for (const bool norm_first : {false, true}) {
    nn::TransformerEncoderLayer layer(4, 2,
                                      {.dim_feedforward = 3,
                                       .dropout = 0.0,
                                       .activation = "gelu",
                                       .batch_first = true,
                                       .norm_first = norm_first});
    layer.to(kFloat64);
    CHECK(gradient_error([&](const std::vector<Tensor>& x) { return layer(x[0]); },
                         {random_leaf({1, 2, 4})}) == "");
    const Tensor x = randn({2, 3, 4}).to(kFloat64);
    const Tensor padding = tensor({{false, true, true}, {false, false, false}});
    const Tensor y = layer(x, Tensor(), padding);
    CHECK(mismatch(y[0][0], layer(x[0].narrow(0, 0, 1))[0], 1e-10, 1e-10) == "");
    CHECK(mismatch(y[1], layer(x[1]), 1e-10, 1e-10) == "");
    nn::TransformerDecoderLayer decoder(
        4, 2,
        {.dim_feedforward = 3, .dropout = 0.0, .batch_first = true, .norm_first = norm_first});
    decoder.to(kFloat64);
    CHECK(gradient_error([&](const std::vector<Tensor>& t) { return decoder(t[0], t[1]); },
                         {random_leaf({1, 2, 4}), random_leaf({1, 3, 4})}) == "");
  }
  nn::TransformerEncoderLayer layer(4, 2, {.dim_feedforward = 8});
  const Tensor x = randn({3, 2, 4});
  CHECK_FALSE(equal(layer(x), layer(x)));
  layer.eval();
  CHECK(equal(layer(x), layer(x)));
  nn::Sequential net(nn::Linear(3, 4), layer, nn::Linear(4, 2));
  CHECK(net(randn({5, 3})).sizes() == Shape{5, 2});
}

TEST_CASE("Transformer is an encoder and a decoder, each with a norm") {
  manual_seed(3);
  nn::Transformer model(4, 2,
                        {.num_encoder_layers = 2,
                         .num_decoder_layers = 1,
                         .dim_feedforward = 6,
                         .dropout = 0.0,
                         .batch_first = true});
  const NamedTensors named = model.named_parameters();
  CHECK(named[0].first == "encoder.layers.0.self_attn.in_proj_weight");
  CHECK(named.back().first == "decoder.norm.bias");
  CHECK(named.size() == 24 + 2 + 18 + 2);
  CHECK_FALSE(equal(named[0].second, named[12].second));
  const Tensor mask = nn::Transformer::generate_square_subsequent_mask(3);
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(equal(mask, tensor({{0.0, -inf, -inf}, {0.0, 0.0, -inf}, {0.0, 0.0, 0.0}})));
  const Tensor src = randn({2, 5, 4}), tgt = randn({2, 3, 4});
  const Tensor y = model(src, tgt, {.tgt_mask = mask});
  CHECK(y.sizes() == Shape{2, 3, 4});
  CHECK(
      mismatch(y.narrow(1, 0, 2),
               model(src, tgt.narrow(1, 0, 2), {.tgt_mask = mask.narrow(0, 0, 2).narrow(1, 0, 2)}),
               1e-5, 1e-6) == "");
  CHECK(equal(y, model.decoder(tgt, model.encoder(src), {.tgt_mask = mask})));
  nn::Transformer copy = model.clone();
  CHECK(copy.str() == model.str());
  CHECK(equal(copy(src, tgt), model(src, tgt)));
  copy.reset_parameters();
  CHECK_FALSE(equal(copy.parameters()[0], model.parameters()[0]));
  CHECK(error_of([] { nn::Transformer::generate_square_subsequent_mask(-1); }) ==
        "[generate_square_subsequent_mask] expected size of at least 0, got -1");
  CHECK(error_of([] { nn::Transformer(4, 2, {.num_encoder_layers = 0}); }) ==
        "[TransformerEncoder] expected num_layers of at least 1, got 0");
}

TEST_CASE("Transformer layers refuse bad options, and name their path") {
  CHECK(error_of([] { nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 0}); }) ==
        "[TransformerEncoderLayer] expected dim_feedforward of at least 1, got 0");
  CHECK(error_of([] { nn::TransformerDecoderLayer(4, 2, {.activation = "tanh"}); }) ==
        "[TransformerDecoderLayer] expected activation \"relu\" or \"gelu\", got \"tanh\"");
  CHECK(error_of([] { nn::TransformerEncoderLayer(5, 2); }) ==
        "[MultiheadAttention] embed_dim must be divisible by num_heads, got 5 and 2");
  const nn::TransformerEncoderLayer layer(4, 2);
  CHECK(error_of([&] { nn::TransformerEncoder(layer, 0); }) ==
        "[TransformerEncoder] expected num_layers of at least 1, got 0");
  CHECK(error_of([&] { nn::TransformerDecoder(nn::TransformerDecoderLayer(4, 2), -1); }) ==
        "[TransformerDecoder] expected num_layers of at least 1, got -1");
  nn::TransformerEncoder encoder(layer, 2);
  CHECK(error_of([&] {
          encoder(zeros({3, 2, 5}));
        }) ==
        "[MultiheadAttention] expected query [L, N, 4], key [S, N, 4] and value [S, N, 4], or "
        "without N, got [3, 2, 5], [3, 2, 5] and [3, 2, 5] (in layers.0.self_attn, a "
        "MultiheadAttention)");
}
