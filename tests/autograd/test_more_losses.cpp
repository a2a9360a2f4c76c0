// Losses of elements and with margins: derivatives and refusals. Values beside PyTorch:
// tests/parity.
#include <cmath>
#include <functional>
#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

using X = const std::vector<Tensor>&;
using Function = std::function<Tensor(X)>;

namespace {

Tensor signs() { return tensor({{1.0, -1.0, 1.0}, {-1.0, -1.0, 1.0}}, {.dtype = kFloat64}); }

}  // namespace

TEST_CASE("losses of elements and with margins have both derivatives") {
  manual_seed(5);
  const Tensor x = random_leaf({2, 3}), y = random_leaf({2, 3}), z = random_leaf({2, 3});
  const auto fractions = [] {
    return (rand({2, 3}, {.dtype = kFloat64}) * 0.8 + 0.1).requires_grad_();
  };
  const Tensor p = fractions(), q = fractions(), w = fractions().detach();
  const Tensor sign = signs(), row = tensor({1.0, -1.0}, {.dtype = kFloat64});
  for (const Reduction r : {Reduction::None, Reduction::Mean, Reduction::Sum}) {
    const std::vector<std::pair<Function, std::vector<Tensor>>> rows = {
        {[=](X v) { return F::binary_cross_entropy(v[0], v[1], {.weight = w, .reduction = r}); },
         {p, q}},
        {[=](X v) { return F::smooth_l1_loss(v[0], v[1], {.reduction = r, .beta = 0.7}); }, {x, y}},
        {[=](X v) { return F::huber_loss(v[0], v[1], {.reduction = r, .delta = 0.7}); }, {x, y}},
        {[=](X v) { return F::kl_div(v[0], v[1], {.reduction = r}); }, {x, p}},
        {[=](X v) { return F::kl_div(v[0], v[1], {.reduction = r, .log_target = true}); }, {x, y}},
        {[=](X v) { return F::poisson_nll_loss(v[0], v[1], {.full = true, .reduction = r}); },
         {x, p}},
        {[=](X v) { return F::poisson_nll_loss(v[0], v[1], {.log_input = false, .reduction = r}); },
         {p, y}},
        {[=](X v) { return F::gaussian_nll_loss(v[0], v[1], v[2], {.reduction = r}); }, {x, y, p}},
        {[=](X v) { return F::soft_margin_loss(v[0], sign, r); }, {x}},
        {[=](X v) { return F::multilabel_soft_margin_loss(v[0], v[1], {.reduction = r}); }, {x, p}},
        {[=](X v) { return F::hinge_embedding_loss(v[0], sign, {.margin = 0.6, .reduction = r}); },
         {x}},
        {[=](X v) { return F::margin_ranking_loss(v[0], v[1], sign, {.reduction = r}); }, {x, y}},
        {[=](X v) { return F::cosine_embedding_loss(v[0], v[1], row, {.reduction = r}); }, {x, y}},
        {[=](X v) {
           return F::triplet_margin_loss(v[0], v[1], v[2], {.p = 3, .swap = true, .reduction = r});
         },
         {x, y, z}}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      INFO(i);
      CHECK(gradient_error(rows[i].first, rows[i].second) == "");
    }
  }
  const std::vector<std::pair<Function, std::vector<Tensor>>> rows = {
      {[](X v) { return F::kl_div(v[0], v[1], {.reduction = Reduction::BatchMean}); }, {x, p}},
      {[](X v) { return F::cosine_similarity(v[0], v[1]); }, {x, y}},
      {[](X v) { return F::pairwise_distance(v[0], v[1], 3, 1e-3, true); }, {x, y}},
      {[](X v) { return F::normalize(v[0], 2, 0); }, {x}}};
  for (const auto& [function, inputs] : rows) CHECK(gradient_error(function, inputs) == "");
}

TEST_CASE("losses at the ends of the range") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor ends = tensor({0.0, 1.0, 0.0, 1.0}), target = tensor({0.0, 0.0, 1.0, 1.0});
  CHECK(to_vector(F::binary_cross_entropy(ends, target, {.reduction = Reduction::None})) ==
        std::vector<double>{0, 100, 100, 0});
  CHECK(F::soft_margin_loss(tensor({-2000.0}), ones({1})).item<double>() == 2000);
  Tensor x = tensor({0.0, -inf}, {.requires_grad = true});
  F::kl_div(x, tensor({0.0, 0.5}), {.reduction = Reduction::Sum}).backward();
  CHECK(to_vector(x.grad()) == std::vector<double>{0, -0.5});
  Tensor far = tensor({inf, -inf}, {.requires_grad = true});
  F::smooth_l1_loss(far, zeros({2}), {.reduction = Reduction::Sum}).backward();
  CHECK(to_vector(far.grad()) == std::vector<double>{1, -1});
  Tensor same = zeros({2, 3}, {.requires_grad = true});
  F::normalize(same).sum().backward();
  CHECK(same.grad().isfinite().all().item<bool>());
  CHECK(to_vector(F::cosine_similarity(zeros({2, 3}), ones({3}))) == std::vector<double>{0, 0});
  // Whole numbers are taken as the input's type.
  CHECK(F::smooth_l1_loss(ones({2}), tensor({0, 3})).item<double>() == 1);
  CHECK(F::binary_cross_entropy(full({1}, 0.5), tensor({1})).item<double>() ==
        Approx(std::log(2.0)));
}

