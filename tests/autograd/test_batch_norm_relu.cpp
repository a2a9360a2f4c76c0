// Batch normalisation with ReLU, in one pass over memory or two: the same bits. And any number of
// threads.
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using functional::batch_norm;
using functional::BatchNormArgs;

namespace {

// Long planes with and without an odd end, planes cut into pieces, short ones, single values, few.
const std::vector<Shape> kShapes = {{8, 5, 12, 16}, {3, 4, 19, 21}, {40, 17, 50}, {2, 2, 40000},
                                    {30, 5, 3, 4},  {300, 7},       {9, 130},     {5, 3, 2, 2}};

// Of a tensor, and of one whose every element is moved: more takes minutes with a sanitizer.
#ifdef NORMA_SANITIZE
constexpr int64_t kMostValues = 1'000'000, kMostDifferences = 1000;
#else
constexpr int64_t kMostValues = 10'000'000, kMostDifferences = 10'000;
#endif

struct Case {
  Shape sizes;
  DType dtype = kFloat32;
  bool training = true, affine = true, trainable = true;
  bool odd_values = false;
};

struct Outcome {
  Tensor y, dx, dw, db, mean, var;
};

using Forward = std::function<Tensor(Tensor x, const BatchNormArgs& args)>;

Outcome outcome(const Case& c, const Forward& forward) {
  manual_seed(3);
  const Shape channels{c.sizes[1]};
  const auto random = [&](const Shape& sizes) { return randn(sizes, {.dtype = c.dtype}); };
  Tensor x = random(c.sizes) * 2.0 + 0.5;
  BatchNormArgs args{.running_mean = random(channels) * 0.1,
                     .running_var = random(channels).square() + 0.5,
                     .training = c.training};
  if (c.affine) {
    args.weight = random(channels);
    args.bias = random(channels) * 0.3;
  }
  if (c.odd_values) {  // results of exactly 0 of either sign, and channels that are not finite
    x.select(1, 0).fill_(3);
    if (c.affine) args.bias.select(0, 0).fill_(-0.0);
    x.select(1, 1).select(0, 0).fill_(std::numeric_limits<double>::quiet_NaN());
    if (c.sizes[1] > 2) x.select(1, 2).select(0, 0).fill_(std::numeric_limits<double>::infinity());
  }
  if (c.affine && c.trainable) {
    args.weight.requires_grad_();
    args.bias.requires_grad_();
  }
  x.requires_grad_();
  const Tensor y = forward(x * 1.0, args);
  y.backward(random(c.sizes));
  const auto grad = [](const Tensor& t) { return t.defined() ? t.grad() : Tensor(); };
  return {y, x.grad(), grad(args.weight), grad(args.bias), args.running_mean, args.running_var};
}

Tensor apart(Tensor x, const BatchNormArgs& args) {
  const Tensor normalised = batch_norm(x, args);
  return normalised.relu();
}
Tensor at_once(Tensor x, BatchNormArgs args) {
  args.relu = true;
  return batch_norm(std::move(x), args);
}
Tensor of_temporary(Tensor x, const BatchNormArgs& args) {
  return relu(batch_norm(std::move(x), args));
}

void check_same(const Outcome& got, const Outcome& want) {
  CHECK(differing_bits(got.y, want.y) == "");
  CHECK(differing_bits(got.dx, want.dx) == "");
  CHECK(differing_bits(got.dw, want.dw) == "");
  CHECK(differing_bits(got.db, want.db) == "");
  CHECK(differing_bits(got.mean, want.mean) == "");
  CHECK(differing_bits(got.var, want.var) == "");
}

}  // namespace

TEST_CASE("ReLU within batch_norm gives the bits of ReLU after it") {
  for (const Shape& sizes : kShapes) {
    for (const DType dtype : {kFloat32, kFloat64}) {
      for (const bool training : {true, false}) {
        for (const bool affine : {true, false}) {
          for (const bool odd_values : {false, true}) {
            const Case c{sizes, dtype, training, affine, true, odd_values};
            INFO(sizes.str() << " " << dtype_name(dtype) << (training ? " training" : " evaluation")
                             << (affine ? "" : " plain") << (odd_values ? " odd values" : ""));
            const Outcome want = outcome(c, apart);
            check_same(outcome(c, at_once), want);
            check_same(outcome(c, of_temporary), want);
          }
        }
      }
    }
  }
}

TEST_CASE("without trainable parameters, too") {
  for (const bool training : {true, false}) {
    const Case c{{8, 5, 12, 16}, kFloat32, training, true, false};
    check_same(outcome(c, at_once), outcome(c, apart));
    check_same(outcome(c, of_temporary), outcome(c, apart));
  }
}

