#include <cmath>
#include <limits>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_loss.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/thread_count.h"

using norma::kFloat64;
using norma::kInt64;
using norma::Reduction;
using norma::Shape;
using norma::Tensor;
using namespace norma::functional;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor leaf(const std::vector<double>& values, const Shape& sizes) {
  return tensor_of(values, sizes).clone().requires_grad_();
}

Tensor constant(const std::vector<double>& values) {
  if (values.empty()) return Tensor();
  return tensor_of(values, {static_cast<int64_t>(values.size())});
}

}  // namespace

TEST_CASE("cross_entropy and nll_loss of classes give PyTorch's numbers") {
  for (const golden::ClassCase& c : golden::class_cases) {
    INFO(c.sizes.str() << " reduction " << static_cast<int>(c.reduction) << " ignore "
                       << c.ignore_index << " smoothing " << c.smoothing);
    const Tensor target = norma::tensor(c.target).reshape(c.target_sizes);
    const Tensor weight = constant(c.weight);
    const Tensor x = leaf(c.input, c.sizes);
    const Tensor loss = cross_entropy(x, target,
                                      {.weight = weight,
                                       .ignore_index = c.ignore_index,
                                       .reduction = c.reduction,
                                       .label_smoothing = c.smoothing});
    CHECK(loss.grad_fn_name() == "cross_entropy");
    CHECK(loss.sizes() == (c.reduction == Reduction::None ? c.target_sizes : Shape{}));
    weighted_sum(loss).backward();
    CHECK(worst_error(loss, c.loss) < 1e-13);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-13);
    if (c.smoothing > 0) continue;
    const Tensor z = leaf(c.input, c.sizes);
    const Tensor nll = nll_loss(
        z, target, {.weight = weight, .ignore_index = c.ignore_index, .reduction = c.reduction});
    CHECK(nll.sizes() == loss.sizes());
    weighted_sum(nll).backward();
    CHECK(worst_error(nll, c.nll) < 1e-13);
    CHECK(worst_error(z.grad(), c.nll_grad) < 1e-13);
  }
}

TEST_CASE("cross_entropy of probabilities gives PyTorch's numbers") {
  for (const golden::SoftCase& c : golden::soft_cases) {
    INFO(c.sizes.str() << " reduction " << static_cast<int>(c.reduction));
    const Tensor x = leaf(c.input, c.sizes), q = leaf(c.target, c.sizes);
    const Tensor loss = cross_entropy(
        x, q,
        {.weight = constant(c.weight), .reduction = c.reduction, .label_smoothing = c.smoothing});
    weighted_sum(loss).backward();
    CHECK(worst_error(loss, c.loss) < 1e-13);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-13);
    CHECK(worst_error(q.grad(), c.target_grad) < 1e-13);
  }
}

TEST_CASE("losses of pairs give PyTorch's numbers") {
  for (const golden::PairCase& c : golden::pair_cases) {
    INFO(c.name << " reduction " << static_cast<int>(c.reduction));
    const Tensor x = leaf(c.input, {2, 3}), t = leaf(c.target, {2, 3});
    const Tensor w = c.weight.empty() ? Tensor() : tensor_of(c.weight, {2, 1});
    const Tensor loss =
        c.name == "mse" ? mse_loss(x, t, c.reduction)
        : c.name == "l1"
            ? l1_loss(x, t, c.reduction)
            : binary_cross_entropy_with_logits(
                  x, t,
                  {.weight = w, .pos_weight = constant(c.pos_weight), .reduction = c.reduction});
    CHECK(loss.sizes() == (c.reduction == Reduction::None ? Shape{2, 3} : Shape{}));
    weighted_sum(loss).backward();
    CHECK(worst_error(loss, c.loss) < 1e-13);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-13);
    CHECK(worst_error(t.grad(), c.target_grad) < 1e-13);
  }
}

