// detect_anomaly: what it finds, what it says, what it leaves alone.
#include <limits>
#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::InputGrads;
using autograd::record;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor leaf(const NestedList& values) {
  return tensor(values, {.dtype = kFloat64, .requires_grad = true});
}
Tensor plain(const NestedList& values) { return tensor(values, {.dtype = kFloat64}); }

}  // namespace

TEST_CASE("anomalies are looked for while the guard lives, on its thread") {
  const Tensor x = leaf({0});
  CHECK(!is_anomaly_enabled());
  CHECK(error_of([&] { x.log(); }) == "no error");
  {
    const DetectAnomalyGuard guard;
    CHECK(is_anomaly_enabled());
    CHECK(error_of([&] { x.log(); }).find("[log] ") == 0);
    {
      const DetectAnomalyGuard inner({.check_inf = false});
      CHECK(error_of([&] { x.log(); }) == "no error");
    }
    CHECK(error_of([&] { x.log(); }).find("[log] ") == 0);
    bool elsewhere = true;
    std::thread([&] { elsewhere = is_anomaly_enabled(); }).join();
    CHECK(!elsewhere);
  }
  CHECK(!is_anomaly_enabled());
  set_detect_anomaly(true);
  CHECK(is_anomaly_enabled());
  CHECK(error_of([&] { x.log(); }).find("[log] ") == 0);
  set_detect_anomaly(false);
  CHECK(!is_anomaly_enabled());
  CHECK(error_of([&] { x.log(); }) == "no error");
}

TEST_CASE("forward: the first operation whose result is not finite") {
  const DetectAnomalyGuard guard;
  const Tensor x = leaf({{1, 0, 2}, {0, -1, 3}});
  SECTION("its inputs were finite") {
    CHECK(error_of([&] { (x + 1.0).sub(1.0).log().sum(); }) ==
          "[log] expected a finite result (detect_anomaly), got 3 of 6 values not finite in shape "
          "[2, 3], the first -inf at [0, 1]; what it was given was finite");
    CHECK(
        error_of([&] { x.select(0, 0).select(0, 1).log(); }) ==
        "[log] expected a finite result (detect_anomaly), got -inf in shape []; what it was given "
        "was finite");
  }
  SECTION("a leaf was not") {
    const Tensor bad = leaf({1, kNan, -kInf});
    CHECK(error_of([&] { x.mul(bad); }) ==
          "[mul] expected a finite result (detect_anomaly), got 4 of 6 values not finite in shape "
          "[2, 3], the first nan at [0, 1]; input 1 of 2, a leaf, was not finite before: 2 of 3 "
          "values not finite in shape [3], the first nan at [1]");
    CHECK(error_of([&] { bad.clone(); }).find("its input, a leaf, was not finite before: ") !=
          std::string::npos);
  }
  SECTION("data was not") {
    CHECK(error_of([&] {
            x.mul(plain({kInf, 1, 1}));
          })
              .find("; input 1 of 2, a tensor outside the graph, was not finite before: 1 of 3 "
                    "values not finite in shape [3], the first inf at [0]") != std::string::npos);
  }
  SECTION("it was made before anyone looked") {
    set_detect_anomaly(false);
    const Tensor early = x.log();
    set_detect_anomaly(true);
    CHECK(error_of([&] {
            early * 2.0;
          }).find("; its input, the result of log, was not finite before: 3 of 6") !=
          std::string::npos);
  }
  SECTION("non-contiguous, empty, integer and boolean results") {
    CHECK(error_of([&] {
            leaf({{1, 2}, {0, 3}, {5, 6}}).transpose(0, 1).log();
          }).find("the first -inf at [0, 1]") != std::string::npos);
    CHECK(error_of([&] { x.slice(0, 0, 0).log(); }) == "no error");
    CHECK(error_of([&] { x.log(); }).find("[log]") == 0);
    CHECK(error_of([&] { (x > 0).to(kInt64).sum(); }) == "no error");
    CHECK(error_of([&] {
            ones({1, 1}, {.requires_grad = true}).expand({1, 1}).div(0.0);
          }).find("got inf in shape [1, 1]") != std::string::npos);
  }
  SECTION("several inputs") {
    CHECK(error_of([&] {
            cat({x, leaf({{1, 2, kNan}})});
          }).find("; input 1 of 2, a leaf, was not finite before: 1 of 3") != std::string::npos);
  }
  SECTION("the weights of a loss, which are no inputs of its graph") {
    const Tensor y = tensor({0, 1});
    CHECK(error_of([&] {
            functional::cross_entropy(x, y, {.weight = plain({1, kNan, 1})});
          }).find("[cross_entropy] ") == 0);
    CHECK(error_of([&] {
            functional::cross_entropy(x, y, {.weight = plain({1, kNan, 1})});
          }).find("; input 2 of 4, a tensor outside the graph, was not finite") !=
          std::string::npos);
    CHECK(error_of([&] {
            functional::cross_entropy(x, x.detach().softmax(1), {.weight = plain({1, kNan, 1})});
          }).find("; input 2 of 4, a tensor outside the graph, was") != std::string::npos);
    CHECK(error_of([&] {
            functional::nll_loss(x, y, {.weight = plain({kInf, 1, 1})});
          }).find("; input 2 of 4, a tensor outside the graph, was") != std::string::npos);
    CHECK(error_of([&] {
            functional::binary_cross_entropy_with_logits(x, x.detach(),
                                                         {.pos_weight = plain({kInf, 1, 1})});
          }).find("; input 3 of 4, a tensor outside the graph, was") != std::string::npos);
  }
  SECTION("the statistics of batch_norm") {
    const Tensor mean = plain({0, 0, 0}), var = plain({1, 1, kNan});
    CHECK(error_of([&] {
            functional::batch_norm(x, {.running_mean = mean, .running_var = var});
          }).find("; input 4 of 5, a tensor outside the graph, was not finite before: 1 of 3") !=
          std::string::npos);
  }
}

