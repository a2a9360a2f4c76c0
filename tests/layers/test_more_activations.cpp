// Activation layers are the functions beside them; their numbers: tests/parity.
#include <memory>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/temp_folder.h"

using norma::Tensor;
namespace F = norma::functional;
namespace nn = norma::nn;

TEST_CASE("activation layers print as PyTorch's, compute what the functions do, and are cloned") {
  struct Row {
    std::shared_ptr<nn::Module> layer;
    const char* printed;
    Tensor (*function)(const Tensor&);
  };
  const auto make = [](auto layer) -> std::shared_ptr<nn::Module> {
    return std::make_shared<decltype(layer)>(std::move(layer));
  };
  using T = const Tensor&;
  const std::vector<Row> rows = {
      {make(nn::SiLU()), "SiLU()", F::silu},
      {make(nn::Mish()), "Mish()", F::mish},
      {make(nn::ELU(0.5)), "ELU(alpha=0.5)", [](T x) { return F::elu(x, 0.5); }},
      {make(nn::SELU()), "SELU()", F::selu},
      {make(nn::CELU()), "CELU(alpha=1.0)", [](T x) { return F::celu(x); }},
      {make(nn::Softplus()), "Softplus(beta=1.0, threshold=20.0)",
       [](T x) { return F::softplus(x); }},
      {make(nn::Softplus(2.5, 10)), "Softplus(beta=2.5, threshold=10.0)",
       [](T x) { return F::softplus(x, 2.5, 10); }},
      {make(nn::Softsign()), "Softsign()", F::softsign},
      {make(nn::LogSigmoid()), "LogSigmoid()", F::logsigmoid},
      {make(nn::Tanhshrink()), "Tanhshrink()", F::tanhshrink},
      {make(nn::GLU()), "GLU(dim=-1)", [](T x) { return F::glu(x); }},
      {make(nn::GLU(1)), "GLU(dim=1)", [](T x) { return F::glu(x, 1); }},
      {make(nn::ReLU6()), "ReLU6()", F::relu6},
      {make(nn::Hardtanh()), "Hardtanh(min_val=-1.0, max_val=1.0)",
       [](T x) { return F::hardtanh(x); }},
      {make(nn::Hardtanh(-2, 2.5)), "Hardtanh(min_val=-2.0, max_val=2.5)",
       [](T x) { return F::hardtanh(x, -2, 2.5); }},
      {make(nn::Hardsigmoid()), "Hardsigmoid()", F::hardsigmoid},
      {make(nn::Hardswish()), "Hardswish()", F::hardswish},
      {make(nn::Hardshrink()), "Hardshrink(0.5)", [](T x) { return F::hardshrink(x); }},
      {make(nn::Softshrink(0.25)), "Softshrink(0.25)", [](T x) { return F::softshrink(x, 0.25); }},
      {make(nn::Threshold(0.1, 20)), "Threshold(threshold=0.1, value=20.0)",
       [](T x) { return F::threshold(x, 0.1, 20); }},
      {make(nn::Softmin(1)), "Softmin(dim=1)", [](T x) { return F::softmin(x, 1); }},
      {make(nn::Softmax2d()), "Softmax2d()", [](T x) { return F::softmax(x, 1); }},
      {make(nn::PReLU()), "PReLU(num_parameters=1)", [](T x) { return F::leaky_relu(x, 0.25); }}};
  norma::manual_seed(1);
  const Tensor x = norma::randn({2, 4, 2, 2}) * 4;
  for (const Row& row : rows) {
    INFO(row.printed);
    CHECK(row.layer->str() == row.printed);
    CHECK(norma::equal((*row.layer)(x), row.function(x)));
    const std::shared_ptr<nn::Module> copy = row.layer->clone_module();
    CHECK(copy->str() == row.printed);
    CHECK(norma::equal((*copy)(x), row.function(x)));
  }
}

TEST_CASE("PReLU learns a slope for all, or one per channel") {
  nn::PReLU one, three(3, 0.5), named({.num_parameters = 3, .init = 0.5});
  CHECK(names_of(one.named_parameters()) == "weight");
  CHECK(one.weight.sizes() == norma::Shape{1});
  CHECK(to_vector(three.weight) == std::vector<double>(3, 0.5));
  CHECK(norma::equal(named.weight, three.weight));
  CHECK(three.str() == "PReLU(num_parameters=3)");
  const Tensor x = norma::tensor({{-2.0, -2.0, 2.0}});
  three(x).sum().backward();
  CHECK(to_vector(three.weight.grad()) == std::vector<double>{-2, -2, 0});
  const nn::PReLU copy = three.clone();
  three.zero_grad();
  {
    const norma::NoGradGuard guard;
    three.weight.copy_(norma::tensor({0.1, 0.2, 0.3}));
  }
  CHECK(to_vector(copy.weight) == std::vector<double>(3, 0.5));
  const TempFolder scratch;
  norma::save(three, scratch / "prelu.safetensors");
  norma::load(named, scratch / "prelu.safetensors");
  CHECK(norma::equal(named.weight, three.weight));
  three.reset_parameters();
  CHECK(to_vector(three.weight) == std::vector<double>(3, 0.5));
}

TEST_CASE("activation layers check their options") {
  CHECK(error_of([] { nn::Hardtanh(1, 1); }) ==
        "[Hardtanh] expected max_val above min_val = 1.0, got 1.0");
  CHECK(error_of([] { nn::PReLU(0); }) == "[PReLU] expected num_parameters of at least 1, got 0");
  CHECK(has(error_of([] {
              nn::Softmax2d()(norma::ones({2, 2}));
            }),
            "[Softmax2d] expected an input [N, C, H, W] or [C, H, W], got [2, 2]"));
}
