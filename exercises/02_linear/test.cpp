#include <linear.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using norma::Tensor, norma::tensor;
using norma::testing::difference;

// Says what was expected, what came and, where it is a known mistake, the idea that is missing.
void expect(const std::string& what, const Tensor& got, const Tensor& expected,
            const std::vector<std::pair<Tensor, const char*>>& mistakes = {}) {
  std::string idea = difference(got, expected);
  if (idea.empty()) return;
  for (const auto& [result, missing] : mistakes) {
    if (difference(got, result).empty()) idea = missing;
  }
  norma::fail(what, "expected\n", expected, "\ngot\n", got, "\n", idea);
}

// Square matrices, where every product has the right shape; then unlike sizes.
struct Case {
  Tensor x, weight, bias, g;
};
const Case kSquare = {tensor({{1.0, 0.0}, {0.0, 10.0}}), tensor({{1.0, 2.0}, {3.0, 4.0}}),
                      tensor({0.5, -0.5}), tensor({{1.0, 2.0}, {0.0, 4.0}})};
const Case kUnlike = {tensor({{1.0, 2.0, 3.0}}), tensor({{1.0, 0.0, 2.0}, {-1.0, 1.0, 0.0}}),
                      tensor({0.5, -0.5}), tensor({{1.0, -2.0}})};

const char* const elementwise =
    "a * b multiplies element by element; the product of matrices is a.matmul(b)";

void forward() {
  const auto& [x, weight, bias, g] = kSquare;
  expect("linear(x, weight, bias)", mine::linear(x, weight, bias),
         norma::functional::linear(x, weight, bias),
         {{x.matmul(weight.t()), "the bias is missing: it is added to every row"},
          {x.matmul(weight) + bias,
           "weight has a row for each output: multiply x by its transpose, [in, out]"},
          {x * weight.t() + bias, elementwise}});
  expect("linear(x, weight, bias) where N, in and out are 1, 3, 2",
         mine::linear(kUnlike.x, kUnlike.weight, kUnlike.bias),
         norma::functional::linear(kUnlike.x, kUnlike.weight, kUnlike.bias));
}

// Norma's own gradients.
mine::LinearGradients norma_backward(const Case& of) {
  const Tensor x = of.x.clone(), weight = of.weight.clone(), bias = of.bias.clone();
  for (Tensor leaf : {x, weight, bias}) leaf.requires_grad_();
  norma::functional::linear(x, weight, bias).backward(of.g);
  return {x.grad(), weight.grad(), bias.grad()};
}

void backward() {
  const auto& [x, weight, bias, g] = kSquare;
  const mine::LinearGradients yours = mine::linear_backward(g, x, weight);
  const mine::LinearGradients right = norma_backward(kSquare);
  const char* mean =
      "the rows' gradients are added up, not averaged: if the loss is a mean over "
      "the rows, its 1 / N is in g already";
  expect("the gradient of bias", yours.bias, right.bias,
         {{g, "one bias serves all N rows, so its gradient is the sum over them, of shape [out]"},
          {g.mean({0}), mean},
          {g.sum({1}), "each output has a bias of its own: sum over the rows, axis 0"}});
  expect("the gradient of weight", yours.weight, right.weight,
         {{right.weight.t(),
           "this is its transpose: a gradient has the shape of what it belongs "
           "to, here [out, in]"},
          {right.weight / g.size(0), mean},
          {g.t() * x, elementwise}});
  expect("the gradient of x", yours.x, right.x,
         {{g.matmul(weight.t()),
           "forward multiplies by the transpose of weight, so backward multiplies by weight"},
          {g * weight, elementwise}});

  const mine::LinearGradients unlike = mine::linear_backward(kUnlike.g, kUnlike.x, kUnlike.weight);
  const mine::LinearGradients right_unlike = norma_backward(kUnlike);
  expect("the gradient of bias where N, in, out are 1, 3, 2", unlike.bias, right_unlike.bias);
  expect("the gradient of weight", unlike.weight, right_unlike.weight);
  expect("the gradient of x", unlike.x, right_unlike.x);
}

int main() try {
  forward();
  backward();
  std::puts("Passed: outputs and gradients are those of Norma's linear().");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
