#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::Tensor;
namespace nn = norma::nn;

TEST_CASE("activations against PyTorch") {
  nn::Sequential layers;
  layers.push_back("relu", nn::ReLU())
      .push_back("leaky_relu", nn::LeakyReLU(0.2))
      .push_back("gelu", nn::GELU())
      .push_back("gelu_tanh", nn::GELU({.approximate = "tanh"}))
      .push_back("sigmoid", nn::Sigmoid())
      .push_back("tanh", nn::Tanh())
      .push_back("softmax", nn::Softmax(1))
      .push_back("log_softmax", nn::LogSoftmax(-1));
  for (const auto& [name, layer] : layers.named_children()) {
    INFO(name);
    const auto& golden = golden::layer_cases.at(name);
    Tensor x = tensor_of(golden.input, {2, 2, 3}).requires_grad_();
    const Tensor out = (*layer)(x);
    weighted_sum(out).backward();
    CHECK(difference(out, golden.output, 1e-12) == "");
    CHECK(difference(x.grad(), golden.input_grad, 1e-12) == "");
  }
}

TEST_CASE("GELU's option is checked") {
  CHECK(error_of([] { nn::GELU({.approximate = "sigmoid"}); }) ==
        "[GELU] expected approximate to be \"none\" or \"tanh\", got \"sigmoid\"");
}
