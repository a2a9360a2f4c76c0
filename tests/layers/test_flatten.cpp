#include "norma/tests/layers/helpers.h"

using norma::Shape;
namespace nn = norma::nn;

TEST_CASE("Flatten joins dimensions") {
  const norma::Tensor x = norma::randn({2, 3, 4, 5});
  CHECK(nn::Flatten()(x).sizes() == Shape({2, 60}));
  CHECK(nn::Flatten(0)(x).sizes() == Shape({120}));
  CHECK(nn::Flatten(1, 2)(x).sizes() == Shape({2, 12, 5}));
  CHECK(nn::Flatten(-2)(x).sizes() == Shape({2, 3, 20}));
  CHECK(norma::equal(nn::Flatten()(x).reshape({2, 3, 4, 5}), x));
  nn::Sequential net{nn::Flatten(1, 7)};
  CHECK(has(error_of([&] { net(x); }), "(in 0, a Flatten)"));
}

TEST_CASE("Identity returns its input") {
  const norma::Tensor x = norma::randn({2, 3});
  CHECK(nn::Identity()(x).is_same(x));
}