TEST_CASE("cross_entropy in float32 against loops in double") {
  norma::manual_seed(21);
  for (const int64_t rows : {1, 7, 300}) {
    for (const int64_t classes : {1, 2, 3, 10, 63, 64, 65, 200, 3000}) {
      INFO(rows << " rows, " << classes << " classes");
      const Tensor x = (norma::randn({rows, classes}) * 5.0).detach().requires_grad_();
      const Tensor target = norma::randint(0, classes, {rows});
      std::vector<double> q(static_cast<std::size_t>(rows * classes));
      for (int64_t i = 0; i < rows; ++i) {
        q[static_cast<std::size_t>(i * classes + target[i].item<int64_t>())] = 1;
      }
      const oracle::RowLoss want = oracle::cross_entropy(to_vector(x), q, rows, classes);
      const Tensor loss = cross_entropy(x, target, {.reduction = Reduction::None});
      loss.sum().backward();
      CHECK(worst_error(loss, want.loss) < 1e-6);
      CHECK(worst_error(x.grad(), want.dx) < 1e-6);
      const Tensor soft = x.detach().requires_grad_();
      const Tensor again = cross_entropy(soft, tensor_of(q, {rows, classes}, norma::kFloat32),
                                         {.reduction = Reduction::None});
      again.sum().backward();
      CHECK(worst_error(again, want.loss) < 1e-6);
      CHECK(worst_error(soft.grad(), want.dx) < 1e-6);
    }
  }
}

TEST_CASE("cross_entropy of positions is that of rows") {
  norma::manual_seed(22);
  const Tensor x = norma::randn({3, 70, 2, 5}, {.requires_grad = true});
  const Tensor target = norma::randint(0, 70, {3, 2, 5});
  const Tensor rows = x.detach().permute({0, 2, 3, 1}).reshape({30, 70}).requires_grad_();
  const norma::functional::CrossEntropyOptions options{.reduction = Reduction::Sum,
                                                       .label_smoothing = 0.1};
  const Tensor a = cross_entropy(x, target, options);
  const Tensor b = cross_entropy(rows, target.flatten(), options);
  CHECK(a.item<float>() == Approx(b.item<float>()).epsilon(1e-6));
  a.backward();
  b.backward();
  CHECK(norma::allclose(x.grad().permute({0, 2, 3, 1}).reshape({30, 70}), rows.grad(), 1e-5, 1e-7));
}

TEST_CASE("cross_entropy keeps its head at the extremes") {
  // Logits far apart: always through the maximum.
  const Tensor x = norma::tensor({{1e4, -1e4}, {-3e38, 3e38}, {88.0, 89.0}}).requires_grad_();
  const Tensor loss = cross_entropy(x, norma::tensor({1, 1, 0}), {.reduction = Reduction::None});
  CHECK(worst_error(loss, {20000, 0, 1.3132616875}) < 1e-6);
  loss.sum().backward();
  CHECK(worst_error(x.grad(), {1, -1, 0, 0, -0.7310585786, 0.7310585786}) < 1e-6);
  // A class that is ruled out costs nothing unless it is the answer.
  const Tensor barred = norma::tensor({{1.0, -kInf, 1.0}, {0.0, -kInf, 0.0}});
  const std::vector<double> costs =
      to_vector(cross_entropy(barred, norma::tensor({0, 1}), {.reduction = Reduction::None}));
  CHECK(costs[0] == Approx(std::log(2.0)));
  CHECK(costs[1] == kInf);
  CHECK(std::isnan(
      cross_entropy(norma::tensor({{1.0, std::nan("")}}), norma::tensor({0})).item<double>()));
}

