#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_norm.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/thread_count.h"

using norma::kFloat64;
using norma::Shape;
using norma::Tensor;
using norma::functional::group_norm;

namespace {

Tensor some(const std::vector<double>& values, const Shape& sizes) {
  return values.empty() ? Tensor() : tensor_of(values, sizes).clone().requires_grad_();
}

}  // namespace

TEST_CASE("group_norm gives PyTorch's numbers") {
  for (const golden::GroupNormCase& c : golden::group_norm_cases) {
    INFO(c.sizes.str() << " in " << c.groups << " groups");
    const Tensor x = some(c.input, c.sizes);
    const Tensor w = some(c.weight, {c.sizes[1]}), b = some(c.bias, {c.sizes[1]});
    const Tensor y = group_norm(x, c.groups, w, b, c.eps);
    CHECK(y.grad_fn_name() == "group_norm");
    weighted_sum(y).backward();
    CHECK(worst_error(y, c.output) < 1e-12);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-12);
    CHECK(worst_error(w.defined() ? w.grad() : Tensor(), c.weight_grad) < 1e-12);
    CHECK(worst_error(b.defined() ? b.grad() : Tensor(), c.bias_grad) < 1e-12);
  }
}

TEST_CASE("group_norm in float32 against loops in double") {
  norma::manual_seed(5);
  struct Case {
    int64_t channels, groups;
  };
  for (const Case c : {Case{6, 1}, {6, 2}, {6, 6}, {160, 1}, {160, 2}, {12, 3}}) {
    for (const int64_t length : {1, 2, 5, 49, 63, 64, 65, 200, 2100}) {
      if (c.channels == c.groups && length == 1) continue;  // zeros, tested below
      for (const double mean : {0.5, 1e4}) {
        INFO(c.channels << " channels in " << c.groups << " groups of length " << length
                        << ", mean " << mean);
        const int64_t n = length > 1000 ? 2 : 5;
        const Tensor x = (norma::randn({n, c.channels, length}) + mean).detach().requires_grad_();
        const Tensor w = norma::randn({c.channels}, {.requires_grad = true});
        const Tensor b = norma::randn({c.channels}, {.requires_grad = true});
        const Tensor dy = norma::randn({n, c.channels, length});
        const oracle::Norm want = oracle::group_norm(x, c.groups, w, b, 1e-5, dy);
        const Tensor y = group_norm(x, c.groups, w, b);
        y.backward(dy);
        CHECK(worst_error(y, want.y) < 5e-6);
        // With little variance, 1/sqrt(var + eps), up to 316, multiplies every rounding.
        const double steep = c.channels / c.groups * length <= 2 ? 316 * 2e-6 : 1e-5;
        CHECK(worst_error(x.grad(), want.dx) < steep);
        CHECK(worst_error(w.grad(), want.dweight) < 1e-5);
        CHECK(worst_error(b.grad(), want.dbias) < 1e-5);
      }
    }
  }
}

TEST_CASE("group_norm in one group is layer_norm, in C groups batch_norm of every sample") {
  norma::manual_seed(8);
  const Tensor x = norma::randn({3, 4, 5}, {.dtype = kFloat64});
  CHECK(norma::allclose(group_norm(x, 1), norma::functional::layer_norm(x, {4, 5}), 1e-12, 1e-12));
  const Tensor alone = norma::functional::batch_norm(x.reshape({1, 12, 5}), {});
  CHECK(norma::allclose(group_norm(x, 4), alone.reshape({3, 4, 5}), 1e-12, 1e-12));
}

TEST_CASE("group_norm of a constant group is exactly the bias") {
  for (const double eps : {1e-5, 0.0}) {
    const Tensor bias = norma::randn({8});
    const Tensor y = group_norm(norma::full({3, 8, 21}, 0.1), 2, Tensor(), bias, eps);
    CHECK(norma::equal(y, bias.reshape({1, 8, 1}).expand({3, 8, 21}).contiguous()));
  }
  // One value per group, of several samples.
  CHECK(norma::equal(group_norm(norma::randn({2, 3}), 3), norma::zeros({2, 3})));
}

