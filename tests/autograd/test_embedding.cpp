#include <algorithm>
#include <limits>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/autograd/golden_embedding.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/thread_count.h"

using norma::kFloat32;
using norma::kFloat64;
using norma::kInt64;
using norma::Shape;
using norma::Tensor;
using norma::functional::embedding;
using norma::functional::EmbeddingOptions;

namespace {

Tensor indices_of(const std::vector<int64_t>& values, const Shape& sizes) {
  return norma::tensor(values).reshape(sizes);
}

Tensor leaf(const Shape& sizes) {
  return norma::randn(sizes, {.dtype = kFloat64, .requires_grad = true});
}

}  // namespace

TEST_CASE("embedding gives PyTorch's numbers") {
  for (const golden::EmbeddingCase& c : golden::embedding_cases) {
    INFO("case " << &c - golden::embedding_cases.data());
    const Tensor w = tensor_of(c.weight, {5, 3}).clone().requires_grad_();
    const Tensor y = embedding(indices_of(c.indices, c.sizes), w, c.options);
    CHECK(y.grad_fn_name() == "embedding");
    REQUIRE(y.dim() == c.sizes.size() + 1);
    CHECK(y.size(-1) == 3);
    weighted_sum(y).backward();
    CHECK(worst_error(w, c.weight_after) < 1e-14);
    CHECK(worst_error(y, c.output) < 1e-14);
    CHECK(worst_error(w.grad(), c.weight_grad) < 1e-14);
  }
}

TEST_CASE("embedding takes indices of any shape and weights of any type and strides") {
  norma::manual_seed(1);
  const Tensor w = leaf({6, 4});
  const Tensor indices = indices_of({5, 0, 3, 3, 1, 2}, {2, 3});
  const Tensor y = embedding(indices, w);
  CHECK(y.sizes() == Shape{2, 3, 4});
  CHECK(norma::equal(y[1][0], w.detach()[3]));
  CHECK(norma::equal(embedding(indices.t(), w), y.transpose(0, 1).contiguous()));
  CHECK(norma::equal(embedding(norma::tensor(5), w), w.detach()[5]));
  CHECK(embedding(indices_of({}, {2, 0}), w).sizes() == Shape{2, 0, 4});
  CHECK(embedding(indices_of({1, 2}, {2}), norma::zeros({3, 0})).sizes() == Shape{2, 0});
  CHECK(norma::equal(embedding(indices_of({1, 0}, {2}), indices_of({7, 8, 9, 10}, {2, 2})),
                     indices_of({9, 10, 7, 8}, {2, 2})));

  const Tensor turned = leaf({4, 6});
  weighted_sum(embedding(indices, turned.t())).backward();
  const Tensor packed = turned.detach().t().contiguous().requires_grad_();
  weighted_sum(embedding(indices, packed)).backward();
  CHECK(norma::equal(turned.grad().t(), packed.grad()));

  const norma::NoGradGuard no_grad;
  CHECK_FALSE(embedding(indices, w).requires_grad());
}

TEST_CASE("embedding's gradients agree with central differences") {
  norma::manual_seed(2);
  const Tensor indices = indices_of({1, 4, 1, 1, 0, 4}, {3, 2});
  for (const EmbeddingOptions& options : {EmbeddingOptions{}, EmbeddingOptions{.padding_idx = 3},
                                          EmbeddingOptions{.max_norm = 1e3}}) {
    CHECK(gradient_error([&](const auto& in) { return embedding(indices, in[0], options); },
                         {leaf({5, 3})}) == "");
  }
  CHECK(gradient_error(
            [&](const auto& in) {
              return embedding(indices_of({2, 0}, {2}), in[0], {.scale_grad_by_freq = true});
            },
            {leaf({3, 2})}) == "");
  CHECK(gradient_error([](const auto& in) { return embedding(norma::tensor(1), in[0]); },
                       {leaf({3, 2})}) == "");
}

TEST_CASE("embedding sums the gradients of repeated indices in double, with any threads") {
  norma::manual_seed(3);
  constexpr int64_t kRows = 50, kWidth = 100, kCount = 4000;
  const Tensor indices = (norma::rand({kCount}) * (kRows - 1)).to(kInt64);  // never the last row
  const Tensor dy = norma::randn({kCount, kWidth});
  std::vector<double> sums(kRows * kWidth), uses(kRows);
  for (int64_t i = 0; i < kCount; ++i) {
    const auto row = static_cast<std::size_t>(indices.data_ptr<int64_t>()[i]);
    if (row == 7) continue;
    ++uses[row];
    for (std::size_t k = 0; k < kWidth; ++k) {
      sums[row * kWidth + k] += dy.data_ptr<float>()[static_cast<std::size_t>(i) * kWidth + k];
    }
  }
  for (const bool by_frequency : {false, true}) {
    std::vector<float> expected;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double divisor = by_frequency ? std::max(1.0, uses[i / kWidth]) : 1.0;
      expected.push_back(static_cast<float>(sums[i] / divisor));
    }
    for (const int count : {1, 2, 3}) {
      const ThreadCount guard(count);
      const Tensor w = norma::randn({kRows, kWidth}, {.requires_grad = true});
      const Tensor y =
          embedding(indices, w, {.padding_idx = 7, .scale_grad_by_freq = by_frequency});
      CHECK(norma::equal(y, w.detach().index_select(0, indices)));
      y.backward(dy);
      const float* grad = w.grad().data_ptr<float>();
      CHECK(std::vector<float>(grad, grad + kRows * kWidth) == expected);
    }
  }
}