TEST_CASE("what ignore_index and empty batches leave") {
  Tensor x = norma::randn({2, 3}, {.requires_grad = true});
  const Tensor none = norma::tensor({-100, -100});
  for (const double smoothing : {0.0, 0.1}) {
    x.set_grad(Tensor());
    const Tensor mean = cross_entropy(x, none, {.label_smoothing = smoothing});
    CHECK(std::isnan(mean.item<float>()));
    mean.backward();
    CHECK(norma::equal(x.grad(), norma::zeros({2, 3})));
    CHECK(cross_entropy(x, none, {.reduction = Reduction::Sum, .label_smoothing = smoothing})
              .item<float>() == 0.0f);
  }
  CHECK(std::isnan(nll_loss(x, none).item<float>()));
  // Ignored before the range is checked.
  CHECK(cross_entropy(x, norma::tensor({7, 1}), {.ignore_index = 7}).item<float>() ==
        Approx(cross_entropy(x.narrow(0, 1, 1), norma::tensor({1})).item<float>()));

  const Tensor empty = norma::zeros({0, 3}, {.requires_grad = true});
  const Tensor nothing = norma::zeros({0}, {.dtype = kInt64});
  CHECK(std::isnan(cross_entropy(empty, nothing).item<float>()));
  CHECK(cross_entropy(empty, nothing, {.reduction = Reduction::Sum}).item<float>() == 0.0f);
  CHECK(cross_entropy(empty, nothing, {.reduction = Reduction::None}).sizes() == Shape({0}));
  CHECK(std::isnan(cross_entropy(empty, norma::zeros({0, 3})).item<float>()));
  CHECK(std::isnan(nll_loss(empty, nothing).item<float>()));
  CHECK(std::isnan(mse_loss(empty, norma::zeros({0, 3})).item<float>()));
  CHECK(l1_loss(empty, norma::zeros({0, 3}), Reduction::Sum).item<float>() == 0.0f);
  const Tensor sum = cross_entropy(empty, nothing, {.reduction = Reduction::Sum}) +
                     mse_loss(empty, norma::zeros({0, 3}), Reduction::Sum);
  sum.backward();
  CHECK(empty.grad().sizes() == Shape({0, 3}));
}

TEST_CASE("losses give the same bits for every number of threads, and take any strides") {
  norma::manual_seed(23);
  const Tensor x = norma::randn({5000, 30}), y = norma::randint(0, 30, {5000});
  const Tensor t = norma::rand({5000, 30});
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3}) {
    const ThreadCount guard(count);
    const Tensor in = x.detach().requires_grad_();
    const Tensor total = cross_entropy(in, y) + mse_loss(in, t) + l1_loss(in, t) +
                         binary_cross_entropy_with_logits(in, t) + cross_entropy(in, t);
    total.backward();
    results.push_back(to_vector(in.grad()));
    results.back().push_back(total.item<double>());
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);

  const Tensor base = norma::randn({4, 6}, {.requires_grad = true});
  const Tensor packed = base.detach().t().contiguous().requires_grad_();
  const Tensor soft = norma::rand({4, 6}).t();
  const Tensor labels = norma::randint(0, 4, {6, 2}).select(1, 1);
  const auto all = [&](const Tensor& in) {
    return cross_entropy(in, labels) + cross_entropy(in, soft) + nll_loss(in, labels) +
           mse_loss(in, soft) + l1_loss(in, soft) + binary_cross_entropy_with_logits(in, soft);
  };
  const Tensor a = all(base.t()), b = all(packed);
  CHECK(norma::equal(a, b));
  a.backward();
  b.backward();
  CHECK(norma::allclose(base.grad().t(), packed.grad(), 1e-6, 1e-7));
}

TEST_CASE("pair losses: types mix as elsewhere, kinks and extremes are finite") {
  Tensor x = norma::tensor({1.0, 2.0}).requires_grad_();
  const Tensor t = norma::tensor({1.0, 4.0}, {.dtype = kFloat64});
  const Tensor loss = mse_loss(x, t);
  CHECK(loss.dtype() == kFloat64);
  CHECK(loss.item<double>() == 2.0);
  loss.backward();
  CHECK(x.grad().dtype() == norma::kFloat32);
  CHECK(worst_error(x.grad(), {0, -2}) == 0);
  CHECK(mse_loss(x, norma::tensor({1, 4})).item<double>() == 2.0);  // integers as targets

  x.set_grad(Tensor());
  l1_loss(x, norma::tensor({1.0, 4.0}), Reduction::Sum).backward();
  CHECK(worst_error(x.grad(), {0, -1}) == 0);

  const Tensor far = norma::tensor({-1e4, 1e4, -200.0, 0.0}).requires_grad_();
  const Tensor labels = norma::tensor({1.0, 0.0, 0.0, 1.0});
  const Tensor bce = binary_cross_entropy_with_logits(far, labels, {.reduction = Reduction::None});
  CHECK(worst_error(bce, {1e4, 1e4, 0, std::log(2.0)}) < 1e-6);
  bce.sum().backward();
  CHECK(worst_error(far.grad(), {-1, 1, 0, -0.5}) < 1e-6);
}

