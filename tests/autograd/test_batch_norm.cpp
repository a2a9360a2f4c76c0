#include <limits>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_norm.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/thread_count.h"

using norma::kFloat32;
using norma::kFloat64;
using norma::Shape;
using norma::Tensor;
using norma::functional::batch_norm;
using norma::functional::BatchNormArgs;

namespace {

Tensor some(const std::vector<double>& values, bool requires_grad = false) {
  if (values.empty()) return Tensor();
  const Tensor t = tensor_of(values, {static_cast<int64_t>(values.size())});
  return requires_grad ? t.clone().requires_grad_() : t;
}

/// The largest error of one float32 forward and backward pass against the loops above. Sums of
/// gradients may be as large as the number of elements: their error is taken relative to its root.
double float_error(int64_t n, int64_t channels, int64_t length, bool training, double mean = 0.5) {
  const Tensor x = (norma::randn({n, channels, length}) * 1.5 + mean).detach().requires_grad_();
  const Tensor w = (norma::rand({channels}) + 0.5).detach().requires_grad_();
  const Tensor b = norma::randn({channels}, {.requires_grad = true});
  const Tensor dy = norma::randn({n, channels, length});
  const Tensor running_mean = norma::randn({channels}) + mean;
  const Tensor running_var = norma::rand({channels}) + 0.5;
  const BatchNormArgs args{running_mean, running_var, w, b, training, 0.25};
  const oracle::Norm want = oracle::batch_norm(x, args, dy);
  const Tensor y = batch_norm(length == 1 ? x.reshape({n, channels}) : x, args);
  y.backward(dy.reshape(y.sizes()));
  const double root = std::sqrt(static_cast<double>(n * length));
  return std::max(
      {worst_error(y, want.y), worst_error(x.grad(), want.dx),
       worst_error(w.grad(), want.dweight) / root, worst_error(b.grad(), want.dbias) / root,
       worst_error(running_mean, want.running_mean), worst_error(running_var, want.running_var)});
}

}  // namespace

TEST_CASE("batch_norm gives PyTorch's numbers") {
  for (const golden::BatchNormCase& c : golden::batch_norm_cases) {
    INFO(c.sizes.str() << (c.training ? " training" : " evaluation") << " eps " << c.eps);
    const Tensor x = tensor_of(c.input, c.sizes).clone().requires_grad_();
    const Tensor mean = some(c.mean_before), var = some(c.var_before);
    const Tensor w = some(c.weight, true), b = some(c.bias, true);
    const Tensor y = batch_norm(x, {mean, var, w, b, c.training, c.momentum, c.eps});
    CHECK(y.grad_fn_name() == "batch_norm");
    weighted_sum(y).backward();
    CHECK(worst_error(y, c.output) < 1e-12);
    CHECK(worst_error(mean, c.mean_after) < 1e-13);
    CHECK(worst_error(var, c.var_after) < 1e-13);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-12);
    CHECK(worst_error(w.defined() ? w.grad() : Tensor(), c.weight_grad) < 1e-12);
    CHECK(worst_error(b.defined() ? b.grad() : Tensor(), c.bias_grad) < 1e-12);
  }
}

TEST_CASE("batch_norm in float32 against loops in double, for every way of walking") {
  norma::manual_seed(1);
  struct Sizes {
    int64_t n, channels, length;
  };
  for (const Sizes& s : std::vector<Sizes>{
           {32, 16, 1},  {2, 1, 1},    {65, 3, 1},   {7, 10, 1},  {3, 20, 1},    {33, 32, 1},
           {9, 33, 1},   {70, 64, 1},  {12, 65, 1},  {5, 100, 1}, {300, 130, 1}, {1, 3, 2},
           {3, 2, 2},    {9, 5, 3},    {4, 21, 3},   {4, 22, 3},  {3, 3, 7},     {2, 1, 49},
           {5, 3, 49},   {1, 2, 63},   {2, 2, 64},   {1, 1, 65},  {3, 2, 130},   {4, 3, 784},
           {1, 2, 2048}, {2, 1, 2049}, {1, 1, 10000}}) {
    for (const bool training : {true, false}) {
      INFO(s.n << " x " << s.channels << " x " << s.length << (training ? " train" : " eval"));
      CHECK(float_error(s.n, s.channels, s.length, training) < 3e-6);
    }
  }
}

