#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_norm.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/thread_count.h"

using norma::kFloat64;
using norma::Shape;
using norma::Tensor;
using norma::functional::layer_norm;

namespace {

Tensor some(const std::vector<double>& values, const Shape& sizes) {
  return values.empty() ? Tensor() : tensor_of(values, sizes).clone().requires_grad_();
}

}  // namespace

TEST_CASE("layer_norm gives PyTorch's numbers") {
  for (const golden::LayerNormCase& c : golden::layer_norm_cases) {
    INFO(c.sizes.str() << " over " << c.normalized.str());
    const Tensor x = some(c.input, c.sizes);
    const Tensor w = some(c.weight, c.normalized), b = some(c.bias, c.normalized);
    const Tensor y = layer_norm(x, c.normalized, w, b, c.eps);
    CHECK(y.grad_fn_name() == "layer_norm");
    weighted_sum(y).backward();
    CHECK(worst_error(y, c.output) < 1e-12);
    CHECK(worst_error(x.grad(), c.input_grad) < 1e-12);
    CHECK(worst_error(w.defined() ? w.grad() : Tensor(), c.weight_grad) < 1e-12);
    CHECK(worst_error(b.defined() ? b.grad() : Tensor(), c.bias_grad) < 1e-12);
  }
}

TEST_CASE("layer_norm in float32 against loops in double") {
  norma::manual_seed(5);
  for (const int64_t rows : {1, 3, 70}) {
    for (const int64_t size : {1, 2, 7, 63, 64, 65, 200, 3000}) {
      for (const double mean : {0.5, 1e4}) {
        INFO(rows << " rows of " << size << ", mean " << mean);
        const Tensor x = (norma::randn({rows, size}) + mean).detach().requires_grad_();
        const Tensor w = norma::randn({size}, {.requires_grad = true});
        const Tensor b = norma::randn({size}, {.requires_grad = true});
        const Tensor dy = norma::randn({rows, size});
        const oracle::Norm want = oracle::layer_norm(x, w, b, 1e-5, dy);
        const Tensor y = layer_norm(x, {size}, w, b);
        y.backward(dy);
        CHECK(worst_error(y, want.y) < 3e-6);
        // Without variance, 1/sqrt(eps) = 316 multiplies every rounding of the gradient.
        const double steep = size <= 2 ? 316 * 2e-6 : 5e-6;
        CHECK(worst_error(x.grad(), want.dx) < steep);
        CHECK(worst_error(w.grad(), want.dweight) < 1e-5);
        CHECK(worst_error(b.grad(), want.dbias) < 1e-5);
      }
    }
  }
}

TEST_CASE("layer_norm's gradient in float32 at the ends of its range") {
  norma::manual_seed(5);
  const Tensor values = norma::randn({2, 64}), dy = norma::randn({2, 64});
  for (const float scale : {1e-20F, 1e-12F, 1e12F, 1e23F, 1e30F}) {
    INFO(scale);
    const Tensor x = (values * scale).requires_grad_();
    layer_norm(x, {64}, Tensor(), Tensor(), 1e-60).backward(dy);
    const Tensor wide = x.detach().to(norma::kFloat64).requires_grad_();
    layer_norm(wide, {64}, Tensor(), Tensor(), 1e-60).backward(dy.to(norma::kFloat64));
    const double largest = wide.grad().abs().max().item<double>();
    CHECK(mismatch(x.grad().to(norma::kFloat64) / largest, wide.grad() / largest, 1e-5, 1e-6) ==
          "");
  }
}

TEST_CASE("layer_norm of a constant row is exactly the bias") {
  for (const double eps : {1e-5, 0.0}) {
    const Tensor bias = norma::randn({100});
    const Tensor y = layer_norm(norma::full({3, 100}, 0.1), {100}, Tensor(), bias, eps);
    CHECK(norma::equal(y, bias.expand({3, 100}).contiguous()));
  }
}

