// What the losses refuse, in words.
#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using norma::kFloat64;
using norma::kInt64;
using norma::Tensor;
using namespace norma::functional;

TEST_CASE("cross_entropy refuses targets that do not fit") {
  const Tensor x = norma::randn({2, 5});
  const auto message = [&](const Tensor& target, const CrossEntropyOptions& options = {}) {
    return error_of([&] { cross_entropy(x, target, options); });
  };
  CHECK(message(norma::tensor({1, 7})) ==
        "[cross_entropy] Target 7 is out of bounds. Expected classes from 0 to 4, or ignore_index "
        "-100");
  CHECK(message(norma::tensor({1, 5})) ==
        "[cross_entropy] Target 5 is out of bounds. Expected classes from 0 to 4, or ignore_index "
        "-100; subtract 1 where they count from 1");
  CHECK(message(norma::tensor({1, -1})).find("Target -1 is out of bounds.") != std::string::npos);
  CHECK(message(norma::tensor({1, 2, 3})) ==
        "[cross_entropy] Expected input batch_size (2) to match target batch_size (3), got input "
        "size [2, 5] and target size [3]");
  CHECK(message(norma::tensor({{1}, {2}})) ==
        "[cross_entropy] Expected target size [2], got [2, 1] for input size [2, 5]; call "
        "squeeze(-1) on it");
  CHECK(message(norma::tensor({1.0, 2.0})) ==
        "[cross_entropy] expected target of type int64 (classes), or floating probabilities of the "
        "input's size [2, 5], got float32 of size [2]; convert classes with to(kInt64)");
  CHECK(message(norma::zeros({2, 5}, {.dtype = kInt64})) ==
        "[cross_entropy] Expected floating point type for target with class probabilities, got "
        "int64; class indices have the size [2]");
  CHECK(message(norma::zeros({2, 5}, {.dtype = kFloat64})) ==
        "[cross_entropy] expected probabilities of the input's type float32, got float64; convert "
        "one with to()");
  CHECK(message(norma::zeros({2, 5}), {.ignore_index = 1}) ==
        "[cross_entropy] ignore_index is not supported for floating point target, got 1");
  CHECK(error_of([] {
          cross_entropy(norma::randn({2, 5, 3}), norma::zeros({2, 4}, {.dtype = kInt64}));
        }) == "[cross_entropy] Expected target size [2, 3], got [2, 4] for input size [2, 5, 3]");
  CHECK(error_of([] { cross_entropy(norma::randn({5}), norma::tensor({1})); }) ==
        "[cross_entropy] Expected target size [], got [1] for input size [5]; call squeeze(-1) on "
        "it");
  CHECK(message(Tensor()).find("[cross_entropy]") == 0);
}

TEST_CASE("cross_entropy refuses inputs and options that do not fit") {
  const Tensor x = norma::randn({2, 5}), y = norma::tensor({1, 2});
  const auto message = [&](const CrossEntropyOptions& options) {
    return error_of([&] { cross_entropy(x, y, options); });
  };
  CHECK(message({.weight = norma::ones({4})}) ==
        "[cross_entropy] weight tensor should be defined either for all 5 classes or no classes "
        "but got weight tensor of shape: [4]");
  CHECK(message({.weight = norma::ones({5}, {.dtype = kFloat64})}) ==
        "[cross_entropy] expected weight of the input's type float32, got float64; convert one "
        "with to()");
  CHECK(message({.weight = norma::ones({5}, {.requires_grad = true})}) ==
        "[cross_entropy] expected weight that needs no gradient, got one that requires_grad; pass "
        "its detach()");
  CHECK(message({.label_smoothing = 1.5}) ==
        "[cross_entropy] label_smoothing must be between 0.0 and 1.0. Got: 1.5");
  CHECK(error_of([&] { cross_entropy(norma::tensor(1.0), y); }) ==
        "[cross_entropy] expected an input [N, C], [N, C, d1, …] or [C], got a number, []");
  CHECK(error_of([&] {
          cross_entropy(norma::ones({2, 5}, {.dtype = kInt64}), y);
        }) == "[cross_entropy] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] {
          cross_entropy(y, norma::ones({2, 5}));
        }) ==
        "[cross_entropy] expected a floating input and a target, got int64 and then float32; the "
        "input comes first: loss(net(x), target)");
  CHECK(error_of([&] { cross_entropy(Tensor(), y); }).find("[cross_entropy]") == 0);
}

TEST_CASE("nll_loss refuses what does not fit") {
  const Tensor x = norma::randn({2, 5});
  CHECK(error_of([&] {
          nll_loss(x, norma::tensor({1, 9}));
        }) ==
        "[nll_loss] Target 9 is out of bounds. Expected classes from 0 to 4, or ignore_index -100");
  CHECK(error_of([&] { nll_loss(x, norma::tensor({1})); }) ==
        "[nll_loss] Expected input batch_size (2) to match target batch_size (1), got input size "
        "[2, 5] and target size [1]");
  CHECK(error_of([&] {
          nll_loss(x, norma::tensor({1.0, 2.0}));
        }) ==
        "[nll_loss] expected target of type int64 (classes), got float32; convert it with "
        "to(kInt64)");
  CHECK(error_of([&] {
          nll_loss(x, norma::tensor({1, 2}), {.weight = norma::ones({2})});
        }) ==
        "[nll_loss] weight tensor should be defined either for all 5 classes or no classes but got "
        "weight tensor of shape: [2]");
}

TEST_CASE("pair losses refuse what does not fit") {
  const Tensor x = norma::randn({2, 1}), t = norma::randn({2});
  const std::string rest =
      " Target size [2] must be the same as input size [2, 1]; reshape or expand one to the "
      "other's size";
  CHECK(error_of([&] { mse_loss(x, t); }) == "[mse_loss]" + rest);
  CHECK(error_of([&] { l1_loss(x, t); }) == "[l1_loss]" + rest);
  CHECK(error_of([&] { binary_cross_entropy_with_logits(x, t); }) ==
        "[binary_cross_entropy_with_logits]" + rest);
  CHECK(error_of([&] {
          mse_loss(norma::tensor({1, 2}), t);
        }) == "[mse_loss] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { l1_loss(t, Tensor()); }).find("[l1_loss]") == 0);
  CHECK(
      error_of([&] { binary_cross_entropy_with_logits(x, x, {.pos_weight = norma::ones({3})}); }) ==
      "[binary_cross_entropy_with_logits] expected pos_weight that broadcasts to the input's "
      "size [2, 1], got [3]");
  CHECK(error_of([&] {
          binary_cross_entropy_with_logits(x, x, {.weight = norma::ones({4, 2, 1})});
        }) ==
        "[binary_cross_entropy_with_logits] expected weight that broadcasts to the input's size "
        "[2, 1], got [4, 2, 1]");
  const Tensor learnt = norma::ones({1}, {.requires_grad = true});
  CHECK(error_of([&] { binary_cross_entropy_with_logits(x, x, {.weight = learnt}); }) ==
        "[binary_cross_entropy_with_logits] expected weight that needs no gradient, got one that "
        "requires_grad; pass its detach()");
}
