#include <norma/norma.h>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("MultiheadAttention has PyTorch's parameters and their first values") {
  manual_seed(1);
  const nn::MultiheadAttention attention(8, 2, {.add_bias_kv = true});
  CHECK(names_of(attention.named_parameters()) ==
        "in_proj_weight in_proj_bias bias_k bias_v out_proj.weight out_proj.bias");
  CHECK(attention.in_proj_weight.sizes() == Shape{24, 8});
  CHECK(attention.bias_k.sizes() == Shape{1, 1, 8});
  CHECK(attention.in_proj_bias.abs().sum().item<double>() == 0.0);
  CHECK(attention.out_proj.bias.abs().sum().item<double>() == 0.0);
  CHECK(attention.bias_v.abs().sum().item<double>() > 0.0);
  const double bound = std::sqrt(6.0 / 32);
  CHECK(attention.in_proj_weight.abs().max().item<double>() <= bound);
  CHECK(attention.in_proj_weight.abs().max().item<double>() > 0.9 * bound);
  const nn::MultiheadAttention others(8, 2, {.bias = false, .kdim = 4});
  CHECK(names_of(others.named_parameters()) ==
        "q_proj_weight k_proj_weight v_proj_weight out_proj.weight");
  CHECK(others.k_proj_weight.sizes() == Shape{8, 4});
  CHECK(others.v_proj_weight.sizes() == Shape{8, 8});
}

TEST_CASE("MultiheadAttention prints as in PyTorch, and clones deeply with its options") {
  const nn::MultiheadAttention attention(8, 2, {.bias = false, .vdim = 3, .batch_first = true});
  CHECK(attention.str() ==
        "MultiheadAttention(\n  (out_proj): NonDynamicallyQuantizableLinear(in_features=8, "
        "out_features=8, bias=False)\n)");
  nn::MultiheadAttention copy = attention.clone();
  CHECK(copy.str() == attention.str());
  CHECK(copy.num_heads() == 2);
  CHECK(copy.embed_dim() == 8);
  CHECK(copy.options().vdim == 3);
  CHECK(equal(copy.q_proj_weight, attention.q_proj_weight));
  copy.reset_parameters();
  CHECK_FALSE(equal(copy.q_proj_weight, attention.q_proj_weight));
  CHECK(attention.out_proj.clone().str() == attention.out_proj.str());
}

TEST_CASE("MultiheadAttention takes batches, either way round, and single sequences") {
  manual_seed(2);
  nn::MultiheadAttention attention(6, 3), turned(6, 3, {.batch_first = true});
  turned.load_state_dict(attention.state_dict());
  const Tensor x = randn({4, 2, 6}), memory = randn({5, 2, 6});
  const auto [y, weights] = attention(x, memory, memory);
  CHECK(y.sizes() == Shape{4, 2, 6});
  CHECK(weights.sizes() == Shape{2, 4, 5});
  CHECK(allclose(weights.sum(-1), ones({2, 4})));
  const auto [fast, none] = attention(x, memory, memory, {.need_weights = false});
  CHECK_FALSE(none.defined());
  CHECK(mismatch(fast, y, 1e-5, 1e-6) == "");
  const Tensor m = memory.transpose(0, 1);
  const auto [other, each] = turned(x.transpose(0, 1), m, m, {.average_attn_weights = false});
  CHECK(mismatch(other.transpose(0, 1), y, 1e-5, 1e-6) == "");
  CHECK(each.sizes() == Shape{2, 3, 4, 5});
  CHECK(mismatch(each.mean(1), weights, 1e-5, 1e-6) == "");
  for (nn::MultiheadAttention* one : {&attention, &turned}) {
    const Tensor own = memory.select(1, 1);
    const auto [single, row] = one->forward(x.select(1, 1), own, own);
    CHECK(mismatch(single, y.select(1, 1), 1e-5, 1e-6) == "");
    CHECK(mismatch(row, weights[1], 1e-5, 1e-6) == "");
  }
}

TEST_CASE("MultiheadAttention hides what its masks say, and nothing it has added") {
  manual_seed(3);
  nn::MultiheadAttention attention(4, 2, {.batch_first = true});
  const Tensor x = randn({2, 3, 4});
  const Tensor upper = tensor({{false, true, true}, {false, false, true}, {false, false, false}});
  const auto [y, weights] = attention(x, x, x, {.attn_mask = upper});
  CHECK(weights.masked_fill(upper.logical_not(), 0).abs().sum().item<double>() == 0.0);
  const Tensor padding = tensor({{false, false, true}, {false, true, true}});
  const auto [other, hidden] = attention(x, x, x, {.key_padding_mask = padding});
  CHECK(hidden.select(2, 2).abs().sum().item<double>() == 0.0);
  CHECK(mismatch(std::get<0>(attention(x[1], x[1].narrow(0, 0, 1), x[1].narrow(0, 0, 1))), other[1],
                 1e-5, 1e-6) == "");
  nn::MultiheadAttention more(4, 2,
                              {.add_bias_kv = true, .add_zero_attn = true, .batch_first = true});
  const Tensor all = tensor({{true, true, true}, {true, true, true}});
  const auto [z, wide] = more(x, x, x, {.key_padding_mask = all, .attn_mask = upper});
  CHECK(wide.sizes() == Shape{2, 3, 5});
  CHECK(wide.narrow(2, 0, 3).abs().sum().item<double>() == 0.0);
  CHECK(allclose(wide.sum(-1), ones({2, 3})));
}