TEST_CASE("batch_norm stays accurate where the mean is large") {
  norma::manual_seed(2);
  struct Sizes {
    int64_t n, channels, length;
  };
  for (const Sizes& s : std::vector<Sizes>{{64, 10, 1}, {256, 100, 1}, {16, 3, 20}, {8, 2, 784}}) {
    INFO(s.n << " x " << s.channels << " x " << s.length);
    const Tensor x = norma::randn({s.n, s.channels, s.length}) + 1e4;
    const Tensor dy = norma::randn({s.n, s.channels, s.length});
    const Tensor leaf = x.detach().requires_grad_();
    const Tensor mean = norma::zeros({s.channels}), var = norma::ones({s.channels});
    const BatchNormArgs args{
        .running_mean = mean, .running_var = var, .training = true, .momentum = 1.0};
    const oracle::Norm want = oracle::batch_norm(leaf, args, dy);
    const Tensor y = batch_norm(leaf, args);
    CHECK(worst_error(y, want.y) < 1e-6);
    y.backward(dy);
    CHECK(worst_error(leaf.grad(), want.dx) < 1e-6);
    CHECK(worst_error(mean, want.running_mean) < 1e-7);
  }
}

TEST_CASE("batch_norm of inputs whose first values mislead") {
  // The first values are far from all others; squares exceed float's range, or vanish in it.
  for (const Shape& sizes : {Shape{400, 3}, Shape{4, 3, 100}}) {
    for (const double scale : {1.0, 1e30, 1e-30}) {
      INFO(sizes.str() << " scale " << scale);
      Tensor x = norma::randn(sizes, {.dtype = kFloat64});
      if (sizes.size() == 2) {
        x.narrow(0, 0, 9).add_(1e6);
      } else {
        x.narrow(0, 0, 1).narrow(2, 0, 64).add_(1e6);
      }
      x = (x * scale).to(kFloat32);
      const BatchNormArgs args{.training = true, .eps = scale < 1 ? 1e-300 : 1e-5};
      CHECK(worst_error(batch_norm(x, args), oracle::batch_norm(x, args, x).y) < 1e-5);
    }
  }
}

TEST_CASE("batch_norm of a constant channel is exactly its bias") {
  for (const double value : {0.0, 0.1, -1e4, 3e20}) {
    for (const Shape& sizes : {Shape{5, 2}, Shape{33, 70}, Shape{3, 2, 7}, Shape{2, 2, 9, 9}}) {
      for (const double eps : {1e-5, 1e-3}) {
        INFO(value << " " << sizes.str() << " eps " << eps);
        const Tensor x = norma::full(sizes, value).requires_grad_();
        const Tensor mean = norma::zeros({sizes[1]}), var = norma::ones({sizes[1]});
        const Tensor y = batch_norm(x, {.running_mean = mean,
                                        .running_var = var,
                                        .training = true,
                                        .momentum = 1.0,
                                        .eps = eps});
        CHECK(norma::equal(y, norma::zeros(sizes)));
        CHECK(norma::equal(var, norma::zeros({sizes[1]})));
        CHECK(norma::equal(mean, norma::full({sizes[1]}, value)));
        weighted_sum(y).backward();
        CHECK(x.grad().isfinite().all().item<bool>());
        const Tensor bias = norma::randn({sizes[1]});
        const Tensor shifted = batch_norm(x.detach(), {.bias = bias, .training = true, .eps = eps});
        CHECK(norma::equal(shifted.select(0, 1).select(0, 1),
                           bias[1].expand(shifted.select(0, 1).select(0, 1).sizes())));
      }
    }
  }
}

TEST_CASE("batch_norm lets NaN and infinity through") {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Tensor x = norma::randn({8, 2});
    x.narrow(0, 3, 1).narrow(1, 0, 1).fill_(value);
    const Tensor y = batch_norm(x, {.training = true});
    CHECK(y.select(1, 0).isnan().any().item<bool>());
    CHECK(y.select(1, 1).isfinite().all().item<bool>());
  }
}