TEST_CASE("the gradients of losses agree with central differences") {
  norma::manual_seed(24);
  const norma::TensorOptions options{.dtype = kFloat64, .requires_grad = true};
  const norma::TensorOptions fixed{.dtype = kFloat64};
  const Tensor w = norma::rand({3}, fixed) + 0.5;
  for (const Shape& sizes : {Shape{4, 3}, Shape{2, 3, 2}, Shape{3}}) {
    const Tensor x = norma::randn(sizes, options);
    const Tensor q = norma::rand(sizes, options), other = norma::randn(sizes, options);
    Shape target_sizes = sizes;
    target_sizes.erase(sizes.size() > 1 ? 1 : 0);
    const Tensor y = norma::randint(0, 3, target_sizes);
    for (const Reduction reduction : {Reduction::Mean, Reduction::Sum, Reduction::None}) {
      INFO(sizes.str() << " reduction " << static_cast<int>(reduction));
      for (const Tensor& weight : {Tensor(), w}) {
        for (const double smoothing : {0.0, 0.2}) {
          CHECK(gradient_error(
                    [&](const auto& in) {
                      return cross_entropy(in[0], y, {weight, -100, reduction, smoothing});
                    },
                    {x}) == "");
          CHECK(gradient_error(
                    [&](const auto& in) {
                      return cross_entropy(in[0], in[1], {weight, -100, reduction, smoothing});
                    },
                    {x, q}) == "");
        }
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return nll_loss(in[0], y, {weight, -100, reduction});
                  },
                  {x}) == "");
      }
      if (sizes.size() > 1) {
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return cross_entropy(in[0], y, {w, 1, reduction, 0.1});
                  },
                  {x}) == "");
      }
      CHECK(gradient_error([&](const auto& in) { return mse_loss(in[0], in[1], reduction); },
                           {x, other}) == "");
      CHECK(gradient_error([&](const auto& in) { return l1_loss(in[0], in[1], reduction); },
                           {x, other}) == "");
      const Tensor p = sizes.size() == 3 ? norma::rand({3, 1}, fixed) : w;
      for (const Tensor& pos_weight : {Tensor(), p}) {
        for (const Tensor& weight : {Tensor(), p}) {
          CHECK(gradient_error(
                    [&](const auto& in) {
                      return binary_cross_entropy_with_logits(in[0], in[1],
                                                              {weight, pos_weight, reduction});
                    },
                    {x, q}) == "");
        }
      }
    }
  }
}

TEST_CASE("cross_entropy of confident rows is as exact in float32 as its result can be") {
  // The smaller exponentials stand behind the last place of a float32 sum, or reach into it.
  for (const double far : {6.0, 10.181114, 14.0, 18.0}) {
    INFO("logits " << far << " apart");
    const std::vector<double> logits{0, static_cast<float>(far), static_cast<float>(far / 3)};
    for (const bool soft : {true, false}) {
      const std::vector<double> q =
          soft ? std::vector<double>{0.0625, 0.875, 0.0625} : std::vector<double>{0.05, 0.9, 0.05};
      const oracle::RowLoss want = oracle::cross_entropy(logits, q, 1, 3);
      const Tensor x = tensor_of(logits, {1, 3}).to(norma::kFloat32).requires_grad_();
      const Tensor loss = soft ? cross_entropy(x, tensor_of(q, {1, 3}).to(norma::kFloat32))
                               : cross_entropy(x, norma::tensor(std::vector<int64_t>{1}),
                                               {.label_smoothing = 0.15});
      loss.backward();
      CHECK(std::fabs(loss.item<double>() / want.loss[0] - 1) < 1.2e-7);
      const double largest = std::fabs(want.dx[1]);
      for (std::size_t c = 0; c < 3; ++c)
        CHECK(std::fabs(x.grad().data_ptr<float>()[c] - want.dx[c]) < 1e-7 * largest);
    }
  }
}