TEST_CASE("embedding with max_norm changes the rows it looks up, and no others") {
  const auto table = [] { return tensor_of({3, 4, 0.3, 0.4, 6, 8}, {3, 2}); };
  const Tensor w = table().clone().requires_grad_();
  const Tensor y = embedding(indices_of({0, 0, 1}, {3}), w, {.max_norm = 1.0});
  CHECK(worst_error(w, {0.6, 0.8, 0.3, 0.4, 6, 8}) < 1e-7);
  CHECK(norma::equal(y, w.detach().index_select(0, indices_of({0, 0, 1}, {3}))));
  CHECK(w.is_leaf());
  y.sum().backward();
  CHECK(to_vector(w.grad()) == std::vector<double>{2, 2, 1, 1, 0, 0});

  // Views, and layouts other than row-major.
  const Tensor turned = table().t().contiguous();
  embedding(indices_of({2}, {1}), turned.t(), {.max_norm = 5.0});
  CHECK(worst_error(turned.t(), {3, 4, 0.3, 0.4, 3, 4}) < 1e-7);
  const Tensor large = tensor_of({9, 9, 3, 4, 0.3, 0.4, 9, 9}, {4, 2}).clone();
  embedding(indices_of({0}, {1}), large.slice(0, 1, 3), {.max_norm = 1.0});
  CHECK(worst_error(large, {9, 9, 0.6, 0.8, 0.3, 0.4, 9, 9}) < 1e-7);

  // A graph that needs the old values says so, and one that does not goes on.
  const Tensor used = table().clone().requires_grad_();
  const Tensor square = used.square();
  embedding(indices_of({1}, {1}), used, {.max_norm = 1.0});
  square.sum().backward();
  const Tensor again = used.square();
  embedding(indices_of({0}, {1}), used, {.max_norm = 1.0});
  CHECK_THROWS_AS(again.sum().backward(), norma::Error);

  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const double p : {2.0, 1.0, inf, -inf}) {
    const Tensor broken = tensor_of({nan, 5, 5, nan}, {2, 2}).clone();
    embedding(indices_of({0, 1}, {2}), broken, {.max_norm = 1.0, .norm_type = p});
    CHECK(to_vector(broken)[1] == 5.0);
    CHECK(to_vector(broken)[2] == 5.0);
  }
  CHECK(embedding(indices_of({1}, {1}), norma::zeros({2, 0}), {.max_norm = 1.0}).numel() == 0);
}

TEST_CASE("embedding notices indices that were changed before backward") {
  const Tensor w = leaf({3, 2});
  Tensor indices = indices_of({0, 1}, {2});
  const Tensor y = embedding(indices, w);
  indices.fill_(2);
  CHECK_THROWS_AS(y.sum().backward(), norma::Error);
}

TEST_CASE("embedding refuses what it cannot do, and changes nothing then") {
  const Tensor w = norma::full({5, 3}, 2.0);
  const auto message = [&](const Tensor& indices, const EmbeddingOptions& options = {}) {
    return error_of([&] { embedding(indices, w, options); });
  };
  CHECK(message(indices_of({0, 4, 5, 1}, {2, 2})) ==
        "[embedding] index out of range in self: expected 0 <= index < 5, got 5 at [1, 0]");
  CHECK(message(indices_of({0, -1}, {2}), {.max_norm = 1.0}) ==
        "[embedding] index out of range in self: expected 0 <= index < 5, got -1 at [1]");
  CHECK(message(norma::tensor(9)) ==
        "[embedding] index out of range in self: expected 0 <= index < 5, got 9");
  CHECK(message(norma::tensor({1.0})) ==
        "[embedding] expected indices of dtype int64 or int32, got float32; convert them with "
        "to(kInt64)");
  const Tensor one = indices_of({1}, {1});
  CHECK(message(one, {.padding_idx = 5}) ==
        "[embedding] Padding_idx must be within num_embeddings, got padding_idx=5 and "
        "num_embeddings=5");
  CHECK(message(one, {.padding_idx = -6}) ==
        "[embedding] Padding_idx must be within num_embeddings, got padding_idx=-6 and "
        "num_embeddings=5");
  CHECK(message(one, {.padding_idx = -5}) == "no error");
  CHECK(message(one, {.max_norm = -0.5}) ==
        "[embedding] expected max_norm of at least 0, got -0.5");
  CHECK(message(one, {.max_norm = 1.0, .norm_type = NAN}) ==
        "[embedding] expected a number as norm_type, got nan");
  CHECK(norma::equal(w, norma::full({5, 3}, 2.0)));
  for (const Shape& sizes : {Shape{3}, {3, 2, 2}}) {
    CHECK(error_of([&] { embedding(one, norma::zeros(sizes)); }) ==
          "[embedding] 'weight' must be 2-D, [num_embeddings, embedding_dim], got size " +
              sizes.str());
  }
  CHECK(error_of([&] {
          embedding(one, norma::ones({2, 2}).to(kInt64), {.max_norm = 1.0});
        }) ==
        "[embedding] expected a floating weight for max_norm, got int64; convert it with "
        "to(kFloat32)");
  CHECK(error_of([&] {
          embedding(one, norma::ones({1, 2}).expand({3, 2}), {.max_norm = 1.0});
        }) ==
        "[embedding] expected a tensor whose elements have memory of their own, got an expanded "
        "one of shape [3, 2]; clone() it first");
  CHECK(error_of([&] { embedding(Tensor(), w); }).find("[embedding]") == 0);
  CHECK(error_of([&] { embedding(one, Tensor()); }).find("[embedding]") == 0);
}
