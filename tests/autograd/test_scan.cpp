// Running results and more reductions: derivatives, edges, and what is refused. Values:
// tests/parity/families/scans.py.
#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&)> run;
};

constexpr double kInf = std::numeric_limits<double>::infinity(),
                 kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("running results and reductions have first and second derivatives") {
  const std::vector<Case> cases = {
      {"cumsum", [](const Tensor& x) { return x.cumsum(0); }},
      {"cumsum, last", [](const Tensor& x) { return x.cumsum(-1).square(); }},
      {"cumprod", [](const Tensor& x) { return x.cumprod(0); }},
      {"cumprod, last", [](const Tensor& x) { return x.cumprod(-1); }},
      {"logcumsumexp", [](const Tensor& x) { return x.logcumsumexp(1); }},
      {"cummax", [](const Tensor& x) { return x.cummax(1).first.square(); }},
      {"cummin", [](const Tensor& x) { return x.cummin(0).first.square(); }},
      {"prod", [](const Tensor& x) { return x.prod(); }},
      {"prod along", [](const Tensor& x) { return x.prod(0); }},
      {"prod, kept", [](const Tensor& x) { return x.prod(-1, true); }},
      {"logsumexp", [](const Tensor& x) { return x.logsumexp(1, true); }},
      {"logsumexp of all",
       [](const Tensor& x) {
         return x.logsumexp({0, 1});
       }},
      {"amax",
       [](const Tensor& x) {
         return x.amax({0, 1}).square();
       }},
      {"amin", [](const Tensor& x) { return x.amin(0, true).square(); }},
      {"var_mean",
       [](const Tensor& x) {
         const auto [var, mean] = x.var_mean(1);
         return var * mean;
       }},
      {"std_mean",
       [](const Tensor& x) {
         const auto [std, mean] = x.std_mean({}, false);
         return std * mean;
       }},
      {"median", [](const Tensor& x) { return x.median().square(); }},
      {"median along", [](const Tensor& x) { return x.median(1, true).first.square(); }},
      {"quantile", [](const Tensor& x) { return x.quantile(0.4).square(); }},
      {"quantiles along",
       [](const Tensor& x) {
         return x.quantile(tensor({0.1, 0.7}, {.dtype = kFloat64}), 1).square();
       }},
      {"nansum", [](const Tensor& x) { return (x.nansum(1) * x.nanmean(1)); }},
      {"trace", [](const Tensor& x) { return x.trace().square(); }},
      {"norm, p = -1", [](const Tensor& x) { return x.norm(-1, 1); }},
      {"norm, p = -inf", [](const Tensor& x) { return x.norm(-kInf, 0).square(); }},
      {"norm, p = -2.5", [](const Tensor& x) { return x.norm(-2.5); }},
      {"sum with a dtype", [](const Tensor& x) { return x.sum(1, true, kFloat64).square(); }},
  };
  // No two elements alike; in the second one line of cumprod and prod has a zero, another has two.
  const Tensor plain = tensor({{0.9, -1.2, 2.1}, {-0.4, 1.6, 0.7}, {1.4, -2.3, 0.2}},
                              {.dtype = kFloat64, .requires_grad = true});
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(gradient_error([&](const std::vector<Tensor>& x) { return c.run(x[0]); }, {plain}) == "");
  }
  const Tensor zeros = tensor({{0.9, 0.0, 2.1, 1.3}, {-0.4, 1.6, 0.7, -1.1}, {0.0, -2.3, 0.0, 0.6}},
                              {.dtype = kFloat64, .requires_grad = true});
  for (const Case& c : cases) {
    if (std::string(c.name).find("prod") == std::string::npos) continue;
    INFO(c.name << " with zeros");
    CHECK(gradient_error([&](const std::vector<Tensor>& x) { return c.run(x[0]); }, {zeros}) == "");
  }
  for (const Case& c : cases) {
    INFO(c.name << " of one element");
    if (std::string(c.name).find("std") != std::string::npos || c.name == std::string("var_mean"))
      continue;
    const Tensor one =
        tensor(std::vector<std::vector<double>>{{0.7}}).to(kFloat64).requires_grad_();
    CHECK(gradient_error([&](const std::vector<Tensor>& x) { return c.run(x[0]); }, {one}) == "");
  }
  CHECK(gradient_error([](const std::vector<Tensor>& x) { return x[0].cumprod(0) * x[0].prod(0); },
                       {number_leaf(3)}) == "");
}