TEST_CASE("group_norm gives the same bits for every number of threads, and takes any strides") {
  norma::manual_seed(6);
  const Tensor x = norma::randn({30, 16, 400}), dy = norma::randn({30, 16, 400});
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3}) {
    const ThreadCount guard(count);
    const Tensor leaf = x.detach().requires_grad_();
    const Tensor w = norma::ones({16}, {.requires_grad = true});
    const Tensor y = group_norm(leaf, 4, w);
    y.backward(dy);
    results.push_back(to_vector(y));
    for (const double v : to_vector(leaf.grad())) results.back().push_back(v);
    for (const double v : to_vector(w.grad())) results.back().push_back(v);
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);

  const Tensor base = norma::randn({5, 3, 4}, {.requires_grad = true});
  const Tensor packed = base.detach().transpose(1, 2).contiguous().requires_grad_();
  const Tensor a = group_norm(base.transpose(1, 2), 2), b = group_norm(packed, 2);
  CHECK(norma::equal(a, b));
  weighted_sum(a).backward();
  weighted_sum(b).backward();
  CHECK(norma::equal(base.grad().transpose(1, 2), packed.grad()));
}

TEST_CASE("group_norm's gradients agree with central differences") {
  norma::manual_seed(7);
  const norma::TensorOptions leaf{.dtype = kFloat64, .requires_grad = true};
  const Tensor x = norma::randn({2, 4, 3}, leaf);
  const Tensor w = norma::randn({4}, leaf), b = norma::randn({4}, leaf);
  for (const int64_t groups : {1, 2, 4}) {
    CHECK(gradient_error([&](const auto& in) { return group_norm(in[0], groups, in[1], in[2]); },
                         {x, w, b}) == "");
  }
  CHECK(gradient_error([](const auto& in) { return group_norm(in[0], 2); }, {x}) == "");
  CHECK(gradient_error([](const auto& in) { return group_norm(in[0], 2, Tensor(), Tensor(), 0.1); },
                       {norma::randn({3, 4}, leaf)}) == "");
  CHECK(gradient_error([&](const auto& in) { return group_norm(x.detach(), 2, in[0]); }, {w}) ==
        "");
  CHECK(gradient_error([&](const auto& in) { return group_norm(x.detach(), 2, Tensor(), in[0]); },
                       {b}) == "");
  CHECK(gradient_error([](const auto& in) { return group_norm(in[0], 3, in[1]); },
                       {norma::randn({1, 6, 2, 1, 2}, leaf), norma::randn({6}, leaf)}) == "");
}

TEST_CASE("group_norm of nothing") {
  const Tensor x = norma::zeros({0, 4, 3}, {.requires_grad = true});
  const Tensor w = norma::ones({4}, {.requires_grad = true});
  const Tensor y = group_norm(x, 2, w);
  CHECK(y.sizes() == x.sizes());
  y.sum().backward();
  CHECK(x.grad().sizes() == x.sizes());
  CHECK(norma::equal(w.grad(), norma::zeros({4})));
}

TEST_CASE("group_norm refuses what does not fit, in PyTorch's words") {
  const Tensor x = norma::randn({2, 6, 3});
  CHECK(error_of([&] { group_norm(x, 4); }) ==
        "[group_norm] Expected number of channels in input to be divisible by num_groups, but got "
        "input of shape [2, 6, 3] and num_groups=4");
  for (const int64_t groups : {0, -2}) {
    CHECK(error_of([&] { group_norm(x, groups); }) ==
          "[group_norm] Expected num groups to be greater than 0, got " + std::to_string(groups));
  }
  CHECK(error_of([&] { group_norm(x, 2, norma::ones({5})); }) ==
        "[group_norm] Expected weight to be a vector of size equal to the number of channels in "
        "input, but got weight of shape [5] and input of shape [2, 6, 3]");
  CHECK(error_of([&] {
          group_norm(x, 2, Tensor(), norma::ones({6, 1}));
        }) ==
        "[group_norm] Expected bias to be a vector of size equal to the number of channels in "
        "input, but got bias of shape [6, 1] and input of shape [2, 6, 3]");
  CHECK(error_of([&] { group_norm(x, 2, norma::ones({6}, {.dtype = kFloat64})); }) ==
        "[group_norm] expected weight of the input's type float32, got float64; convert one with "
        "to()");
  CHECK(error_of([&] { group_norm(norma::randn({6}), 2); }) ==
        "[group_norm] expected an input of at least two dimensions, [N, C, …], got [6]");
  CHECK(error_of([&] {
          group_norm(norma::randn({1, 6, 1}), 6);
        }) ==
        "[group_norm] Expected more than 1 value per channel when training, got input size [1, 6, "
        "1]; a group of one value always becomes its bias: use fewer groups");
  CHECK(error_of([&] {
          group_norm(norma::ones({2, 6}).to(norma::kInt64), 2);
        }) == "[group_norm] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { group_norm(Tensor(), 2); }).find("[group_norm]") == 0);
}