TEST_CASE("its gradients are right") {
  manual_seed(5);
  for (const Shape& sizes : {Shape{2, 2, 32}, Shape{35, 2, 33}, Shape{6, 3}}) {
    if (sizes.numel() > kMostDifferences) continue;
    for (const bool training : {true, false}) {
      const Tensor mean = zeros({sizes[1]}, {.dtype = kFloat64});
      const auto f = [&](const std::vector<Tensor>& in) {
        return batch_norm(in[0], {.running_mean = mean.clone(),
                                  .running_var = mean + 1.0,
                                  .weight = in[1],
                                  .bias = in[2],
                                  .training = training,
                                  .relu = true});
      };
      const auto leaf = [](const Shape& shape) {
        return randn(shape, {.dtype = kFloat64, .requires_grad = true});
      };
      const std::string error =
          gradient_error(f, {leaf(sizes), leaf({sizes[1]}), leaf({sizes[1]})});
      CHECK(error == "");
    }
  }
}

TEST_CASE("what the graph says of it") {
  const Tensor x = randn({8, 2, 16}).requires_grad_();
  Tensor w = ones({2}).requires_grad_();
  CHECK(at_once(x, {.weight = w, .training = true}).grad_fn_name() == "batch_norm_relu");
  CHECK(of_temporary(x, {.weight = w, .training = true}).grad_fn_name() == "batch_norm_relu");
  CHECK(apart(x, {.weight = w, .training = true}).grad_fn_name() == "relu");
  const Tensor y = of_temporary(x, {.weight = w, .training = true});
  {
    const NoGradGuard no_grad;
    w.mul_(2.0);
  }
  CHECK(error_of([&] { y.sum().backward(); })
            .find("[batch_norm_relu] expected the values that backward needs as they were, got a "
                  "tensor of shape [2] that was changed in place since") == 0);
}

TEST_CASE("a normalised tensor that somebody keeps is not touched") {
  const Tensor x = randn({8, 2, 64}).requires_grad_();
  Tensor y = batch_norm(x, {.training = true});
  const Tensor kept = y, before = y.detach().clone();
  const Tensor z = relu(std::move(y));
  CHECK(differing_bits(kept, before) == "");
  CHECK(kept.grad_fn_name() == "batch_norm");
  // Its own gradient does not pass through the ReLU.
  const Tensor given = randn({8, 2, 64});
  kept.backward(given);
  const Tensor other = x.detach().clone().requires_grad_();
  batch_norm(other, {.training = true}).backward(given);
  CHECK(differing_bits(x.grad(), other.grad()) == "");
}

TEST_CASE("its result may change in place before backward") {
  const Tensor x = randn({8, 2, 64}).requires_grad_(), other = x.detach().clone().requires_grad_();
  Tensor y = of_temporary(x, {.training = true});
  y.add_(1.0);
  y.backward(ones({8, 2, 64}));
  apart(other, {.training = true}).backward(ones({8, 2, 64}));
  CHECK(differing_bits(x.grad(), other.grad()) == "");
}

TEST_CASE("a graph that is kept runs twice") {
  const Tensor x = randn({8, 2, 64}).requires_grad_();
  const Tensor loss = (of_temporary(x, {.training = true}) * x.detach()).sum();
  loss.backward(Tensor(), true);
  const Tensor once = x.grad().clone();
  loss.backward();
  CHECK(equal(x.grad(), once * 2.0));
}

TEST_CASE("without a graph the result lies in the memory of a temporary") {
  const NoGradGuard no_grad;
  for (const Shape& sizes : kShapes) {
    for (const bool training : {true, false}) {
      const BatchNormArgs args{
          .running_mean = zeros({sizes[1]}), .running_var = ones({sizes[1]}), .training = training};
      Tensor x = randn(sizes);
      const Tensor kept = x.clone();
      const Tensor want = batch_norm(kept, args);
      const void* memory = x.raw_data();
      const Tensor y = batch_norm(std::move(x), args);
      CHECK(y.raw_data() == memory);
      CHECK(want.raw_data() != kept.raw_data());
      CHECK(differing_bits(y, want) == "");
    }
  }
}

TEST_CASE("inputs and gradients in other layouts") {
  const Tensor x = randn({8, 3, 40}), dy = randn({8, 3, 40});
  Tensor a = x.clone().requires_grad_(), b = scattered(x).requires_grad_();
  at_once(a, {.training = true}).backward(dy);
  at_once(b, {.training = true}).backward(scattered(dy));
  CHECK(differing_bits(b.grad(), a.grad()) == "");
}