TEST_CASE("the ends of the range, NaN and nothing") {
  const auto row = [](const std::vector<double>& values) {
    return tensor(values).requires_grad_();
  };
  // logsumexp of what no sum reaches.
  CHECK(mismatch(row({-kInf, -kInf}).logsumexp(0), tensor_of({-kInf}, {})) == "");
  CHECK(mismatch(row({kInf, 1}).logsumexp(0), tensor_of({kInf}, {})) == "");
  CHECK(mismatch(row({1000, 1000}).logsumexp(0), tensor_of({1000 + std::log(2.0)}, {}), 1e-15) ==
        "");
  CHECK(mismatch(zeros({0, 2}).logsumexp(0), tensor_of({-kInf, -kInf}, {2}, kFloat32)) == "");
  CHECK(mismatch(tensor({1, 2}).logsumexp(0), tensor(2.3132617f), 1e-6) == "");
  // Of products with an infinity the gradient is the product of the others.
  Tensor x = row({kInf, 2, 3});
  x.prod().backward();
  CHECK(to_vector(x.grad()) == std::vector<double>{6, kInf, kInf});
  // NaN is the median; of an even count the lower one.
  CHECK(mismatch(row({1, kNan, 2, kNan}).median(0).second, tensor(1)) == "");
  CHECK(mismatch(zeros({0}).median(), tensor_of({kNan}, {}, kFloat32)) == "");
  CHECK(tensor({4, 1, 3, 2}).median().item<int64_t>() == 2);
  CHECK(mismatch(row({1, kNan}).quantile(0.0), tensor_of({kNan}, {})) == "");
  CHECK(mismatch(row({kNan, 1}).nanmean(), tensor_of({1}, {})) == "");
  CHECK(mismatch(row({kNan, kNan}).nansum(), tensor_of({0}, {})) == "");
  CHECK(mismatch(row({kNan, kNan}).nanmean(), tensor_of({kNan}, {})) == "");
  CHECK(tensor({3, 1}).nansum().item<int64_t>() == 4);
  CHECK(row({kNan, 0}).count_nonzero().item<int64_t>() == 1);
  CHECK(to_vector(row({1, 3, 3, kNan, 2, kNan}).cummax(0).second) ==
        std::vector<double>{0, 1, 2, 3, 3, 5});
  // What has no elements.
  CHECK(zeros({0, 2}).prod(0).eq(1).all().item<bool>());
  CHECK(zeros({0}).prod().item<double>() == 1);
  CHECK(zeros({2, 0}).cumsum(1).numel() == 0);
  CHECK(zeros({0, 3}).amax(1).sizes() == Shape{0});
  CHECK(zeros({0, 3}).median(1).first.sizes() == Shape{0});
  // Types.
  CHECK(tensor({true, true}).cumsum(0).dtype() == kInt64);
  CHECK(tensor({2, 3}, {.dtype = kUInt8}).prod().dtype() == kInt64);
  CHECK(to_vector(tensor({1.5, 2.5}).cumsum(0, kInt64)) == std::vector<double>{1, 3});
  CHECK(tensor({1, 2}).mean(kFloat64).dtype() == kFloat64);
  CHECK(tensor({1.5, 2.5}).sum(kInt64).item<int64_t>() == 3);
  CHECK(tensor({1, 2}).softmax(0, kFloat64).dtype() == kFloat64);
  CHECK(tensor({1, 2}).log_softmax(0, kFloat64).dtype() == kFloat64);
  CHECK(tensor({1, 2}).prod(0, false, kFloat64).dtype() == kFloat64);
  CHECK(tensor({1, 2}).mean(0, true, kFloat32).sizes() == Shape{1});
  // norm of every power.
  const Tensor v = tensor({3.0, 0.0, -4.0});
  CHECK(v.norm(0).item<double>() == 2);
  CHECK(v.norm(-kInf).item<double>() == 0);
  CHECK(v.norm(-1).item<double>() == 0);
  CHECK(zeros({0}).norm(0).item<double>() == 0);
  const Tensor leaf = ones({2}, {.requires_grad = true});
  leaf.norm(0).backward();
  CHECK(!leaf.grad().defined());  // a count has no gradient, as in PyTorch
  // Free forms.
  CHECK(equal(cumsum(v, 0), v.cumsum(0)));
  CHECK(equal(cumprod(v, 0), v.cumprod(0)));
  CHECK(equal(prod(v), v.prod(0)));
  CHECK(equal(prod(v, 0, true), v.prod(0, true)));
  CHECK(equal(logsumexp(v, 0), v.logsumexp(0)));
  CHECK(equal(median(v), v.median()));
  CHECK(equal(quantile(v, 0.5), v.quantile(0.5)));
  CHECK(norma::trace(eye(3)).item<double>() == 3);
}

