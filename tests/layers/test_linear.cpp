#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

TEST_CASE("Linear against PyTorch") {
  const auto& golden = golden::layer_cases.at("linear");
  nn::Linear fc(3, 2);
  fc.to(norma::kFloat64);
  fc.load_state_dict({{"weight", tensor_of(golden::linear_weight, {2, 3})},
                      {"bias", tensor_of(golden::linear_bias, {2})}});
  Tensor x = tensor_of(golden.input, {2, 2, 3}).requires_grad_();
  const Tensor out = fc(x);
  weighted_sum(out).backward();
  CHECK(difference(out, golden.output, 1e-12) == "");
  CHECK(difference(x.grad(), golden.input_grad, 1e-12) == "");
}

TEST_CASE("Linear's initial values") {
  norma::manual_seed(0);
  const nn::Linear fc(70, 40);
  CHECK(fc.weight.sizes() == Shape({40, 70}));
  CHECK(fc.bias.sizes() == Shape({40}));
  for (const auto& [tensor, name] :
       {std::pair(fc.weight, "linear_weight"), std::pair(fc.bias, "linear_bias")}) {
    const double bound = golden::init_ranges.at(name).second;
    const double largest = tensor.detach().abs().max().item<double>();
    CHECK(largest <= bound);
    CHECK(largest > 0.9 * bound);
  }
  const double bound = golden::init_ranges.at("linear_weight").second;
  CHECK(fc.weight.detach().std().item<double>() == Approx(bound / std::sqrt(3.0)).epsilon(0.03));
  CHECK(std::abs(fc.weight.detach().mean().item<double>()) < 0.05 * bound);
}

TEST_CASE("Linear's options and errors") {
  nn::Linear fc(3, 2, {.bias = false});
  CHECK_FALSE(fc.bias.defined());
  CHECK(names_of(fc.state_dict()) == "weight");
  CHECK(fc.in_features() == 3);
  CHECK(fc.out_features() == 2);
  const Tensor zero = fc(norma::zeros({4, 3}));
  CHECK(to_vector(zero) == std::vector<double>(8, 0.0));

  const std::string message = error_of([&] { fc(norma::zeros({4, 5})); });
  CHECK(has(message, "[4, 5]"));
  CHECK(has(message, "[2, 3]"));
  CHECK(error_of([] { nn::Linear(-1, 2); }) ==
        "[Linear] expected in_features of at least 0, got -1");
  CHECK(error_of([] { nn::Linear(1, -2); }) ==
        "[Linear] expected out_features of at least 0, got -2");
  CHECK(to_vector(nn::Linear(0, 2).bias) == std::vector<double>({0, 0}));
}

TEST_CASE("Linear without inputs gives its bias") {
  nn::Linear linear(0, 32);
  const Tensor x = norma::zeros({16, 0}, {.requires_grad = true});
  const Tensor y = linear(x);
  CHECK(norma::equal(y, linear.bias.detach() + norma::zeros({16, 1})));
  y.sum().backward();
  CHECK(x.grad().sizes() == Shape({16, 0}));
  CHECK(linear.weight.grad().sizes() == Shape({32, 0}));
  CHECK(norma::equal(norma::matmul(x.detach(), norma::zeros({32, 0}).t()), norma::zeros({16, 32})));
}