TEST_CASE("batch_norm gives the same bits for every number of threads") {
  for (const Shape& sizes : {Shape{512, 200}, Shape{300, 64, 1}, Shape{64, 20, 100}}) {
    INFO(sizes.str());
    const Tensor x = norma::randn(sizes), dy = norma::randn(sizes);
    std::vector<std::vector<double>> results;
    for (const int count : {1, 2, 3}) {
      const ThreadCount guard(count);
      const Tensor leaf = x.detach().requires_grad_();
      const Tensor w = norma::ones({sizes[1]}, {.requires_grad = true});
      const Tensor mean = norma::zeros({sizes[1]}), var = norma::ones({sizes[1]});
      const Tensor y = batch_norm(leaf, {mean, var, w, Tensor(), true});
      y.backward(dy);
      std::vector<double> all = to_vector(y);
      for (const Tensor& t : {leaf.grad(), w.grad(), mean, var}) {
        const std::vector<double> more = to_vector(t);
        all.insert(all.end(), more.begin(), more.end());
      }
      results.push_back(all);
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}

TEST_CASE("batch_norm takes any strides") {
  norma::manual_seed(3);
  const Tensor base = norma::randn({4, 6, 3}, {.requires_grad = true});  // [B, T, D]
  const Tensor packed = base.detach().transpose(1, 2).contiguous().requires_grad_();
  const Tensor a = batch_norm(base.transpose(1, 2), {.training = true}).transpose(1, 2);
  const Tensor b = batch_norm(packed, {.training = true});
  CHECK(norma::equal(a.transpose(1, 2), b));
  const Tensor dy = norma::randn({4, 6, 3});
  a.backward(dy);  // reaches batch_norm transposed
  b.backward(dy.transpose(1, 2).contiguous());
  CHECK(norma::equal(base.grad().transpose(1, 2), packed.grad()));

  // Parameters and running statistics that are columns of matrices.
  const Tensor columns = norma::rand({3, 4}) + 0.5;
  const Tensor before = columns.clone();
  const Tensor mean = columns.select(1, 0), var = columns.select(1, 1);
  const Tensor w = columns.select(1, 2), bias = columns.select(1, 3);
  const Tensor mean2 = mean.clone(), var2 = var.clone();
  const Tensor x = packed.detach();
  CHECK(norma::equal(batch_norm(x, {mean, var, w, bias, true}),
                     batch_norm(x, {mean2, var2, w.clone(), bias.clone(), true})));
  CHECK(norma::equal(mean, mean2));
  CHECK(norma::equal(var, var2));
  CHECK_FALSE(norma::equal(mean, before.select(1, 0)));
  CHECK(norma::equal(w, before.select(1, 2)));
}

TEST_CASE("batch_norm updates the running statistics in training alone") {
  const Tensor x = norma::randn({16, 3}) + 2.0;
  const Tensor mean = norma::zeros({3}), var = norma::ones({3});
  const uint64_t version = mean.version();
  {
    const norma::NoGradGuard no_grad;  // training, not recording, decides
    batch_norm(x, {.running_mean = mean, .running_var = var, .training = true});
  }
  CHECK(norma::allclose(mean, x.mean({0}) * 0.1, 1e-5, 1e-6));
  CHECK(norma::allclose(var, x.var({0}) * 0.1 + 0.9, 1e-5, 1e-6));
  CHECK(mean.version() > version);
  CHECK_FALSE(mean.requires_grad());

  const Tensor mean_before = mean.clone(), var_before = var.clone();
  batch_norm(x, {.running_mean = mean, .running_var = var, .training = false});
  CHECK(norma::equal(mean, mean_before));
  CHECK(norma::equal(var, var_before));
  batch_norm(x, {.running_mean = mean, .running_var = var, .training = true, .momentum = 0.0});
  CHECK(norma::equal(mean, mean_before));
}

TEST_CASE("batch_norm of an empty batch") {
  for (const Shape& sizes : {Shape{0, 3}, Shape{0, 3, 4}, Shape{2, 3, 0}}) {
    INFO(sizes.str());
    const Tensor x = norma::zeros(sizes, {.requires_grad = true});
    const Tensor w = norma::ones({3}, {.requires_grad = true});
    const Tensor mean = norma::zeros({3}), var = norma::ones({3});
    const Tensor y = batch_norm(x, {mean, var, w, Tensor(), true});
    CHECK(y.sizes() == sizes);
    y.sum().backward();
    CHECK(x.grad().sizes() == sizes);
    CHECK(norma::equal(w.grad(), norma::zeros({3})));
    CHECK(norma::equal(mean, norma::zeros({3})));
    CHECK(norma::equal(var, norma::ones({3})));
  }
}

TEST_CASE("batch_norm's gradients agree with central differences") {
  norma::manual_seed(4);
  const norma::TensorOptions leaf{.dtype = kFloat64, .requires_grad = true};
  const norma::TensorOptions fixed{.dtype = kFloat64};
  for (const Shape& sizes : {Shape{5, 3}, Shape{2, 2, 4}, Shape{2, 3, 2, 2}}) {
    const Tensor x = norma::randn(sizes, leaf), w = norma::randn({sizes[1]}, leaf);
    const Tensor b = norma::randn({sizes[1]}, leaf);
    const Tensor mean = norma::randn({sizes[1]}, fixed);
    const Tensor var = norma::rand({sizes[1]}, fixed) + 0.5;
    for (const bool training : {true, false}) {
      for (const bool tracked : {true, false}) {
        INFO(sizes.str() << (training ? " training" : " evaluation")
                         << (tracked ? " tracked" : ""));
        const Tensor m = tracked ? mean : Tensor(), v = tracked ? var : Tensor();
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return batch_norm(in[0], {m, v, in[1], in[2], training, 0.0});
                  },
                  {x, w, b}) == "");
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return batch_norm(in[0], {m, v, Tensor(), Tensor(), training, 0.0, 0.1});
                  },
                  {x}) == "");
        // Frozen input or parameters: only what is needed is computed.
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return batch_norm(x.detach(), {m, v, in[0], b.detach(), training, 0.0});
                  },
                  {w}) == "");
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return batch_norm(x.detach(), {m, v, Tensor(), in[0], training, 0.0});
                  },
                  {b}) == "");
        CHECK(gradient_error(
                  [&](const auto& in) {
                    return batch_norm(in[0], {m, v, w.detach(), b.detach(), training, 0.0});
                  },
                  {x}) == "");
      }
    }
  }
}