TEST_CASE("running results and reductions refuse what they cannot do") {
  const Tensor row = ones({3}), none = ones({0, 3}), flags = tensor({true, false}), other;
  const std::vector<std::pair<std::string, std::function<void()>>> refusals = {
      {"[cumsum] expected a dimension in [-1, 0], got 1", [&] { row.cumsum(1); }},
      {"[cumprod] expected a dimension in [-1, 0], got -2", [&] { row.cumprod(-2); }},
      {"[logcumsumexp] expected a dimension in [-1, 0], got 1", [&] { row.logcumsumexp(1); }},
      {"[cummax] expected a dimension in [-1, 0], got 1", [&] { row.cummax(1); }},
      {"[cummin] expected a dimension in [-1, 0], got 1", [&] { row.cummin(1); }},
      {"[prod] expected a dimension in [-1, 0], got 1", [&] { row.prod(1); }},
      {"[logsumexp] expected every dimension at most once, got [0, 0]",
       [&] {
         row.logsumexp({0, 0});
       }},
      {"[amax] expected at least one element to reduce, got shape [0, 3]", [&] { none.amax(); }},
      {"[amin] expected at least one element to reduce, got shape [0, 3]", [&] { none.amin(0); }},
      {"[var] expected a floating tensor, got int64; convert with to()",
       [] { arange(3).var_mean(); }},
      {"[median] expected numbers, got bool", [&] { flags.median(); }},
      {"[median] expected numbers, got bool", [&] { flags.median(0); }},
      {"[median] expected at least one element to reduce, got shape [0, 3]",
       [&] { none.median(0); }},
      {"[median] expected at least one element, got shape [0]", [] { arange(0).median(); }},
      {"[quantile] expected q from 0 to 1, got 1.5", [&] { row.quantile(1.5); }},
      {"[quantile] expected at least one element, got shape [0, 3]", [&] { none.quantile(0.5); }},
      {"[quantile] expected a floating tensor, got int64; convert with to()",
       [] { arange(3).quantile(0.5); }},
      {"[quantile] expected a number or a vector of q, got [0, 3]", [&] { row.quantile(none); }},
      {"[quantile] expected q of the input's dtype float32, got int64",
       [&] { row.quantile(arange(2)); }},
      {"[nanmean] expected a floating tensor, got int64; convert with to()",
       [] { arange(3).nanmean(); }},
      {"[trace] expected a matrix, got [3]", [&] { row.trace(); }},
  };
  for (const auto& [message, use] : refusals) CHECK(error_of(use) == message);
  CHECK(error_of([&] { other.cumsum(0); }).find("[cumsum] expected a defined tensor") == 0);
  CHECK(error_of([&] { other.logsumexp(0); }).find("[logsumexp] expected a defined tensor") == 0);
}
