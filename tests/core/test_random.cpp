// Random numbers against an independent implementation (golden_random.py), and their statistics.
#include "norma/core/random.h"

#include <algorithm>
#include <cstring>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<std::size_t>(a.numel() * item_size(a.dtype()))) == 0;
}

}  // namespace

TEST_CASE("draws are those of the independent implementation") {
  constexpr uint64_t kSeed = 20150211;
  const Shape eleven = {11};
  std::vector<double> points;
  int lines = 0;
  for (const GoldenLine& line : read_golden(NORMA_CORE_TESTS "golden_random.txt")) {
    const std::string& what = line.words[0];
    INFO(what);
    ++lines;
    Generator g(kSeed);
    const auto want = [&](DType dtype) { return line.tensor({-1}, dtype); };
    if (what == "block") {
      const auto words = Generator::block(std::stoull(line.words[1]), std::stoull(line.words[2]));
      for (std::size_t i = 0; i < 4; ++i) CHECK(static_cast<double>(words[i]) == line.numbers[i]);
    } else if (what == "uniform32") {
      CHECK(equal(rand(eleven, {}, g), want(kFloat32)));
      CHECK(g.state() == Generator::State{kSeed, 3});
    } else if (what == "uniform64") {
      CHECK(equal(rand(eleven, {.dtype = kFloat64}, g), want(kFloat64)));
      CHECK(g.state() == Generator::State{kSeed, 6});
    } else if (what == "range32") {
      CHECK(equal(uniform_(zeros(eleven), -2, 3, g), want(kFloat32)));
    } else if (what == "normal32") {
      CHECK(equal(randn(eleven, {}, g), want(kFloat32)));
    } else if (what == "normal64") {
      CHECK(mismatch(randn(eleven, {.dtype = kFloat64}, g), want(kFloat64), 4e-15) == "");
    } else if (what == "bernoulli") {
      CHECK(equal(bernoulli_(zeros(eleven), 0.3, g), want(kFloat32)));
    } else if (what == "randint") {
      CHECK(equal(randint(-5, 12, eleven, {.dtype = kInt64}, g), want(kInt64)));
    } else if (what == "randperm") {
      CHECK(equal(randperm(11, g), want(kInt64)));
    } else if (what == "exponential64") {
      CHECK(mismatch(exponential_(zeros(eleven, {.dtype = kFloat64}), 2, g), want(kFloat64),
                     4e-15) == "");
    } else if (what == "chances") {
      CHECK(equal(bernoulli(tensor({0.125, 0.5, 0.5, 0.875, 1.0, 0.0}), g), want(kFloat32)));
    } else if (what == "again") {
      CHECK(equal(multinomial(tensor({1.0, 2.0, 0.0, 5.0, 4.0}), 11, true, g), want(kInt64)));
    } else if (what == "once") {
      CHECK(equal(multinomial(tensor({1.0, 2.0, 0.0, 5.0, 4.0}), 4, false, g), want(kInt64)));
    } else if (what == "draws") {
      CHECK(g.uniform() == line.numbers[0]);
      CHECK(g.normal() == Approx(line.numbers[1]).epsilon(4e-15));
      CHECK(g.below(1000) == static_cast<uint64_t>(line.numbers[2]));
    } else if (what == "points") {
      points = line.numbers;
    } else if (what == "quantile") {
      for (std::size_t i = 0; i < points.size(); ++i) {
        INFO("quantile of " << points[i]);
        CHECK(std::fabs(normal_quantile(points[i]) - line.numbers[i]) <=
              4e-15 * std::fabs(line.numbers[i]));
      }
    }
  }
  CHECK(lines == 22);
}

TEST_CASE("moments and ranges") {
  Generator g(1);
  const Tensor u = rand({200000}, {}, g), n = randn({200000}, {}, g),
               d = randn({200000}, {.dtype = kFloat64}, g);
  CHECK(u.min().item<float>() >= 0);
  CHECK(u.max().item<float>() < 1);
  CHECK(u.mean().item<double>() == Approx(0.5).margin(0.003));
  CHECK(u.var().item<double>() == Approx(1.0 / 12).margin(0.001));
  for (const Tensor& x : {n, d}) {
    CHECK(x.mean().item<double>() == Approx(0).margin(0.01));
    CHECK(x.var().item<double>() == Approx(1).margin(0.02));
    CHECK(x.pow(3).mean().item<double>() == Approx(0).margin(0.03));
    CHECK(x.pow(4).mean().item<double>() == Approx(3).margin(0.1));
  }
  CHECK(bernoulli_(zeros({100000}), 0.3, g).mean().item<double>() == Approx(0.3).margin(0.006));
  CHECK(bernoulli_(zeros({1000}), 0, g).sum().item<double>() == 0);
  CHECK(bernoulli_(zeros({1000}), 1, g).sum().item<double>() == 1000);
  const Tensor k = randint(-3, 4, {70000}, {.dtype = kInt64}, g);
  for (int64_t value = -3; value < 4; ++value) {
    CHECK(k.eq(value).sum().item<double>() == Approx(10000).margin(400));
  }
  CHECK(k.min().item<int64_t>() == -3);
  CHECK(k.max().item<int64_t>() == 3);
  const Tensor order = randperm(1000, g);
  std::vector<int64_t> sorted(order.data_ptr<int64_t>(), order.data_ptr<int64_t>() + 1000);
  CHECK(!equal(order, arange(1000)));
  std::sort(sorted.begin(), sorted.end());
  CHECK(equal(tensor(sorted), arange(1000)));
  CHECK(randperm(0).numel() == 0);
  CHECK(randn({0, 3}).numel() == 0);
  CHECK(randint(250, 256, {5}, {.dtype = kUInt8}, g).ge(250).all().item<bool>());
  CHECK(randint(0, 3, {5}, {.dtype = kFloat32}, g).dtype() == kFloat32);
  CHECK(mismatch(normal_(zeros({50000}), 5, 0.5, g).mean(), full({}, 5.0), 0, 0.02) == "");
}