TEST_CASE("batch_norm notices that its input changed before backward") {
  const Tensor leaf = norma::randn({4, 2}, {.requires_grad = true});
  Tensor x = leaf * 2.0;
  const Tensor y = batch_norm(x, {.training = true});
  x.add_(1.0);
  CHECK(error_of([&] { y.sum().backward(); }).find("[batch_norm]") == 0);
}

TEST_CASE("batch_norm refuses what does not fit, and changes nothing") {
  const Tensor mean = norma::zeros({4}), var = norma::ones({4});
  const uint64_t version = mean.version();
  const auto message = [&](const Tensor& x, const BatchNormArgs& args) {
    return error_of([&] { batch_norm(x, args); });
  };
  const std::string hint =
      "; call eval() to use the running statistics, or give the DataLoader drop_last = true so "
      "that no batch of one is left over";
  CHECK(
      message(norma::randn({1, 4}), {.running_mean = mean, .running_var = var, .training = true}) ==
      "[batch_norm] Expected more than 1 value per channel when training, got input size [1, 4]" +
          hint);
  CHECK(message(norma::randn({1, 4, 1, 1}), {}) ==
        "[batch_norm] Expected more than 1 value per channel when training, got input size "
        "[1, 4, 1, 1]" +
            hint);
  CHECK(message(norma::randn({4}), {}) ==
        "[batch_norm] expected an input of at least two dimensions, [N, C, …], got [4]");
  CHECK(message(norma::ones({2, 4}, {.dtype = norma::kInt64}), {}) ==
        "[batch_norm] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(message(Tensor(), {}).find("[batch_norm]") == 0);
  CHECK(message(norma::randn({2, 4}), {.weight = norma::ones({3})}) ==
        "[batch_norm] expected weight of size [4], got [3] for input size [2, 4]");
  CHECK(message(norma::randn({2, 4}), {.bias = norma::ones({4, 1})}) ==
        "[batch_norm] expected bias of size [4], got [4, 1] for input size [2, 4]");
  CHECK(
      message(norma::randn({2, 3}), {.running_mean = mean, .running_var = var, .training = true}) ==
      "[batch_norm] expected running_mean of size [3], got [4] for input size [2, 3]");
  CHECK(message(norma::randn({2, 4}),
                {.running_mean = mean, .running_var = norma::ones({1}), .training = true}) ==
        "[batch_norm] expected running_var of size [4], got [1] for input size [2, 4]");
  CHECK(message(norma::randn({2, 4}, {.dtype = kFloat64}), {.weight = norma::ones({4})}) ==
        "[batch_norm] expected weight of the input's type float64, got float32; convert one with "
        "to()");
  CHECK(message(norma::randn({2, 4}), {.running_mean = mean, .training = true}) ==
        "[batch_norm] expected running_mean and running_var together, got running_mean alone");
  CHECK(mean.version() == version);
  CHECK(norma::equal(mean, norma::zeros({4})));

  // Legal: one example with several values per channel, and one value in evaluation.
  CHECK(batch_norm(norma::randn({1, 4, 2}), {.training = true}).sizes() == Shape({1, 4, 2}));
  CHECK(batch_norm(norma::randn({1, 4}), {.running_mean = mean, .running_var = var}).sizes() ==
        Shape({1, 4}));
}
