#include <relu.h>

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

int main() try {
  const Tensor values = tensor({{-2.0, -0.5, 0.0}, {0.5, 3.0, -1.0}});
  const Tensor grads = tensor({{1.0, -2.0, 3.0}, {-4.0, 5.0, -6.0}});
  const Tensor x = values.clone(), g = grads.clone();
  const Tensor positive = (values > 0.0).to(norma::kFloat32);

  expect("relu(x)", mine::relu(x), norma::relu(values),
         {{positive, "this says where x is positive: the result there is x itself"},
          {values.abs(), "negative elements become 0, not positive"}});
  expect("x after relu(x)", x, values,
         {{norma::relu(values), "the function changed its input: others may still need it"}});

  expect("the gradient of x", mine::relu_backward(g, x), grads * positive + 0.0,
         {{positive,
           "this is the slope; the gradient is the slope times g, the gradient that "
           "comes from behind"},
          {grads, "where x was negative, the result was 0 whatever x was: no gradient passes"},
          {norma::relu(grads),
           "it is x that decides where the gradient passes: negative "
           "gradients pass, too"},
          {grads * (values >= 0.0).to(norma::kFloat32),
           "at x = 0 there is no one slope; PyTorch and Norma take 0 there"},
          {values * positive, "the gradient of the result, g, passes, not x"}});
  expect("g after relu_backward(g, x)", g, grads,
         {{grads * positive,
           "the function changed the gradient it was given: others may still "
           "need it"}});
  std::puts("Passed: what is positive goes through, and so does its gradient.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
