#include <batch_norm_backward.h>

#include <norma/norma.h>
#include <norma/testing.h>

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

Tensor leaf(const Tensor& values) { return values.to(norma::kFloat64).requires_grad_(); }

// gamma [3] away from 1, so that it shows where it is missing; eps large for the same reason.
const double kEps = 0.5;
struct Inputs {
  Tensor x, gamma, beta;
};
Inputs inputs() {
  norma::manual_seed(0);
  const Tensor x = 2.0 * norma::randn({4, 3}) + 1.0, gamma = norma::rand({3}) + 1.5;
  return {leaf(x), leaf(gamma), leaf(norma::randn({3}))};
}

void against_norma() {
  const Inputs in = inputs(), same = inputs();
  const Tensor g = norma::randn({4, 3}).to(norma::kFloat64);
  mine::batch_norm(in.x, in.gamma, in.beta, kEps).backward(g);
  norma::functional::batch_norm(
      same.x, {.weight = same.gamma, .bias = same.beta, .training = true, .eps = kEps})
      .backward(g);

  const norma::NoGradGuard no_grad;
  const Tensor inv_std = 1.0 / (in.x.var(0, /*unbiased=*/false) + kEps).sqrt();
  const Tensor x_hat = (in.x - in.x.mean({0})) * inv_std, scale = in.gamma * inv_std;
  const char* added = "beta and gamma serve all N rows: their gradients are sums, not means";
  expect("the gradient of beta", in.beta.grad(), same.beta.grad(), {{g.mean({0}), added}});
  expect("the gradient of gamma", in.gamma.grad(), same.gamma.grad(),
         {{(g * x_hat).mean({0}), added},
          {g.sum({0}), "the slope of y for gamma is x_hat: multiply g by it before the sum"}});

  const Tensor mean_g = g.mean({0}), mean_gx = (g * x_hat).mean({0});
  const Tensor sum_g = g.sum({0}), sum_gx = (g * x_hat).sum({0});
  const char* sums = "the two terms that are subtracted are means over the rows, not sums";
  const char* plus =
      "both terms are subtracted: they take back what moves the mean and the variance";
  expect(
      "the gradient of x", in.x.grad(), same.x.grad(),
      {{scale * g,
        "mean and variance are computed from x, too, and are no constants: each x "
        "moves them, and so all results of its channel"},
       {scale * (g - mean_g), "the path over the variance is missing: - x_hat · mean(g · x_hat)"},
       {scale * (g - x_hat * mean_gx), "the path over the mean is missing: - mean(g)"},
       {scale * (g - sum_g - x_hat * sum_gx), sums},
       {scale * (g - sum_g - x_hat * mean_gx), sums},
       {scale * (g - mean_g - x_hat * sum_gx), sums},
       {scale * (g + mean_g + x_hat * mean_gx), plus},
       {scale * (g + mean_g - x_hat * mean_gx), plus},
       {scale * (g - mean_g + x_hat * mean_gx), plus},
       {inv_std * (g - mean_g - x_hat * mean_gx), "gamma is missing: x_hat was multiplied by it"},
       {in.gamma * (g - mean_g - x_hat * mean_gx),
        "inv_std is missing: x was multiplied by it on the way to x_hat"}});
}

void by_differences() {
  const Inputs in = inputs();
  const norma::GradcheckResult check = norma::gradcheck(
      [](const std::vector<Tensor>& i) { return mine::batch_norm(i[0], i[1], i[2], kEps); },
      {in.x, in.gamma, in.beta});
  if (!check) norma::fail("gradcheck", check.message);
  std::printf("gradcheck: %s\n", check.message.c_str());
}

int main() try {
  against_norma();
  by_differences();
  std::puts("Passed: all three gradients.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