TEST_CASE("layer_norm gives the same bits for every number of threads, and takes any strides") {
  norma::manual_seed(6);
  const Tensor x = norma::randn({300, 400}), dy = norma::randn({300, 400});
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3}) {
    const ThreadCount guard(count);
    const Tensor leaf = x.detach().requires_grad_();
    const Tensor w = norma::ones({400}, {.requires_grad = true});
    const Tensor y = layer_norm(leaf, {400}, w);
    y.backward(dy);
    results.push_back(to_vector(y));
    for (const double v : to_vector(leaf.grad())) results.back().push_back(v);
    for (const double v : to_vector(w.grad())) results.back().push_back(v);
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);

  const Tensor base = norma::randn({5, 4}, {.requires_grad = true});
  const Tensor packed = base.detach().t().contiguous().requires_grad_();
  const Tensor a = layer_norm(base.t(), {5}), b = layer_norm(packed, {5});
  CHECK(norma::equal(a, b));
  weighted_sum(a).backward();
  weighted_sum(b).backward();
  CHECK(norma::equal(base.grad().t(), packed.grad()));
}

TEST_CASE("layer_norm's gradients agree with central differences") {
  norma::manual_seed(7);
  const norma::TensorOptions leaf{.dtype = kFloat64, .requires_grad = true};
  const Tensor x = norma::randn({2, 3, 4}, leaf);
  const Tensor w = norma::randn({3, 4}, leaf), b = norma::randn({3, 4}, leaf);
  CHECK(gradient_error(
            [](const auto& in) {
              return layer_norm(in[0], {3, 4}, in[1], in[2]);
            },
            {x, w, b}) == "");
  CHECK(gradient_error([](const auto& in) { return layer_norm(in[0], {4}); }, {x}) == "");
  CHECK(gradient_error(
            [](const auto& in) {
              return layer_norm(in[0], {2, 3, 4}, Tensor(), Tensor(), 0.1);
            },
            {x}) == "");
  CHECK(gradient_error(
            [&](const auto& in) {
              return layer_norm(x.detach(), {3, 4}, in[0]);
            },
            {w}) == "");
  CHECK(gradient_error(
            [&](const auto& in) {
              return layer_norm(x.detach(), {3, 4}, Tensor(), in[0]);
            },
            {b}) == "");
}

TEST_CASE("layer_norm of nothing") {
  const Tensor x = norma::zeros({0, 3}, {.requires_grad = true});
  const Tensor w = norma::ones({3}, {.requires_grad = true});
  const Tensor y = layer_norm(x, {3}, w);
  CHECK(y.sizes() == Shape({0, 3}));
  y.sum().backward();
  CHECK(x.grad().sizes() == Shape({0, 3}));
  CHECK(norma::equal(w.grad(), norma::zeros({3})));
  CHECK(layer_norm(norma::zeros({4, 0}), {0}).sizes() == Shape({4, 0}));
}

TEST_CASE("layer_norm refuses what does not fit") {
  const Tensor x = norma::randn({2, 3});
  CHECK(error_of([&] { layer_norm(x, {4}); }) ==
        "[layer_norm] Given normalized_shape=[4], expected input with shape [*, 4], but got input "
        "of size [2, 3]");
  CHECK(error_of([&] {
          layer_norm(x, {1, 2, 3});
        }) ==
        "[layer_norm] Given normalized_shape=[1, 2, 3], expected input with shape [*, 1, 2, 3], "
        "but got input of size [2, 3]");
  CHECK(error_of([&] { layer_norm(x, Shape{}); }) ==
        "[layer_norm] expected normalized_shape of at least one dimension, got []");
  CHECK(error_of([&] { layer_norm(x, {3}, norma::ones({2})); }) ==
        "[layer_norm] expected weight of size [3], got [2] for input size [2, 3]");
  CHECK(error_of([&] { layer_norm(x, {3}, Tensor(), norma::ones({3}, {.dtype = kFloat64})); }) ==
        "[layer_norm] expected bias of the input's type float32, got float64; convert one with "
        "to()");
  CHECK(error_of([&] {
          layer_norm(norma::tensor({1, 2}), {2});
        }) == "[layer_norm] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { layer_norm(Tensor(), {2}); }).find("[layer_norm]") == 0);
}
