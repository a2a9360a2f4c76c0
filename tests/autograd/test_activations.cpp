// Activations as functions: derivatives and refusals. Values beside PyTorch: tests/parity.
#include <functional>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

using X = const std::vector<Tensor>&;
using Function = std::function<Tensor(X)>;

TEST_CASE("activations have both derivatives") {
  // No element is near a kink.
  const Tensor x = tensor({-4.2, -2.2, -1.4, -0.72, -0.3, -0.1, 0.1, 0.3, 0.72, 1.4, 2.2, 4.2},
                          {.dtype = kFloat64, .requires_grad = true});
  const std::vector<std::pair<const char*, Function>> rows = {
      {"silu", [](X v) { return F::silu(v[0]); }},
      {"mish", [](X v) { return F::mish(v[0]); }},
      {"elu", [](X v) { return F::elu(v[0], 0.7); }},
      {"selu", [](X v) { return F::selu(v[0]); }},
      {"celu", [](X v) { return F::celu(v[0], 0.7); }},
      {"softplus", [](X v) { return F::softplus(v[0], 2, 4); }},
      {"logsigmoid", [](X v) { return F::logsigmoid(v[0]); }},
      {"softsign", [](X v) { return F::softsign(v[0]); }},
      {"tanhshrink", [](X v) { return F::tanhshrink(v[0]); }},
      {"glu",
       [](X v) {
         return F::glu(v[0].reshape({3, 4}));
       }},
      {"softmin",
       [](X v) {
         return F::softmin(v[0].reshape({3, 4}), 0);
       }},
      {"relu6", [](X v) { return F::relu6(v[0] * 2); }},
      {"hardtanh", [](X v) { return F::hardtanh(v[0], -0.5, 1); }},
      {"hardsigmoid", [](X v) { return F::hardsigmoid(v[0]); }},
      {"hardswish", [](X v) { return F::hardswish(v[0]); }},
      {"hardshrink", [](X v) { return F::hardshrink(v[0]); }},
      {"softshrink", [](X v) { return F::softshrink(v[0]); }},
      {"threshold", [](X v) { return F::threshold(v[0], 0.5, 3); }},
      {"leaky_relu", [](X v) { return F::leaky_relu(v[0], 0.2); }},
      {"gelu", [](X v) { return F::gelu(v[0], "tanh"); }}};
  for (const auto& [name, function] : rows) {
    INFO(name);
    CHECK(gradient_error(function, {x}) == "");
  }
  const Tensor image = x.detach().reshape({2, 3, 2}).requires_grad_();
  const Function prelu = [](X v) { return F::prelu(v[0], v[1]); };
  for (const Shape& sizes : {Shape{3}, Shape{1}, Shape{}}) {
    CHECK(gradient_error(prelu, {image, random_leaf(sizes)}) == "");
  }
}

TEST_CASE("what activations do with integers") {
  const Tensor n = tensor({-2, 0, 7}), bits = tensor({true, false});
  CHECK(equal(F::relu6(n), tensor({0, 0, 6})));
  CHECK(equal(F::hardtanh(n), tensor({-1, 0, 1})));
  CHECK(equal(F::threshold(n, 1, 2), tensor({2, 2, 7})));
  CHECK(to_vector(F::hardtanh(tensor({1, 200}, {.dtype = kUInt8}), -1, 300)) ==
        std::vector<double>{1, 200});
  CHECK(F::softsign(n).dtype() == kFloat32);
  CHECK(F::tanhshrink(n).dtype() == kFloat32);
  const std::vector<std::function<void(const Tensor&)>> floating = {
      [](const Tensor& x) { F::silu(x); },        [](const Tensor& x) { F::mish(x); },
      [](const Tensor& x) { F::elu(x); },         [](const Tensor& x) { F::selu(x); },
      [](const Tensor& x) { F::celu(x); },        [](const Tensor& x) { F::softplus(x); },
      [](const Tensor& x) { F::logsigmoid(x); },  [](const Tensor& x) { F::glu(x); },
      [](const Tensor& x) { F::softmin(x, 0); },  [](const Tensor& x) { F::prelu(x, ones({1})); },
      [](const Tensor& x) { F::hardsigmoid(x); }, [](const Tensor& x) { F::hardswish(x); },
      [](const Tensor& x) { F::hardshrink(x); },  [](const Tensor& x) { F::softshrink(x); }};
  for (const auto& function : floating) {
    CHECK(has(error_of([&] { function(n); }),
              "expected a floating input, got int64; convert it with to(kFloat32)"));
    CHECK(has(error_of([&] { function(bits); }), "expected a floating input, got bool"));
  }
  const std::vector<std::function<void()>> of_bools = {
      [&] { F::softsign(bits); }, [&] { F::tanhshrink(bits); }, [&] { F::relu6(bits); },
      [&] { F::hardtanh(bits); }, [&] { F::threshold(bits, 0, 1); }};
  for (const auto& call : of_bools) {
    CHECK(has(error_of(call), "expected numbers, got a bool tensor; convert it with to(kFloat32)"));
  }
}

TEST_CASE("activations check their options") {
  const Tensor x = ones({2, 3});
  CHECK(error_of([&] { F::gelu(x, "erf"); }) ==
        "[gelu] expected approximate to be \"none\" or \"tanh\", got \"erf\"");
  CHECK(error_of([&] { F::celu(x, 0); }) == "[celu] expected alpha other than 0, got 0");
  CHECK(error_of([&] { F::softshrink(x, -1); }) ==
        "[softshrink] expected lambda of 0 or more, got -1.0");
  CHECK(error_of([&] { F::hardtanh(x, 2, 1); }) ==
        "[hardtanh] expected min_val of at most max_val = 1.0, got 2.0");
  CHECK(error_of([&] { F::glu(x); }) ==
        "[glu] Halving dimension must be even, but dimension 1 is size 3");
  CHECK(error_of([&] { F::glu(ones({})); }) ==
        "[glu] expected at least one dimension to halve, got a number, []");
  CHECK(error_of([&] { F::prelu(x, ones({2})); }) ==
        "[prelu] expected a number per channel, 3, or a single one, got 2 for input of size [2, "
        "3]");
  CHECK(error_of([&] {
          F::prelu(x, ones({1, 1}));
        }) == "[prelu] expected a weight [C] or a single number, got weight of size [1, 1]");
  CHECK(error_of([&] { F::prelu(x, ones({3}, {.dtype = kFloat64})); }) ==
        "[prelu] expected a weight of the input's dtype float32, got float64");
}
