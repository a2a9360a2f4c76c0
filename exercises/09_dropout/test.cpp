#include <dropout.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using norma::Tensor;
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

double share(const Tensor& of) { return of.to(norma::kFloat64).mean().item<double>(); }

int main() try {
  norma::manual_seed(0);
  const double p = 0.2;
  const Tensor x = norma::linspace(1, 2, 10000).reshape({100, 100});
  Tensor leaf = x.clone().requires_grad_();

  const Tensor small = x.slice(0, 0, 2).slice(1, 0, 3);
  const Tensor in_evaluation = mine::dropout(small, p, false);
  if (in_evaluation.eq(0.0).any().item<bool>()) {
    norma::fail("dropout in evaluation",
                "expected x as it is, got zeros in it: dropping is for "
                "training alone");
  }
  expect("dropout in evaluation", in_evaluation, small,
         {{small * (1 - p),
           "x stays as it is. The scale is put right in training, by 1 / (1 - p), "
           "so that nothing is left to do here"},
          {small / (1 - p), "x stays as it is: it is only scaled where elements are dropped"}});

  const Tensor y = mine::dropout(leaf, p, true), dropped = y.detach().eq(0.0);
  const double dropped_share = share(dropped);
  if (std::abs(dropped_share - p) > 0.03) {
    norma::fail("dropout(x, 0.2, true)", "expected about 0.2 of the elements to be 0, got ",
                dropped_share,
                std::abs(dropped_share - (1 - p)) < 0.03
                    ? ": p is the probability to be dropped, not to be kept"
                    : ": compare one number of rand_like(x) for each with p");
  }
  const Tensor rows = dropped.to(norma::kFloat32).sum({1}),
               columns = dropped.to(norma::kFloat32).sum({0});
  if (rows.max().item<double>() > 60 || columns.max().item<double>() > 60) {
    norma::fail("dropout(x, 0.2, true)",
                "expected each element to be drawn alone, got whole rows "
                "or columns of zeros: draw as many numbers as x has");
  }

  const Tensor factor = (y.detach() / x).sum() / dropped.logical_not().sum();
  const Tensor tenths = norma::tensor(1 - p);
  expect("what a kept element is multiplied by", factor, 1.0 / tenths,
         {{norma::tensor(1.0),
           "with p of the elements gone, the next layer's sums get smaller "
           "than in evaluation: divide those that are kept by 1 - p"},
          {tenths, "divide by 1 - p, do not multiply: what is kept makes up for what is gone"},
          {norma::tensor(1 / p), "divide by 1 - p, the share that is kept, not by p"}});

  if (mine::dropout(x, p, true).eq(0.0).eq(dropped).all().item<bool>()) {
    norma::fail("dropout, called twice",
                "expected other elements to be dropped, got the same: "
                "draw anew in each call");
  }
  for (const bool training : {true, false}) {
    if (mine::dropout(leaf, p, training).requires_grad()) continue;
    norma::fail(training ? "dropout in training" : "dropout in evaluation",
                "expected gradients to reach x, got a result outside the graph: a NoGradGuard or "
                "detach() covers too much. The mask is a constant by itself, as random numbers are "
                "not computed from x");
  }
  y.sum().backward();
  expect("the gradient of x, of its first six elements", leaf.grad().slice(0, 0, 2).slice(1, 0, 3),
         (y.detach() / x).slice(0, 0, 2).slice(1, 0, 3));
  std::puts("Passed: it drops, makes up for it, and leaves evaluation alone.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