TEST_CASE("in place: nothing has changed yet when the error comes") {
  const DetectAnomalyGuard guard;
  const Tensor x = leaf({4, 9});
  Tensor y = x * 1.0;
  CHECK(error_of([&] { y.div_(plain({2, 0})); }).find("[div] ") == 0);
  CHECK(equal(y, plain({4, 9})));
  y.sum().backward();
  CHECK(equal(x.grad(), plain({1, 1})));
}

TEST_CASE("what is not recorded is not checked") {
  const DetectAnomalyGuard guard;
  CHECK(error_of([] { plain({0}).log(); }) == "no error");
  const Tensor x = leaf({0});
  const NoGradGuard no_grad;
  CHECK(error_of([&] { x.log(); }) == "no error");
}

TEST_CASE("infinities may be allowed, and NaN") {
  const Tensor x = leaf({{1, 2}, {3, 4}});
  const Tensor upper = tensor({{0, 1}, {0, 0}}).to(kBool);
  const auto attention = [&] { return x.masked_fill(upper, -kInf).softmax(1).sum(); };
  {
    const DetectAnomalyGuard guard;
    CHECK(error_of([&] { attention(); })
              .find("[where] expected a finite result (detect_anomaly), got 1 of 4 values not "
                    "finite in shape [2, 2], the first -inf at [0, 1]; input 0 of 3, a tensor "
                    "outside the graph, was not finite before: -inf in shape []") == 0);
  }
  {
    const DetectAnomalyGuard guard({.check_inf = false});
    CHECK(error_of([&] { attention().backward(); }) == "no error");
    CHECK(error_of([&] { (x - 1.0).log().mul(0.0); }) ==
          "[mul] expected a result without nan (detect_anomaly), got 1 of 4 values nan in "
          "shape [2, 2], the first nan at [0, 0]; its input, the result of log, was not finite "
          "before: 1 of 4 values not finite in shape [2, 2], the first -inf at [0, 0]");
  }
  {
    const DetectAnomalyGuard guard({.check_nan = false});
    CHECK(error_of([&] { (x - 2.0).log().log(); }) ==
          "[log] expected a result without infinities (detect_anomaly), got 1 of 4 values "
          "infinite in shape [2, 2], the first -inf at [0, 1]; what it was given was finite");
    CHECK(error_of([&] { (x - 1.5).log(); }) == "no error");
  }
}

