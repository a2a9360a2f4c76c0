#include "norma/tests/layers/helpers.h"

using norma::Tensor;
namespace nn = norma::nn;

TEST_CASE("Dropout zeroes a share p and scales the rest") {
  norma::manual_seed(0);
  nn::Dropout dropout(0.25);
  Tensor x = norma::ones({20000}).requires_grad_();
  const Tensor y = dropout(x);
  const double kept = y.detach().ne(0).sum().item<double>();
  CHECK(kept / 20000 == Approx(0.75).margin(0.02));
  CHECK(y.detach().max().item<double>() == Approx(4.0 / 3.0));
  y.sum().backward();
  CHECK(norma::equal(x.grad(), y.detach()));
  CHECK_FALSE(norma::equal(dropout(x).detach(), y.detach()));
}

TEST_CASE("evaluation and p = 0 change nothing and draw nothing; p = 1 gives zeros") {
  const Tensor x = norma::randn({4, 3, 2, 2});
  nn::Sequential evaluated(nn::Dropout(0.5), nn::Dropout2d(0.5));
  evaluated.eval();
  nn::Sequential none(nn::Dropout(0.0), nn::Dropout2d(0.0));
  const auto before = norma::default_generator().state();
  CHECK(norma::equal(evaluated(x), x));
  CHECK(norma::equal(none(x), x));
  CHECK(norma::default_generator().state() == before);
  CHECK(norma::equal(nn::Dropout(1.0)(x), norma::zeros_like(x)));
  CHECK(norma::equal(nn::Dropout2d(1.0)(x), norma::zeros_like(x)));
}

TEST_CASE("Dropout2d drops whole planes") {
  norma::manual_seed(0);
  const Tensor y = nn::Dropout2d(0.5)(norma::ones({40, 50, 2, 3})).flatten(2);
  CHECK(norma::equal(std::get<0>(y.max(2)), std::get<0>(y.min(2))));
  CHECK(y.ne(0).sum().item<double>() / 12000 == Approx(0.5).margin(0.05));
  CHECK(y.max().item<double>() == 2.0);
}

TEST_CASE("p outside [0, 1] is refused") {
  CHECK(error_of([] { nn::Dropout(1.5); }) ==
        "[Dropout] dropout probability has to be between 0 and 1, but got 1.5");
  CHECK(error_of([] { nn::Dropout2d(-0.1); }) ==
        "[Dropout2d] dropout probability has to be between 0 and 1, but got -0.1");
  CHECK(error_of([] { nn::Dropout{std::nan("")}; }) != "no error");
}
