#include <cross_entropy.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cstdio>
#include <limits>
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
  Tensor logits = tensor({{1.0, 2.0, 0.0}, {-1.0, 0.5, 3.0}});
  const Tensor labels = tensor({1, 0});
  const Tensor p = logits.softmax(1), weights = logits.exp();
  const Tensor losses = -p.log().gather(1, labels.unsqueeze(1));
  const Tensor right = norma::functional::one_hot(labels, 3).to(norma::kFloat32);

  const char* columns = "each row must add up to 1, these columns do: sum over axis 1";
  expect("softmax(logits)", mine::softmax(logits), p,
         {{logits.softmax(0), columns},
          {(logits - logits.max(1, true).first).softmax(0), columns},
          {weights / weights.sum(), "each row must add up to 1, here all of them together do"},
          {logits / logits.sum({1}, true), "exp comes first: it makes every number positive"},
          {p.log(), "these are the logarithms of the probabilities"}});
  const Tensor large = tensor({{1000.0, 1001.0}, {0.0, 1.0}});
  if (!mine::softmax(large).isfinite().all().item<bool>()) {
    norma::fail("softmax of large logits", "expected\n", large.softmax(1), "\ngot\n",
                mine::softmax(large),
                "\nexp(1000) is infinite. Subtract each row's maximum first: it "
                "cancels out, and no exponent is above 0");
  }
  expect("softmax of large logits", mine::softmax(large), large.softmax(1), {});

  expect("cross_entropy(logits, labels)", mine::cross_entropy(logits, labels), losses.mean(),
         {{losses.sum(),
           "the loss is the mean over the rows, not the sum: a larger batch would "
           "make larger steps"},
          {-losses.mean(), "the sign is wrong: log of a probability is negative, a loss is not"},
          {-p.log().mean(), "only the probability of the row's label counts"},
          {losses.sum() / logits.numel(),
           "divided by N, the number of rows, not by that of all logits: a row has one loss"},
          {1.0 - p.gather(1, labels.unsqueeze(1)).mean(), "the logarithm is missing"}});
  const Tensor sure = tensor({{0.0, 200.0}}), wrong = tensor({0});
  expect("cross_entropy where the label's probability is e⁻²⁰⁰", mine::cross_entropy(sure, wrong),
         tensor(200.0),
         {{tensor(std::numeric_limits<float>::infinity()),
           "e⁻²⁰⁰ is 0 in float32, and log 0 is -∞. Never take the log of softmax: "
           "log p = z - log Σ exp(z), where z = logits - maximum"}});

  const Tensor yours = mine::cross_entropy_backward(logits, labels);
  logits.requires_grad_();
  norma::functional::cross_entropy(logits, labels).backward();
  expect("the gradient of the logits", yours, logits.grad(),
         {{p - right, "the loss is a mean over N rows, so each row's gradient is divided by N"},
          {(p - right) / logits.numel(),
           "divided by N, the number of rows, not by that of all logits"},
          {p / 2.0, "at the label itself it is p - 1: the gradient has to push that logit up"},
          {p, "it is p - 1 at the label, and all divided by N"},
          {(right - p) / 2.0, "the sign is wrong: a step goes against the gradient"}});
  std::puts("Passed: probabilities, loss and gradient, for large logits, too.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
