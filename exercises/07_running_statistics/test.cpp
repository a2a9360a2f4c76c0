#include <running_statistics.h>

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

const Tensor kBatch = tensor({{1.0, 10.0}, {3.0, -10.0}, {5.0, 30.0}});
const Tensor kMean = tensor({3.0, 10.0});
const Tensor kBiased = kBatch.var(0, false), kUnbiased = kBatch.var(0, true);
const Tensor kZeros = tensor({0.0, 0.0}), kOnes = tensor({1.0, 1.0});

void in_training() {
  mine::BatchNorm layer(2);
  const Tensor y = layer.forward(kBatch);
  expect("the result in training", y, mine::normalise(kBatch, kMean, kBiased, 1e-5),
         {{mine::normalise(kBatch, kZeros, kOnes, 1e-5),
           "in training, a batch is normalised by its own mean and variance, not by the running "
           "ones"},
          {mine::normalise(kBatch, kMean, kUnbiased, 1e-5),
           "normalising takes the biased variance, divided by N; only the running one takes the "
           "unbiased"},
          {mine::normalise(kBatch, 0.1 * kMean, 0.9 * kOnes + 0.1 * kUnbiased, 1e-5),
           "in training, a batch is normalised by its own mean and variance, not by the running "
           "ones"}});
  const char* unchanged = "it did not change: in training, every batch moves it";
  const char* reversed =
      "momentum is the other way round: it weighs the new value here, 0.1 of "
      "the batch and 0.9 of what was there";
  expect("running_mean after a batch with the mean 3, 10", layer.running_mean, 0.1 * kMean,
         {{kZeros, unchanged},
          {0.9 * kMean, reversed},
          {kMean, "it forgets all batches before the last: move it a tenth of the way"}});
  expect(
      "running_var after that batch", layer.running_var, 0.9 * kOnes + 0.1 * kUnbiased,
      {{kOnes, unchanged},
       {0.1 * kOnes + 0.9 * kUnbiased, reversed},
       {0.1 * kOnes + 0.9 * kBiased, reversed},
       {0.9 * kOnes + 0.1 * kBiased,
        "your variance is divided by N: the running statistics take the unbiased one, divided "
        "by N - 1, since it estimates that of all data. (Is there a factor n / (n - 1)? Of whole "
        "numbers, 3 / 2 is 1: make n a double)"},
       {kUnbiased, "it forgets all batches before the last: move it a tenth of the way"}});
  layer.forward(kBatch);
  expect("running_mean after the same batch once more", layer.running_mean, 0.19 * kMean);
}

void in_graph(const char* mode, const Tensor& y) {
  if (y.requires_grad()) return;
  norma::fail(std::string("the result in ") + mode,
              "expected gradients to reach x, got a result outside the graph: a NoGradGuard or "
              "detach() covers too much. Only what is kept, the running statistics, is not "
              "recorded");
}

void gradients() {
  mine::BatchNorm layer(2);
  Tensor x = kBatch.clone().requires_grad_(), same = kBatch.clone().requires_grad_();
  const Tensor weights = tensor({{1.0, 2.0}, {0.0, -1.0}, {3.0, 1.0}});
  const Tensor y = layer.forward(x);
  in_graph("training", y);
  (y * weights).sum().backward();
  if (layer.running_mean.requires_grad() || layer.running_var.requires_grad()) {
    norma::fail("the running statistics",
                "expected plain numbers, got the result of recorded operations: they would keep "
                "the graph of every batch in memory. Take the statistics' detach(), or open a "
                "NoGradGuard");
  }
  norma::nn::BatchNorm1d norma_layer(2);
  (norma_layer(same) * weights).sum().backward();
  const norma::NoGradGuard no_grad;
  expect("the gradient of x in training", x.grad(), same.grad(),
         {{weights / (kBiased + 1e-5).sqrt(),
           "the statistics that normalise the batch depend on x, and gradients pass through them. "
           "Only those that are kept are detached"}});
}

void in_evaluation() {
  mine::BatchNorm layer(2);
  layer.forward(kBatch);
  layer.training = false;
  const Tensor mean = layer.running_mean.clone(), var = layer.running_var.clone();
  const Tensor x = tensor({{2.0, 0.0}, {1.0, 1.0}});
  expect("the result in evaluation", layer.forward(x), mine::normalise(x, mean, var, 1e-5),
         {{mine::normalise(x, x.mean({0}), x.var(0, false), 1e-5),
           "these are the batch's own statistics. In evaluation, use the running ones: a sample's "
           "answer must not depend on its neighbours"}});
  const char* moved = "evaluation must not move it: the network would change by being looked at";
  expect("running_mean after evaluation", layer.running_mean, mean,
         {{0.9 * mean + 0.1 * x.mean({0}), moved}});
  expect("running_var after evaluation", layer.running_var, var,
         {{0.9 * var + 0.1 * x.var(0, true), moved}});
  expect("a single sample in evaluation", layer.forward(x.narrow(0, 0, 1)),
         mine::normalise(x, mean, var, 1e-5).narrow(0, 0, 1));
  in_graph("evaluation", layer.forward(x.clone().requires_grad_()));
}

int main() try {
  in_training();
  gradients();
  in_evaluation();
  std::puts("Passed: the layer remembers in training and stays as it is in evaluation.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
