// The operation of docs/extending.md: written from outside, with installed headers only.
#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using autograd::InputGrads, autograd::Saved;

namespace {

Tensor swish(const Tensor& x) {
  const Tensor value = x.detach();
  return autograd::record("swish", value * sigmoid(value), {&x},
                          [x = Saved(x)](const Tensor& g, InputGrads& d) {
                            const Tensor s = sigmoid(*x);
                            d[0] = g * s * (1.0 + *x * (1.0 - s));
                          });
}

/// a √b, whose gradients have the shape of both inputs together.
Tensor times_root(const Tensor& a, const Tensor& b) {
  return autograd::record("times_root", a.detach() * b.detach().sqrt(), {&a, &b},
                          [a = Saved(a), b = Saved(b)](const Tensor& g, InputGrads& d) {
                            const Tensor root = b->sqrt();
                            if (d.needs(0)) d[0] = g * root;
                            if (d.needs(1)) d[1] = g * *a / (2.0 * root);
                          });
}

struct Swish : nn::Module {
  Tensor forward(const Tensor& x) override { return swish(x); }
};

const TensorOptions kLeaf{.dtype = kFloat64, .requires_grad = true};

}  // namespace

TEST_CASE("an operation of one's own has the gradients of its formula") {
  manual_seed(1);
  CHECK(gradient_error([](const auto& in) { return swish(in[0]); }, {randn({3, 4}, kLeaf)}) == "");
  Tensor b = rand({4}, {.dtype = kFloat64}) + 0.5;
  b.requires_grad_();
  CHECK(gradient_error([](const auto& in) { return times_root(in[0], in[1]); },
                       {randn({3, 1}, kLeaf), b}) == "");
}

TEST_CASE("it has a place in the graph, where one is wanted") {
  const Tensor x = randn({2, 3}, {.requires_grad = true});
  const Tensor y = swish(x);
  CHECK(y.grad_fn_name() == "swish");
  CHECK(allclose(y, x * sigmoid(x)));
  CHECK_FALSE(swish(x.detach()).requires_grad());
  const NoGradGuard no_grad;
  CHECK_FALSE(swish(x).requires_grad());
}

TEST_CASE("it trains in a module, and notices a change in place of what it saved") {
  manual_seed(2);
  nn::Sequential net(nn::Linear(2, 4), Swish(), nn::Linear(4, 1));
  net(randn({8, 2})).sum().backward();
  for (const Tensor& parameter : net.parameters()) CHECK(parameter.grad().defined());

  Tensor x = randn({3}, {.requires_grad = true}) * 2.0;
  const Tensor y = swish(x);
  x.add_(1.0);
  std::string message;
  try {
    y.sum().backward();
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.find("swish") != std::string::npos);
  CHECK(message.find("in place") != std::string::npos);
}
