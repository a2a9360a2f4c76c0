#include <batch_norm.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using norma::Shape, norma::Tensor, norma::tensor;
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

// What Norma gives; and what normalising over other axes does.
Tensor right(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  return norma::functional::batch_norm(
      x, {.weight = gamma, .bias = beta, .training = true, .eps = eps});
}
Tensor over(const Shape& axes, const Tensor& x, double eps) {
  return (x - x.mean(axes, true)) / (x.var(axes, false, true) + eps).sqrt();
}

void rows() {
  const double eps = 0.5;  // large, so that it shows where it is
  const Tensor x = tensor({{1.0, 10.0}, {3.0, -10.0}, {5.0, 30.0}});
  const Tensor gamma = tensor({2.0, 0.5}), beta = tensor({1.0, -1.0});
  const Tensor mean = x.mean({0}, true), centred = x - mean, var = x.var(0, false, true);
  const auto scaled = [&](const Tensor& x_hat) { return x_hat * gamma + beta; };
  const char* all = "this mean is over everything: each channel, here a column, has its own";
  expect(
      "batch_norm of x [3, 2]", mine::batch_norm(x, gamma, beta, eps), right(x, gamma, beta, eps),
      {{scaled(centred / (x.var(0, true, true) + eps).sqrt()),
        "your variance is divided by N - 1. Normalising takes the biased one, divided by N; "
        "the unbiased one is for the running statistics, in the next exercise"},
       {scaled(centred / (var.sqrt() + eps)),
        "eps is added to the variance, under the root, not to the standard deviation"},
       {scaled(centred / var.sqrt()), "eps is missing: a channel of equal values would be 0 / 0"},
       {scaled(centred / (var + eps)),
        "this is divided by the variance: it takes its root, the standard deviation"},
       {scaled(x / (var + eps).sqrt()), "the mean is not subtracted"},
       {scaled(over({1}, x, eps)),
        "the statistics are those of each row. A mean of a channel is over the batch, axis 0: "
        "what you have is layer normalisation"},
       {scaled(over({0, 1}, x, eps)), "each channel, here a column, has statistics of its own"},
       {over({0}, x, eps), "gamma and beta are missing"},
       {over({0}, x, eps) * gamma, "beta is missing"},
       {over({0}, x, eps) * beta + gamma, "gamma is the factor, beta is added: they are swapped"},
       {scaled((x - x.mean()) / (var + eps).sqrt()), all},
       {scaled((x - x.mean()) / ((x - x.mean()).square().mean({0}) + eps).sqrt()), all},
       {(over({0}, x, eps) + beta) * gamma, "gamma comes first, then beta is added"}});
}

void images() {
  const double eps = 1e-5;
  norma::manual_seed(0);
  const Tensor x = norma::randn({2, 3, 2, 2}) * tensor({1.0, 5.0, 0.1}).reshape({3, 1, 1});
  const Tensor gamma = tensor({2.0, 0.5, 1.0}), beta = tensor({1.0, -1.0, 0.0});
  const auto scaled = [&](const Tensor& x_hat) {
    return x_hat * gamma.reshape({3, 1, 1}) + beta.reshape({3, 1, 1});
  };
  expect(
      "batch_norm of x [2, 3, 2, 2]", mine::batch_norm(x, gamma, beta, eps),
      right(x, gamma, beta, eps),
      {{scaled(over({0}, x, eps)),
        "each pixel has statistics of its own. All places of a channel share one mean and "
        "variance: of [N, C, H, W], take axes 0, 2 and 3"},
       {scaled(over({0, 1, 2, 3}, x, eps)),
        "each channel has statistics of its own: leave out axis 1"},
       {scaled(over({2, 3}, x, eps)), "each sample has statistics of its own: take axis 0, too"}});
}

void far_from_zero() {
  const Tensor x = tensor({{10000.0}, {10001.0}, {10002.0}});
  expect("batch_norm of 10000, 10001, 10002",
         mine::batch_norm(x, tensor({1.0}), tensor({0.0}), 1e-5),
         right(x, tensor({1.0}), tensor({0.0}), 1e-5),
         {{(x - x.mean()) / (x.square().mean() - x.mean().square() + 1e-5).sqrt(),
           "mean of squares minus square of the mean: of two large float32 numbers that are nearly "
           "equal, nothing but rounding errors is left. Subtract the mean first, then square"}});
}

int main() try {
  rows();
  images();
  far_from_zero();
  std::puts("Passed: rows and images are normalised as by Norma.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