TEST_CASE("any number of threads gives the same bits") {
  for (const Shape& sizes :
       {Shape{1, 1, 150000}, Shape{3, 2, 40000}, Shape{64, 3, 1024}, Shape{70, 33, 100},
        Shape{64, 16, 64}, Shape{600, 40}, Shape{1100, 20, 256}}) {
    if (sizes.numel() > kMostValues) continue;
    for (const Forward& forward : {Forward(at_once), Forward(apart)}) {
      INFO(sizes.str());
      const auto on = [&](int threads) {
        const ThreadCount guard(threads);
        return outcome({sizes}, forward);
      };
      const Outcome alone = on(1);
      for (const int threads : {2, 3, 8}) check_same(on(threads), alone);
    }
  }
}

TEST_CASE("a single channel of many values is accurate far from zero") {
  for (const int threads : {1, 4}) {
    const ThreadCount guard(threads);
    manual_seed(1);
    const Tensor x = randn({1, 2, 100000}, {.dtype = kFloat64});
    const Tensor far = (x + 1000.0).to(kFloat32);
    const Tensor wide = far.to(kFloat64);
    const Tensor y = batch_norm(far, {.training = true});
    const Tensor mean = wide.mean({2}, true), var = wide.var({2}, false, true);
    const Tensor want = (wide - mean) / (var + 1e-5).sqrt();
    CHECK(mismatch(y.to(kFloat64), want, 1e-6, 2e-7) == "");
    // A first value far from all others makes a shift that cannot be trusted.
    far.select(2, 0).fill_(3e7);
    const Tensor odd = far.to(kFloat64);
    const Tensor m = odd.mean({2}, true), v = odd.var({2}, false, true);
    CHECK(mismatch(batch_norm(far, {.training = true}).to(kFloat64), (odd - m) / v.sqrt(), 1e-5,
                   1e-6) == "");
  }
}

TEST_CASE("a result that was changed outside the graph is not joined with the ReLU after it") {
  const auto gradient = [](bool given) {
    manual_seed(4);
    const Tensor x = randn({6, 3}, {.requires_grad = true}), k = randn({6, 3});
    Tensor y = batch_norm(x, {.training = true});
    y.detach().neg_();
    const Tensor z = given ? relu(std::move(y)) : y.relu();
    (z * k).sum().backward();
    return x.grad();
  };
  CHECK(equal(gradient(true), gradient(false)));
}

TEST_CASE("a result whose graph was freed is not joined with the ReLU after it") {
  const Tensor x = randn({6, 3}, {.requires_grad = true});
  Tensor y = batch_norm(x, {.training = true});
  y.sum().backward();
  const Tensor z = relu(std::move(y));
  CHECK(error_of([&] { z.sum().backward(); })
            .find("[batch_norm] expected a graph that was not "
                  "freed yet") == 0);
}

TEST_CASE("channels with more values than a cache holds") {
  manual_seed(2);
  const Tensor x = randn({1100, 9, 256}) + 3.0, dy = randn(x.sizes());
  const Tensor leaf = x.detach().requires_grad_();
  const Tensor y = batch_norm(leaf, {.training = true});
  y.backward(dy);
  const oracle::Norm want = oracle::batch_norm(x, {.training = true}, dy);
  CHECK(worst_error(y, want.y) < 1e-6);
  CHECK(worst_error(leaf.grad(), want.dx) < 1e-6);
}

TEST_CASE("evaluation of rows with many channels") {
  manual_seed(3);
  for (const Shape& sizes : {Shape{5, 150}, Shape{3, 40, 5}, Shape{300, 64}, Shape{200, 65}}) {
    INFO(sizes.str());
    const Tensor x = randn(sizes), mean = randn({sizes[1]}), var = rand({sizes[1]}) + 0.5;
    const Tensor weight = randn({sizes[1]}), bias = randn({sizes[1]});
    BatchNormArgs args{mean, var, weight, bias};
    const std::vector<double> want = oracle::batch_norm(x, args, x).y;
    CHECK(worst_error(batch_norm(x, args), want) < 1e-6);
    Tensor own = x.clone();
    const float* const memory = own.data_ptr<float>();
    const NoGradGuard no_grad;
    const Tensor there = batch_norm(std::move(own), args);
    CHECK(there.data_ptr<float>() == memory);
    CHECK(worst_error(there, want) < 1e-6);
    args.relu = true;
    CHECK(worst_error(batch_norm(x, args), oracle::batch_norm(x, args, x).y) < 1e-6);
  }
}

TEST_CASE("batch_norm with ReLU under detect_anomaly names what went wrong") {
  const DetectAnomalyGuard guard;
  const Tensor x = randn({8, 2, 16}).requires_grad_();
  const Tensor w = full({2}, INFINITY).requires_grad_();
  CHECK(error_of([&] {
          at_once(x, {.weight = w, .training = true});
        }).find("[batch_norm] expected a finite result (detect_anomaly), got 256 of 256") == 0);
  const Tensor y = at_once(x, {.training = true});
  CHECK(y.grad_fn_name() == "relu");
}
