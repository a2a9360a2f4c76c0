// Random numbers by the methods of tensors and of further distributions: the same everywhere, and
// distributed as they should be. The generator itself: test_random.cpp.
#include <algorithm>
#include <map>

#include "norma/core/random.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

/// The largest distance of the sample's distribution function from `below`, times √n. A right
/// sample exceeds 1.95 once in 1000 times.
double distance(const Tensor& sample, const std::function<double(double)>& below) {
  std::vector<double> values = to_vector(sample);
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double f = below(values[i]), rank = static_cast<double>(i);
    worst = std::max({worst, f - rank / n, (rank + 1) / n - f});
  }
  return worst * std::sqrt(n);
}

double normal_below(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

/// How far the counts are from those expected, in standard deviations.
double deviation(const Tensor& counts, const std::vector<double>& shares) {
  const double n = counts.sum().item<double>();
  double worst = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double got = counts[static_cast<int64_t>(i)].item<double>(), p = shares[i];
    if (p == 0) {
      worst = std::max(worst, got == 0 ? 0 : 1e9);
    } else {
      worst = std::max(worst, std::fabs(got - n * p) / std::sqrt(n * p * (1 - p)));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("methods draw the numbers of the functions") {
  const auto same = [](const std::function<Tensor()>& one, const std::function<Tensor()>& other) {
    manual_seed(5);
    const Tensor a = one();
    const auto state = default_generator().state();
    manual_seed(5);
    const Tensor b = other();
    return differing_bits(a, b) + (state == default_generator().state() ? "" : "other state");
  };
  CHECK(same(
            [] {
              return zeros({3, 4}).uniform_(-1, 2);
            },
            [] {
              return uniform_(zeros({3, 4}), -1, 2);
            }) == "");
  CHECK(same([] { return zeros({5}, {.dtype = kFloat64}).normal_(1, 2); },
             [] { return normal_(zeros({5}, {.dtype = kFloat64}), 1, 2); }) == "");
  CHECK(same([] { return zeros({7}).bernoulli_(0.3); },
             [] { return bernoulli_(zeros({7}), 0.3); }) == "");
  CHECK(same([] { return zeros({7}).exponential_(2); },
             [] { return exponential_(zeros({7}), 2); }) == "");
  CHECK(same([] { return zeros({7}, {.dtype = kInt64}).random_(-3, 9); },
             [] { return randint(-3, 9, {7}); }) == "");
  CHECK(same([] { return full({7}, 0.4).bernoulli(); },
             [] { return bernoulli(full({7}, 0.4), default_generator()); }) == "");
  CHECK(same([] { return norma::bernoulli(full({7}, 0.4)); },
             [] { return full({7}, 0.4).bernoulli(); }) == "");
  CHECK(same([] { return norma::multinomial(ones({7}), 3); },
             [] { return ones({7}).multinomial(3); }) == "");
  CHECK(same([] { return rand_like(zeros({7}, {.dtype = kFloat64})); },
             [] { return rand({7}, {.dtype = kFloat64}); }) == "");
  CHECK(same([] { return randn_like(zeros({7}), {.dtype = kFloat64}); },
             [] { return randn({7}, {.dtype = kFloat64}); }) == "");
  CHECK(same([] { return randint_like(zeros({7}), 2, 9); },
             [] { return randint(2, 9, {7}, {.dtype = kFloat32}); }) == "");
  CHECK(same([] { return randint_like(zeros({7}), 9, {.dtype = kInt64}); },
             [] { return randint(0, 9, {7}); }) == "");
}

TEST_CASE("samples have their distributions") {
  manual_seed(42);
  const Shape many = {20000};
  CHECK(distance(zeros(many).exponential_(2), [](double x) { return 1 - std::exp(-2 * x); }) <
        1.95);
  CHECK(distance(zeros(many).uniform_(-1, 3), [](double x) { return (x + 1) / 4; }) < 1.95);
  CHECK(distance(zeros(many).normal_(1, 2), [](double x) { return normal_below((x - 1) / 2); }) <
        1.95);
  const Tensor mean = arange(20000).to(kFloat32), std = mean.div(20000).add(0.5);
  CHECK(distance((normal(mean, std) - mean) / std, normal_below) < 1.95);
  CHECK(distance(normal(mean, 3) / 3 - mean / 3, normal_below) < 1.95);
  CHECK(distance((normal(2, std) - 2) / std, normal_below) < 1.95);
  CHECK(distance(normal(2, 0.5, many) * 2 - 4, normal_below) < 1.95);
  const Tensor p = tensor({0.0, 0.2, 0.7, 1.0});
  const Tensor hits = p.unsqueeze(1).expand({4, 20000}).bernoulli().mean(1);
  CHECK(hits[0].item<double>() == 0);
  CHECK(hits[1].item<double>() == Approx(0.2).margin(4 * 0.0029));
  CHECK(hits[2].item<double>() == Approx(0.7).margin(4 * 0.0033));
  CHECK(hits[3].item<double>() == 1);
  CHECK(zeros(many).bernoulli_(full({1}, 0.25)).mean().item<double>() ==
        Approx(0.25).margin(4 * 0.0031));
  CHECK(zeros(many, {.dtype = kInt64}).bernoulli_(0.25).sum().item<double>() ==
        Approx(5000).margin(4 * 62));

  const Tensor weights = tensor({{1.0, 2.0, 0.0, 5.0}, {3.0, 0.0, 0.0, 1.0}});
  const Tensor drawn = weights.multinomial(20000, true);
  CHECK(deviation(drawn[0].bincount(4), {0.125, 0.25, 0, 0.625}) < 4);
  CHECK(deviation(drawn[1].bincount(4), {0.75, 0, 0, 0.25}) < 4);
  // Without replacement: the first as with it, the second in proportion to what is left.
  const Tensor pairs = tensor({1.0, 2.0, 0.0, 5.0}).expand({20000, 4}).multinomial(2);
  CHECK(pairs.select(1, 0).eq(pairs.select(1, 1)).any().item<bool>() == false);
  CHECK(deviation(pairs.select(1, 0).bincount(4), {0.125, 0.25, 0, 0.625}) < 4);
  const double second0 = 0.25 * 1 / 6 + 0.625 / 3, second1 = 0.125 * 2 / 7 + 0.625 * 2 / 3;
  CHECK(deviation(pairs.select(1, 1).bincount(4), {second0, second1, 0, 1 - second0 - second1}) <
        4);
  const Tensor order = tensor({3.0, 1.0, 0.0, 2.0}).multinomial(3);
  CHECK(equal(order.sort().first, tensor({0, 1, 3})));
}

TEST_CASE("random integers fill what the dtype holds") {
  manual_seed(3);
  for (const DType dtype : {kFloat32, kFloat64, kInt64, kInt32, kUInt8, kBool}) {
    const Tensor x = zeros({4000}, {.dtype = dtype}).random_();
    const double most = dtype == kFloat32   ? 0x1p24
                        : dtype == kFloat64 ? 0x1p53
                        : dtype == kInt64   ? 0x1p63
                        : dtype == kInt32   ? 0x1p31 - 1
                        : dtype == kUInt8   ? 255
                                            : 1;
    const Tensor values = x.to(kFloat64);
    CHECK(values.min().item<double>() >= 0);
    CHECK(values.max().item<double>() <= most);
    CHECK(values.max().item<double>() > 0.98 * most);
    CHECK(values.mean().item<double>() == Approx(most / 2).epsilon(0.07));
  }
  CHECK(zeros({1000}).random_(3).unique().numel() == 3);
  const Tensor all = zeros({99}, {.dtype = kInt64}).random_(INT64_MIN, INT64_MAX);
  CHECK(all.lt(INT64_MIN / 2).any().item<bool>());
}

TEST_CASE("random values in place: views, graphs and leaves") {
  Tensor x = zeros({4, 3});
  Tensor column = x.select(1, 1);
  column.normal_();
  CHECK(x.ne(0).sum().item<int64_t>() == 4);
  x.t().uniform_();
  CHECK(x.ne(0).all().item<bool>());

  Tensor leaf = ones({3}, {.requires_grad = true});
  for (const auto& fill : std::vector<std::function<void(Tensor&)>>{
           [](Tensor& t) { t.uniform_(); }, [](Tensor& t) { t.normal_(); },
           [](Tensor& t) { t.bernoulli_(0.5); }, [](Tensor& t) { t.bernoulli_(full({3}, 0.5)); },
           [](Tensor& t) { t.exponential_(); }, [](Tensor& t) { t.random_(5); }}) {
    CHECK(error_of([&] { fill(leaf); }).find("expected a tensor that may change in place") !=
          std::string::npos);
    Tensor y = leaf * 2;
    fill(y);
    (y * y).sum().backward();
    CHECK(equal(leaf.grad(), zeros({3})));  // no gradient goes through what was drawn
    const NoGradGuard no_grad;
    CHECK_NOTHROW(fill(leaf));
    leaf.set_grad({});
  }
}

TEST_CASE("tensors in the likeness of others") {
  const Tensor x = ones({2}, {.dtype = kFloat64});
  CHECK(x.new_zeros({3}).dtype() == kFloat64);
  CHECK(equal(x.new_ones({2, 2}, {.dtype = kInt64}), tensor({{1, 1}, {1, 1}})));
  CHECK(x.new_full({2}, 7, {.requires_grad = true}).requires_grad());
  CHECK(x.new_empty({4}).sizes() == Shape{4});
  CHECK(zeros_like(x, {.dtype = kBool}).dtype() == kBool);
  CHECK(ones_like(x, {.requires_grad = true}).dtype() == kFloat64);
  CHECK(full_like(x, 2.5, {.dtype = kFloat32}).dtype() == kFloat32);
  CHECK(empty_like(x, {.dtype = kUInt8}).dtype() == kUInt8);
}

TEST_CASE("integer ranges count from the ends as they are") {
  CHECK(equal(arange(0.5, 5, 1.5, {.dtype = kInt64}), tensor({0, 1, 2})));
  CHECK(equal(arange(-0.5, 3.7, 1, {.dtype = kInt64}), tensor({0, 1, 2, 3, 4})));
  CHECK(equal(arange(0, 1, 0.3, {.dtype = kInt64}), zeros({4}, {.dtype = kInt64})));
  CHECK(equal(arange(3, 3.5, 1, {.dtype = kInt64}), tensor({3})));
  const int64_t far = int64_t{1} << 62;
  CHECK(equal(arange(far + 1, far + 3, 1, {.dtype = kInt64}), tensor({far + 1, far + 2})));
}

TEST_CASE("random values refuse what they cannot do") {
  const Tensor row = ones({3}), whole = arange(3), other;
  const std::vector<std::pair<std::string, std::function<void()>>> refusals = {
      {"[exponential_] expected a rate above 0, got 0.0", [] { zeros({2}).exponential_(0); }},
      {"[exponential_] expected a floating tensor, got int64", [] { arange(2).exponential_(); }},
      {"[uniform_] expected low <= high, got 1.0 and 0.0", [] { zeros({2}).uniform_(1, 0); }},
      {"[normal_] expected a standard deviation of 0 or more, got -1.0",
       [] { zeros({2}).normal_(0, -1); }},
      {"[bernoulli_] expected a probability from 0 to 1, got 2.0", [] { arange(2).bernoulli_(2); }},
      {"[bernoulli_] expected probabilities that broadcast to [2], got [2, 2]",
       [] {
         zeros({2}).bernoulli_(zeros({2, 2}));
       }},
      {"[bernoulli] expected probabilities from 0 to 1, got 1.5",
       [] { full({2}, 1.5).bernoulli(); }},
      {"[bernoulli] expected probabilities from 0 to 1 of a floating dtype, got int64",
       [&] { whole.bernoulli(); }},
      {"[random_] expected from < to, got 0 and 0", [] { zeros({2}).random_(0); }},
      {"[random_] expected a range of integers that uint8 holds, got [0, 300)",
       [] { zeros({2}, {.dtype = kUInt8}).random_(300); }},
      {"[random_] expected a range of integers that bool holds, got [-1, 2)",
       [] { zeros({2}, {.dtype = kBool}).random_(-1, 2); }},
      {"[normal] expected means of a floating dtype, got int64", [&] { normal(whole, row); }},
      {"[normal] expected means of a floating dtype, got int64", [&] { normal(whole, 1.0); }},
      {"[normal] expected standard deviations of 0 or more, got -1.0", [&] { normal(row, -row); }},
      {"[normal] expected a standard deviation of 0 or more, got -1.0", [&] { normal(row, -1); }},
      {"[normal] expected standard deviations of 0 or more of a floating dtype, got int64",
       [&] { normal(0, whole); }},
      {"[multinomial] expected a vector or a matrix of weights, got []",
       [] { ones({}).multinomial(1); }},
      {"[multinomial] expected to draw 1 position or more, got 0", [&] { row.multinomial(0); }},
      {"[multinomial] expected weights of at least one position, got [2, 0]",
       [] {
         ones({2, 0}).multinomial(1);
       }},
      {"[multinomial] expected to draw no more than the 3 positions, got 4; draw with replacement",
       [&] { row.multinomial(4); }},
      {"[multinomial] expected to draw no more than the 1 positions whose weight is not 0, got 2; "
       "draw with replacement",
       [] {
         tensor({0.0, 1.0}).multinomial(2);
       }},
      {"[multinomial] expected finite weights of 0 or more, got -1.0",
       [&] { (-row).multinomial(1); }},
      {"[multinomial] expected finite weights of 0 or more of a floating dtype, got int64",
       [&] { whole.multinomial(1); }},
      {"[multinomial] expected a row with a weight above 0, got only zeros in row 0",
       [] { zeros({3}).multinomial(1, true); }},
      {"[randint] expected low < high, got 0 and 0", [&] { randint_like(row, 0); }},
  };
  for (const auto& [message, use] : refusals) CHECK(error_of(use) == message);
  CHECK(error_of([&] { zeros_like(other); }).find("[zeros_like] expected a defined tensor") == 0);
  CHECK(error_of([&] { Tensor().normal_(); }).find("[normal_] expected a defined tensor") == 0);
  CHECK(error_of([&] { other.new_ones({2}); }).find("[new_ones] expected a defined tensor") == 0);
}
