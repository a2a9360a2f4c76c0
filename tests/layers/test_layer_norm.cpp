#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

TEST_CASE("LayerNorm against PyTorch") {
  const auto& golden = golden::layer_cases.at("layer_norm");
  nn::LayerNorm norm({2, 3}, {.eps = 1e-3});
  norm.to(norma::kFloat64);
  norm.load_state_dict({{"weight", tensor_of(golden::layer_norm_weight, {2, 3})},
                        {"bias", tensor_of(golden::layer_norm_bias, {2, 3})}});
  for (const bool training : {true, false}) {
    norm.train(training);
    Tensor x = tensor_of(golden.input, {2, 2, 3}).requires_grad_();
    const Tensor out = norm(x);
    weighted_sum(out).backward();
    CHECK(difference(out, golden.output, 1e-12) == "");
    CHECK(difference(x.grad(), golden.input_grad, 1e-12) == "");
  }
}

TEST_CASE("LayerNorm's parameters and options") {
  nn::LayerNorm norm(4);
  CHECK(to_vector(norm.weight) == std::vector<double>(4, 1.0));
  CHECK(to_vector(norm.bias) == std::vector<double>(4, 0.0));
  norm.weight.detach().fill_(2.0);
  norm.reset_parameters();
  CHECK(to_vector(norm.weight) == std::vector<double>(4, 1.0));
  CHECK(names_of(norm.state_dict()) == "weight bias");
  nn::LayerNorm plain(4, {.elementwise_affine = false});
  CHECK(plain.state_dict().empty());
  plain.reset_parameters();
  CHECK(norma::equal(plain(norma::ones({2, 4})), norma::zeros({2, 4})));

  CHECK(has(error_of([&] { norm(norma::ones({2, 3})); }), "[2, 3]"));
  CHECK(has(error_of([] { nn::LayerNorm{Shape()}; }), "at least one dimension, got []"));
  CHECK(has(error_of([] { nn::LayerNorm({2, -1}); }), "got -1"));
  CHECK(has(error_of([] { nn::LayerNorm(2, {.eps = -1.0}); }), "[LayerNorm] expected a finite"));
}