TEST_CASE("a seed and a state give the same numbers, whatever the threads and the shape") {
  const auto draw = [](int count) {
    const ThreadCount guard(count);
    manual_seed(7);
    return std::vector<Tensor>{randn({300, 301}), rand({70001}, {.dtype = kFloat64}), randperm(500),
                               bernoulli_(zeros({90000}), 0.5)};
  };
  const std::vector<Tensor> one = draw(1), two = draw(2), five = draw(5);
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(same_bits(one[i], two[i]));
    CHECK(same_bits(one[i], five[i]));
  }
  manual_seed(7);
  CHECK(default_generator().seed() == 7);
  const Tensor flat = randn({90300});
  CHECK(same_bits(flat.view({300, 301}), one[0]));
  const auto state = default_generator().state();
  const Tensor next = randn_like(one[0]), after = rand_like(one[1]);
  default_generator().set_state(state);
  CHECK(same_bits(next, randn_like(one[0])));
  CHECK(same_bits(after, rand_like(one[1])));
  CHECK(!equal(next, one[0]));
  manual_seed(8);
  CHECK(!equal(randn({300, 301}), one[0]));
  Generator a(3), b(3);
  CHECK(a.next_u64() == b.next_u64());
  b.manual_seed(3);
  CHECK(a.next_u64() != b.next_u64());
  CHECK(a.reserve(10) == 2);
}

TEST_CASE("random fills of any layout, and what they refuse") {
  Generator g(5), h(5);
  Tensor turned = zeros({4, 3}).t();
  normal_(turned, 0, 1, g);
  CHECK(equal(turned, randn({3, 4}, {}, h)));
  CHECK(turned.version() == 1);
  Tensor x = zeros({2}, {.requires_grad = true});
  CHECK(uniform_(x, 1, 2).is_same(x));
  CHECK(rand({2}, {.requires_grad = true}).requires_grad());
  CHECK(randn({2}, {.requires_grad = true}).is_leaf());

  CHECK(error_of([] { uniform_(zeros({2}), 2, 1); }) ==
        "[uniform_] expected low <= high, got 2.0 and 1.0");
  CHECK(error_of([] { normal_(zeros({2}), 0, -1); }) ==
        "[normal_] expected a standard deviation of 0 or more, got -1.0");
  CHECK(error_of([] { bernoulli_(zeros({2}), 1.5); }) ==
        "[bernoulli_] expected a probability from 0 to 1, got 1.5");
  CHECK(error_of([] {
          uniform_(tensor({1, 2}), 0, 1);
        }) == "[uniform_] expected a floating tensor, got int64");
  CHECK(error_of([] { randn({2}, {.dtype = kInt64}); }) ==
        "[normal_] expected a floating tensor, got int64");
  CHECK(error_of([&] { normal_(x * 2.0, 0, 1); }) ==
        "[normal_] expected a tensor without history, got the result of mul");
  CHECK(error_of([] {
          uniform_(zeros({1}).expand({3}), 0, 1);
        }).find("whose elements have memory of their own") != std::string::npos);
  CHECK(error_of([] { uniform_(Tensor(), 0, 1); }) ==
        "[uniform_] expected a defined tensor, got an undefined one; Tensor() is undefined, and so "
        "is grad() before backward()");
  CHECK(error_of([] { randint(3, 3, {2}); }) == "[randint] expected low < high, got 3 and 3");
  CHECK(error_of([] { randint(0, 300, {2}, {.dtype = kUInt8}); }) ==
        "[randint] expected a range that fits uint8, got [0, 300)");
  CHECK(error_of([] { randperm(-1); }) == "[randperm] expected 0 or more, got -1");
  CHECK(error_of([] { Generator().below(0); }) ==
        "[random] expected a range with at least one number, got none");
}
