#include "norma/core/kernels/dropout.h"

#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/thread_count.h"

using norma::default_generator;
using norma::Generator;
using norma::kFloat64;
using norma::Shape;
using norma::Tensor;
using norma::functional::dropout;
using norma::functional::dropout2d;

TEST_CASE("dropout zeroes with probability p and scales the rest") {
  norma::manual_seed(11);
  for (const double p : {0.1, 0.5, 0.75}) {
    INFO("p = " << p);
    const Tensor x = norma::ones({1000, 100});
    const Tensor y = dropout(x, p);
    const float scale = static_cast<float>(1.0 / (1.0 - p));
    int64_t kept = 0;
    bool other = false;
    for (const double v : to_vector(y)) {
      kept += v != 0.0;
      other = other || (v != 0.0 && v != static_cast<double>(scale));
    }
    CHECK_FALSE(other);
    // Five standard deviations of the binomial distribution.
    CHECK(std::abs(static_cast<double>(kept) - 1e5 * (1 - p)) < 5 * std::sqrt(1e5 * p * (1 - p)));
  }
  const Tensor x = norma::randn({1000});
  CHECK_FALSE(norma::equal(dropout(x, 0.5), dropout(x, 0.5)));
  // Neighbours are independent: about a quarter of the pairs survive together.
  const std::vector<double> y = to_vector(dropout(norma::ones({100000}), 0.5));
  int64_t pairs = 0;
  for (std::size_t i = 0; i + 1 < y.size(); ++i) pairs += y[i] != 0.0 && y[i + 1] != 0.0;
  CHECK(std::abs(static_cast<double>(pairs) - 25000) < 1000);
}

TEST_CASE("dropout's mask is that of the generator's blocks") {
  for (const uint64_t seed : {uint64_t{42}, uint64_t{0xfedcba9876543210}}) {
    for (const int64_t count : {1, 256, 1000}) {
      norma::manual_seed(seed);
      // Across the point where the low half of the counter is full.
      const uint64_t first = 0xffffffe0;
      default_generator().reserve(first);
      const std::vector<double> y = to_vector(dropout(norma::ones({count}), 0.3));
      bool same = true;
      for (int64_t i = 0; i < count; ++i) {
        const uint64_t block = first + static_cast<uint64_t>(i / 256 * 64 + i % 64);
        const auto words = Generator::block(seed, block);
        const bool kept =
            static_cast<double>(words[static_cast<std::size_t>(i % 256 / 64)]) >= 0.3 * 0x1p32;
        same = same && kept == (y[static_cast<std::size_t>(i)] != 0.0);
      }
      CHECK(same);
      CHECK(default_generator().state().next == first + norma::kernels::mask_blocks(count));
    }
  }
}

TEST_CASE("dropout draws the same for every number of threads") {
  const Tensor x = norma::randn({500, 301});
  std::vector<Tensor> results, planes;
  for (const int count : {1, 2, 3}) {
    const ThreadCount guard(count);
    norma::manual_seed(12);
    results.push_back(dropout(x, 0.3));
    planes.push_back(dropout2d(x.reshape({500, 7, 43}), 0.3));
  }
  CHECK(norma::equal(results[0], results[1]));
  CHECK(norma::equal(results[0], results[2]));
  CHECK(norma::equal(planes[0], planes[1]));
  CHECK(norma::equal(planes[0], planes[2]));
}

TEST_CASE("dropout is the identity in evaluation and for p = 0, without a random number") {
  const Tensor x = norma::randn({4, 3, 2});
  const Generator::State state = default_generator().state();
  CHECK(dropout(x, 0.5, false).is_same(x));
  CHECK(dropout(x, 0.0).is_same(x));
  CHECK(dropout2d(x, 0.5, false).is_same(x));
  CHECK(dropout2d(x, 0.0).is_same(x));
  CHECK(dropout(norma::zeros({0}), 0.5).sizes() == Shape({0}));
  CHECK(dropout2d(norma::zeros({2, 0, 3}), 0.5).sizes() == Shape({2, 0, 3}));
  CHECK(default_generator().state() == state);
}

