#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

TEST_CASE("GroupNorm against PyTorch") {
  const auto& golden = golden::layer_cases.at("group_norm");
  nn::GroupNorm norm(2, 2, {.eps = 1e-3});
  norm.to(norma::kFloat64);
  norm.load_state_dict(
      {{"weight", tensor_of({1.5, -0.75}, {2})}, {"bias", tensor_of({0.25, 2.0}, {2})}});
  for (const bool training : {true, false}) {
    norm.train(training);
    Tensor x = tensor_of(golden.input, {2, 2, 3}).requires_grad_();
    const Tensor out = norm(x);
    weighted_sum(out).backward();
    CHECK(difference(out, golden.output, 1e-12) == "");
    CHECK(difference(x.grad(), golden.input_grad, 1e-12) == "");
  }
}

TEST_CASE("GroupNorm's parameters and options") {
  nn::GroupNorm norm(2, 4);
  CHECK(norm.num_groups() == 2);
  CHECK(norm.num_channels() == 4);
  CHECK(norm.options().eps == 1e-5);
  CHECK(to_vector(norm.weight) == std::vector<double>(4, 1.0));
  CHECK(to_vector(norm.bias) == std::vector<double>(4, 0.0));
  CHECK(norm.weight.requires_grad());
  norm.weight.detach().fill_(2.0);
  norm.bias.detach().fill_(2.0);
  norm.reset_parameters();
  CHECK(to_vector(norm.weight) == std::vector<double>(4, 1.0));
  CHECK(to_vector(norm.bias) == std::vector<double>(4, 0.0));
  CHECK(names_of(norm.state_dict()) == "weight bias");
  nn::GroupNorm plain(2, 4, {.affine = false});
  CHECK(plain.state_dict().empty());
  plain.reset_parameters();
  CHECK(norma::equal(plain(norma::ones({2, 4, 3})), norma::zeros({2, 4, 3})));

  CHECK(norm.str() == "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)");
  const nn::GroupNorm other(3, 6, {.eps = 0.001, .affine = false});
  CHECK(other.str() == "GroupNorm(3, 6, eps=0.001, affine=False, bias=False)");
  CHECK(other.clone().str() == other.str());
  norm.weight.detach().fill_(3.0);
  const nn::GroupNorm copy = norm.clone();
  CHECK(to_vector(copy.weight) == std::vector<double>(4, 3.0));
  CHECK_FALSE(copy.weight.is_same(norm.weight));
}

TEST_CASE("GroupNorm refuses bad settings and inputs") {
  const auto message = [](int64_t groups, int64_t channels) {
    return error_of([&] { nn::GroupNorm(groups, channels); });
  };
  CHECK(message(3, 8) ==
        "[GroupNorm] num_channels must be divisible by num_groups, got num_channels=8 and "
        "num_groups=3");
  CHECK(message(0, 8) == "[GroupNorm] expected num_groups of at least 1, got 0");
  CHECK(message(2, -2) == "[GroupNorm] expected num_channels of at least 0, got -2");
  CHECK(error_of([] { nn::GroupNorm(2, 4, {.eps = -1.0}); }) ==
        "[GroupNorm] expected a finite eps of at least 0, got -1.0");
  nn::GroupNorm norm(2, 4);
  CHECK(error_of([&] {
          norm(norma::ones({2, 6, 3}));
        }) ==
        "[group_norm] Expected weight to be a vector of size equal to the number of channels in "
        "input, but got weight of shape [4] and input of shape [2, 6, 3] (in GroupNorm)");
}
