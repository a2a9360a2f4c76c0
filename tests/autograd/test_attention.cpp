#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using functional::AttentionOptions;
using functional::scaled_dot_product_attention;

namespace {

const double kInf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("attention is the mean of the values, weighted by softmax of the scores") {
  manual_seed(1);
  const Tensor q = randn({2, 3, 4}), k = randn({2, 5, 4}), v = randn({2, 5, 6});
  const Tensor weights = q.matmul(k.transpose(1, 2)).div(2).softmax(-1);
  CHECK(mismatch(scaled_dot_product_attention(q, k, v), weights.matmul(v), 1e-5, 1e-6) == "");
  const Tensor sharp = q.matmul(k.transpose(1, 2)).mul(3).softmax(-1);
  CHECK(mismatch(scaled_dot_product_attention(q, k, v, {.scale = 3.0}), sharp.matmul(v), 1e-5,
                 1e-6) == "");
  CHECK(equal(scaled_dot_product_attention(q, k, v, {.dropout_p = 1.0}), zeros({2, 3, 6})));
  // Many heads of the query share one of the keys.
  const Tensor heads = randn({2, 4, 3, 4}), few = randn({2, 2, 5, 4});
  const Tensor shared = scaled_dot_product_attention(heads, few, few, {.enable_gqa = true});
  CHECK(
      mismatch(shared.select(1, 1),
               scaled_dot_product_attention(heads.select(1, 1), few.select(1, 0), few.select(1, 0)),
               1e-5, 1e-6) == "");
  CHECK(
      mismatch(shared.select(1, 2),
               scaled_dot_product_attention(heads.select(1, 2), few.select(1, 1), few.select(1, 1)),
               1e-5, 1e-6) == "");
}

TEST_CASE("attention sees what its mask lets it") {
  manual_seed(2);
  const Tensor q = randn({3, 4}), k = randn({3, 4}), v = randn({3, 2});
  const Tensor lower = tensor({{true, false, false}, {true, true, false}, {true, true, true}});
  const Tensor causal = scaled_dot_product_attention(q, k, v, {.is_causal = true});
  CHECK(equal(causal[0], v[0]));
  CHECK(equal(scaled_dot_product_attention(q, k, v, {.attn_mask = lower}), causal));
  const Tensor added = zeros({3, 3}).masked_fill(lower.logical_not(), -kInf);
  CHECK(equal(scaled_dot_product_attention(q, k, v, {.attn_mask = added}), causal));
  // A query that sees nothing.
  Tensor x = q.clone().requires_grad_();
  const Tensor none = tensor({{false, false, false}, {true, true, true}, {false, true, false}});
  const Tensor y = scaled_dot_product_attention(x, k, v, {.attn_mask = none});
  CHECK(equal(y[0], zeros({2})));
  y.sum().backward();
  CHECK(equal(x.grad()[0], zeros({4})));
  CHECK(x.grad().isfinite().all().item<bool>());
}

TEST_CASE("attention has derivatives, and derivatives of these") {
  manual_seed(3);
  const Tensor lower = tensor({{true, false, false}, {true, true, false}});
  const Tensor half_blind = tensor({{false, false, false}, {true, true, false}});
  const std::vector<std::pair<const char*, AttentionOptions>> cases = {
      {"plain", {}},
      {"causal", {.is_causal = true}},
      {"masked, scaled", {.attn_mask = lower, .scale = 0.7}},
      {"blind", {.attn_mask = half_blind}},
  };
  const std::vector<Tensor> inputs = {random_leaf({2, 2, 3}), random_leaf({2, 3, 3}),
                                      random_leaf({2, 3, 2})};
  for (const auto& [name, options] : cases) {
    INFO(name);
    const AttentionOptions& o = options;
    CHECK(gradient_error(
              [&](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2], o); },
              inputs) == "");
  }
  const Tensor mask = random_leaf({2, 3});
  CHECK(gradient_error(
            [&](const auto& x) {
              return scaled_dot_product_attention(x[0], x[1], x[2], {.attn_mask = x[3]});
            },
            {inputs[0], inputs[1], inputs[2], mask}) == "");
}

TEST_CASE("attention refuses what does not fit") {
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4}), v = zeros({2, 5, 6});
  const auto message = [](const Tensor& a, const Tensor& b, const Tensor& c,
                          const AttentionOptions& o = {}) {
    return error_of([&] { scaled_dot_product_attention(a, b, c, o); });
  };
  const std::string op = "[scaled_dot_product_attention] ";
  CHECK(message(zeros({4}), k, v) == op + "expected a query of 2 or more dimensions, got [4]");
  CHECK(message(q, k, zeros({6})) == op + "expected a value of 2 or more dimensions, got [6]");
  CHECK(message(q, zeros({2, 5, 3}), v) ==
        op + "expected query [*, L, E], key [*, S, E] and value [*, S, V], got [2, 3, 4], "
             "[2, 5, 3] and [2, 5, 6]");
  CHECK(message(q, k, zeros({2, 4, 6})) ==
        op + "expected query [*, L, E], key [*, S, E] and value [*, S, V], got [2, 3, 4], "
             "[2, 5, 4] and [2, 4, 6]");
  CHECK(message(q, k.to(kFloat64), v) ==
        op + "expected query, key and value of one dtype, got float32, float64 and float32; "
             "convert with to()");
  CHECK(message(q.to(kInt64), k, v) ==
        op + "expected a floating query, got int64; convert it with to(kFloat32)");
  CHECK(message(q, k, v, {.attn_mask = zeros({3, 5}), .is_causal = true}) ==
        op + "expected attn_mask or is_causal, got both");
  CHECK(message(q, k, v, {.attn_mask = zeros({3, 5}).to(kFloat64)}) ==
        op + "expected a mask of bool or of the query's dtype float32, got float64");
  CHECK(message(q, zeros({3, 5, 4}), zeros({3, 5, 6}), {.enable_gqa = true}) ==
        op + "expected heads in dimension -3 that divide the query's, got [2, 3, 4] and [3, 5, 4]");
  CHECK(message(q, k, v, {.dropout_p = 2.0}) ==
        "[dropout] dropout probability has to be between 0 and 1, but got 2");
}