TEST_CASE("MultiheadAttention drops weights in training alone, and has second derivatives") {
  manual_seed(4);
  nn::MultiheadAttention attention(4, 2, {.dropout = 0.5});
  const Tensor x = randn({5, 2, 4});
  CHECK_FALSE(equal(std::get<0>(attention(x, x, x)), std::get<0>(attention(x, x, x))));
  attention.eval();
  attention.to(kFloat64);
  for (const bool need_weights : {true, false}) {
    CHECK(gradient_error(
              [&](const std::vector<Tensor>& v) {
                return std::get<0>(attention(v[0], v[1], v[1], {.need_weights = need_weights}));
              },
              {random_leaf({2, 2, 4}), random_leaf({3, 2, 4})}) == "");
  }
}

TEST_CASE("MultiheadAttention refuses bad options, tensors and masks") {
  CHECK(error_of([] { nn::MultiheadAttention(0, 1); }) ==
        "[MultiheadAttention] expected embed_dim of at least 1, got 0");
  CHECK(error_of([] { nn::MultiheadAttention(4, 0); }) ==
        "[MultiheadAttention] expected num_heads of at least 1, got 0");
  CHECK(error_of([] { nn::MultiheadAttention(5, 2); }) ==
        "[MultiheadAttention] embed_dim must be divisible by num_heads, got 5 and 2");
  CHECK(error_of([] { nn::MultiheadAttention(4, 2, {.kdim = 0}); }) ==
        "[MultiheadAttention] expected kdim of at least 1, got 0");
  CHECK(error_of([] { nn::MultiheadAttention(4, 2, {.vdim = -1}); }) ==
        "[MultiheadAttention] expected vdim of at least 1, got -1");
  CHECK(error_of([] { nn::MultiheadAttention(4, 2, {.dropout = 2}); }) ==
        "[MultiheadAttention] dropout probability has to be between 0 and 1, but got 2.0");
  nn::MultiheadAttention attention(4, 2, {.kdim = 3}), first(4, 2, {.batch_first = true});
  const Tensor q = zeros({5, 2, 4}), k = zeros({6, 2, 3}), v = zeros({6, 2, 4});
  const auto message = [&](const Tensor& a, const Tensor& b, const Tensor& c,
                           const nn::MultiheadAttentionArgs& args = {}) {
    return error_of([&] { attention.forward(a, b, c, args); });
  };
  const std::string shapes =
      "[MultiheadAttention] expected query [L, N, 4], key [S, N, 3] and value [S, N, 4], or "
      "without N, got ";
  CHECK(message(q, k, v) == "no error");
  CHECK(message(q, v, v) == shapes + "[5, 2, 4], [6, 2, 4] and [6, 2, 4]");
  CHECK(message(q, k, zeros({5, 2, 4})) == shapes + "[5, 2, 4], [6, 2, 3] and [5, 2, 4]");
  CHECK(message(zeros({5, 1, 4}), k, v) == shapes + "[5, 1, 4], [6, 2, 3] and [6, 2, 4]");
  CHECK(message(q[0], k, v) == shapes + "[2, 4], [6, 2, 3] and [6, 2, 4]");
  CHECK(error_of([&] { first.forward(q, k, v); }) ==
        "[MultiheadAttention] expected query [N, L, 4], key [N, S, 4] and value [N, S, 4], or "
        "without N, got [5, 2, 4], [6, 2, 3] and [6, 2, 4]");
  CHECK(message(q.to(kFloat64), k, v) ==
        "[MultiheadAttention] expected tensors of the weights' dtype float32, got float64; convert "
        "with to()");
  CHECK(message(q, k, v, {.attn_mask = zeros({5, 5})}) ==
        "[MultiheadAttention] expected attn_mask of shape [5, 6] or [4, 5, 6], got [5, 5]");
  CHECK(message(q, k, v, {.attn_mask = zeros({5, 6}).to(kInt64)}) ==
        "[MultiheadAttention] expected attn_mask of bool or the weights' dtype float32, got int64");
  CHECK(message(q, k, v, {.key_padding_mask = zeros({6})}) ==
        "[MultiheadAttention] expected key_padding_mask of shape [2, 6], got [6]");
  CHECK(message(q.select(1, 0), k.select(1, 0), v.select(1, 0),
                {.key_padding_mask = zeros({2, 6})}) ==
        "[MultiheadAttention] expected key_padding_mask of shape [6], got [2, 6]");
  CHECK(error_of([&] { attention(q, v, v); }) ==
        shapes + "[5, 2, 4], [6, 2, 4] and [6, 2, 4] (in MultiheadAttention)");
}