TEST_CASE("losses of elements and with margins refuse what does not fit") {
  const Tensor x = full({2, 3}, 0.5), n = ones({2, 3}, {.dtype = kInt64}), row = ones({3});
  const auto check = [](const std::function<void()>& action, const std::string& message) {
    CHECK(error_of(action) == message);
  };
  const std::string sizes =
      "Target size [3] must be the same as input size [2, 3]; reshape or expand one to the other's "
      "size";
  check([&] { F::binary_cross_entropy(x, row); }, "[binary_cross_entropy] " + sizes);
  check([&] { F::smooth_l1_loss(x, row); }, "[smooth_l1_loss] " + sizes);
  check([&] { F::huber_loss(x, row); }, "[huber_loss] " + sizes);
  check([&] { F::binary_cross_entropy(x + 1, x); },
        "[binary_cross_entropy] all elements of input should be between 0 and 1");
  check([&] { F::binary_cross_entropy(x * std::nan(""), x); },
        "[binary_cross_entropy] all elements of input should be between 0 and 1");
  check([&] { F::binary_cross_entropy(x, x - 1); },
        "[binary_cross_entropy] all elements of target should be between 0 and 1");
  check(
      [&] { F::binary_cross_entropy(x, x, {.weight = ones({3}, {.requires_grad = true})}); },
      "[binary_cross_entropy] expected weight that needs no gradient, got one that requires_grad; "
      "pass its detach()");
  check([&] { F::smooth_l1_loss(x, x, {.beta = -1}); },
        "[smooth_l1_loss] expected beta of 0 or more, got -1.0");
  check([&] { F::huber_loss(x, x, {.delta = 0}); }, "[huber_loss] expected delta above 0, got 0.0");
  check([&] { F::gaussian_nll_loss(x, x, row); },
        "[gaussian_nll_loss] expected var of the input's size [2, 3], or with one size 1 or "
        "without the last, got [3]");
  check([&] { F::gaussian_nll_loss(x, x, -x); },
        "[gaussian_nll_loss] expected var of 0 or more, got a negative element");
  check([&] { F::multilabel_soft_margin_loss(ones({}), ones({})); },
        "[multilabel_soft_margin_loss] expected an input [*, C], got a number, []");
  check([&] { F::margin_ranking_loss(x, x, row); },
        "[margin_ranking_loss] expected tensors of one number of dimensions, got [2, 3], [2, 3] "
        "and target [3]");
  check([&] { F::cosine_embedding_loss(x, x, x); },
        "[cosine_embedding_loss] expected a target [N] or [], got [2, 3]");
  check([&] { F::cosine_embedding_loss(row, row, row); },
        "[cosine_embedding_loss] expected inputs of 2 dimensions for target of size [3], got [3] "
        "and [3]");
  check([&] { F::triplet_margin_loss(x, x, row); },
        "[triplet_margin_loss] expected tensors of one number of dimensions, got anchor [2, 3], "
        "positive [2, 3] and negative [3]");
  check([&] { F::triplet_margin_loss(x, x, x, {.margin = 0}); },
        "[triplet_margin_loss] expected a margin above 0, got 0.0");
  check([&] { F::cosine_similarity(n, n); },
        "[cosine_similarity] expected floating tensors, got int64; convert with to(kFloat32)");
  check([&] { F::kl_div(x, n); },
        "[kl_div] expected a floating target, got int64; convert it with to(kFloat32)");
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { F::normalize(n); }, [&] { F::smooth_l1_loss(n, n); },
           [&] { F::soft_margin_loss(n, n); }, [&] { F::hinge_embedding_loss(n, n); },
           [&] { F::multilabel_soft_margin_loss(n, n); }, [&] { F::kl_div(n, x); }}) {
    CHECK(has(error_of(call), "expected a floating input, got int64"));
  }
  const Reduction batch = Reduction::BatchMean;
  const std::string reduction =
      "expected Reduction None, Mean or Sum, got BatchMean, which kl_div alone has";
  check([&] { F::mse_loss(x, x, batch); }, "[mse_loss] " + reduction);
  check([&] { F::soft_margin_loss(x, x, batch); }, "[soft_margin_loss] " + reduction);
  check([&] { F::smooth_l1_loss(x, x, {.reduction = batch, .beta = 0}); },
        "[smooth_l1_loss] " + reduction);
  const Tensor classes = zeros({2}, {.dtype = kInt64});
  check([&] { F::cross_entropy(x, classes, {.reduction = batch}); },
        "[cross_entropy] " + reduction);
  check([&] { F::nll_loss(x, classes, {.reduction = batch}); }, "[nll_loss] " + reduction);
}