TEST_CASE("dropout with p = 1 gives zeros, and zero gradients") {
  for (const bool planes : {false, true}) {
    const Tensor x = norma::randn({3, 2, 2}, {.requires_grad = true});
    const Tensor y = planes ? dropout2d(x, 1.0) : dropout(x, 1.0);
    CHECK(norma::equal(y, norma::zeros({3, 2, 2})));
    weighted_sum(y).backward();
    CHECK(norma::equal(x.grad(), norma::zeros({3, 2, 2})));
  }
}

TEST_CASE("dropout2d drops whole planes") {
  norma::manual_seed(13);
  for (const Shape& sizes : {Shape{50, 20}, Shape{50, 20, 3}, Shape{50, 20, 5, 7}}) {
    INFO(sizes.str());
    const Tensor y = dropout2d(norma::ones(sizes), 0.25);
    const int64_t length = y.numel() / 1000;
    const std::vector<double> values = to_vector(y);
    int64_t kept = 0;
    bool whole = true;
    for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(length)) {
      kept += values[i] != 0.0;
      for (std::size_t k = 0; k < static_cast<std::size_t>(length); ++k) {
        whole = whole && values[i + k] == values[i] &&
                (values[i] == 0.0 || values[i] == static_cast<double>(1.0f / 0.75f));
      }
    }
    CHECK(whole);
    CHECK(std::abs(static_cast<double>(kept) - 750) < 70);
  }
}

TEST_CASE("dropout's gradients: the same mask, and central differences") {
  const Tensor x = norma::randn({20, 10}, {.requires_grad = true});
  const Tensor y = dropout(x, 0.4);
  CHECK(y.grad_fn_name() == "dropout");
  y.backward(x.detach());
  CHECK(norma::equal(x.grad(), y.detach()));

  const Tensor z = norma::randn({3, 4, 5}, {.dtype = kFloat64, .requires_grad = true});
  const auto seeded = [](auto f) {
    return [f](const std::vector<Tensor>& in) {
      norma::manual_seed(14);  // the same mask for every evaluation
      return f(in[0]);
    };
  };
  CHECK(gradient_error(seeded([](const Tensor& t) { return dropout(t, 0.4); }), {z}) == "");
  CHECK(gradient_error(seeded([](const Tensor& t) { return dropout2d(t, 0.4); }), {z}) == "");
  CHECK(gradient_error(seeded([](const Tensor& t) { return dropout(t.transpose(0, 2), 0.4); }),
                       {z}) == "");
}

TEST_CASE("dropout of strided inputs follows their order") {
  norma::manual_seed(15);
  const Tensor x = norma::randn({6, 4}).t();
  norma::manual_seed(16);
  const Tensor a = dropout(x, 0.5);
  norma::manual_seed(16);
  CHECK(norma::equal(a, dropout(x.contiguous(), 0.5)));
}

TEST_CASE("dropout refuses what does not fit") {
  const Tensor x = norma::randn({3, 2});
  CHECK(error_of([&] { dropout(x, 1.5); }) ==
        "[dropout] dropout probability has to be between 0 and 1, but got 1.5");
  CHECK(error_of([&] { dropout(x, -0.1, false); }) ==
        "[dropout] dropout probability has to be between 0 and 1, but got -0.1");
  CHECK(error_of([&] { dropout2d(x, std::nan("")); }) ==
        "[dropout2d] dropout probability has to be between 0 and 1, but got nan");
  CHECK(error_of([&] {
          dropout(norma::tensor({1, 2}));
        }) == "[dropout] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { dropout2d(norma::randn({3})); }) ==
        "[dropout2d] expected an input of at least two dimensions, [N, C, …], got [3]; dropout() "
        "takes any shape");
  CHECK(error_of([&] { dropout(Tensor()); }).find("[dropout]") == 0);
}