TEST_CASE("backward: the first gradient that is not finite") {
  const DetectAnomalyGuard guard;
  const Tensor x = leaf({0.25, 0, 0});
  SECTION("for the only input") {
    CHECK(
        error_of([&] { (x * 1.0).sqrt().sum().backward(); }) ==
        "[sqrt] expected a finite gradient in backward (detect_anomaly), got 2 of 3 values not "
        "finite in shape [3], the first inf at [1], for its input, the result of mul; the gradient "
        "of its result was finite");
    CHECK(!x.grad().defined());
  }
  SECTION("for one of several") {
    const Tensor one = leaf({1});
    CHECK(error_of([&] { one.mul(x.sqrt()).sum().backward(); }).find("for its input, a leaf; ") !=
          std::string::npos);
    CHECK(error_of([&] {
            one.mul(1e200).div(leaf({1e-200}).mul(1.0)).backward();
          }).find("[div] ") == 0);
    CHECK(error_of([&] {
            (one * 1.0).div(leaf({1e-160})).backward();
          }).find("for input 1 of 2, a leaf; the gradient") != std::string::npos);
  }
  SECTION("where() hides a result, but not its gradient") {
    const Tensor safe = where(x > 0, x.sqrt(), zeros_like(x));
    CHECK(error_of([&] { safe.sum().backward(); })
              .find("got 2 of 3 values not finite in shape [3], the first nan at [1], for its "
                    "input, a leaf") != std::string::npos);
  }
  SECTION("a sum over uses") {
    const double large = 1e308;
    const Tensor y = x * 1.0;
    CHECK(
        error_of([&] { (y * large + y * large).sum().backward(); }) ==
        "[mul] expected a finite gradient in backward (detect_anomaly), got 3 of 3 values not "
        "finite in shape [3], the first inf at [0], the sum over the uses of its result; each part "
        "was finite");
    CHECK(error_of([&] { (x * large + x * large).sum().backward(); }) ==
          "[accumulate_grad] expected a finite gradient in backward (detect_anomaly), got 3 of 3 "
          "values not finite in shape [3], the first inf at [0], the sum over the uses of a leaf; "
          "each part was finite");
  }
  SECTION("a sum over calls") {
    (x * 1e308).sum().backward();
    CHECK(
        error_of([&] { (x * 1e308).sum().backward(); }) ==
        "[accumulate_grad] expected a finite gradient in backward (detect_anomaly), got 3 of 3 "
        "values not finite in shape [3], the first inf at [0], in the grad() of a leaf, which held "
        "one before; what was added to it was finite; zero_grad() first");
  }
  SECTION("the sum over a broadcast") {
    const Tensor one = leaf({1});
    CHECK(error_of([&] {
            one.mul(full({4}, 1e308, {.dtype = kFloat64})).sum().backward();
          }).find("[sum] ") == 0);  // of the result, already
    CHECK(error_of([&] {
            one.mul(plain({1e308, 1e308})).mul(plain({1, -1})).sum().backward(plain({1}).sum());
          }) == "no error");
    CHECK(error_of([&] {
            one.expand({2}).mul(plain({1e308, 1e308})).backward(plain({1, 1}));
          }).find("[expand] expected a finite gradient in backward") == 0);
  }
  SECTION("the one it was given") {
    CHECK(error_of([&] {
            (x * 2.0).backward(plain({1, kNan, 1}));
          }) ==
          "[backward] expected a finite gradient to start from (detect_anomaly), got 1 of 3 values "
          "not finite in shape [3], the first nan at [1]");
  }
  SECTION("the graph was recorded before anyone looked") {
    set_detect_anomaly(false);
    const Tensor y = x.sqrt().sum();
    set_detect_anomaly(true);
    CHECK(
        error_of([&] { y.backward(); }) ==
        "[sqrt] expected a finite gradient in backward (detect_anomaly), got 2 of 3 values not "
        "finite in shape [3], the first inf at [1], for its input; the gradient of its result was "
        "finite");
  }
  SECTION("values inside a backward function are its own business") {
    const Tensor y =
        record("careful", x.detach().clone(), {&x}, [](const Tensor& g, InputGrads& d) {
          CHECK(!is_anomaly_enabled());
          const Tensor inner = g.clone().requires_grad_();
          d[0] = inner.div(0.0).eq(kInf).to(g.dtype());
        });
    CHECK(error_of([&] { y.sum().backward(); }) == "no error");
    CHECK(is_anomaly_enabled());
    CHECK(equal(x.grad(), plain({1, 1, 1})));
  }
  SECTION("the mode is back after an error") {
    CHECK(error_of([&] { x.sqrt().sum().backward(); }).find("[sqrt] ") == 0);
    CHECK(is_anomaly_enabled());
    CHECK(grad_enabled());
  }
}

TEST_CASE("a step without anomalies gives the same numbers and leaves nothing behind") {
  const auto step = [](Tensor& w, const Tensor& x) {
    w.set_grad(Tensor());
    const Tensor y = x.matmul(w).relu().softmax(1);
    Tensor z = y * 2.0;
    z.select(1, 0).mul_(3.0);
    (z.sum(0).square().sum() + w.norm()).backward();
    return w.grad().clone();
  };
  Tensor w = randn({5, 4}, {.requires_grad = true});
  const Tensor x = randn({7, 5});
  const Tensor want = step(w, x);
  const int64_t nodes = autograd::live_nodes(), bytes = live_storage_bytes();
  {
    const DetectAnomalyGuard guard;
    CHECK(equal(step(w, x), want));
  }
  CHECK(autograd::live_nodes() == nodes);
  CHECK(live_storage_bytes() == bytes);
}
