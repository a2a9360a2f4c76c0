// What failed comparisons print; expected.txt has the lines.
#define CATCH_CONFIG_MAIN  // of Catch2 2
#include <norma/norma.h>
#include <norma/testing/catch2.h>
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#endif

using norma::Tensor;
using norma::testing::IsClose;

TEST_CASE("passing") {
  const Tensor y = norma::tensor({1.0, 2.0});
  CHECK_THAT(y, IsClose(y.clone()));
  CHECK_THAT(y, IsClose(norma::tensor({1.0, 2.4}), {.rtol = 0, .atol = 0.5}));
  CHECK_THAT(y, !IsClose(norma::tensor({1.0, 2.5})));
  CHECK_THAT(y, IsClose(norma::zeros({2})) || IsClose(y));
  CHECK_THAT(0.5, IsClose(0.5));
  CHECK_THAT(std::vector<Tensor>{y}, IsClose({y}));
  const norma::nn::Linear fc(2, 2);
  REQUIRE_THAT(fc.state_dict(), IsClose(fc.clone().state_dict()));
  norma::testing::check_module(fc.clone(), {norma::randn({2, 2})});
}

TEST_CASE("failing") {
  const Tensor y = norma::tensor({1.0, 2.0});
  CHECK_THAT(y, IsClose(norma::tensor({1.0, 2.5})));
  CHECK_THAT(0.25, IsClose(0.5));
  norma::testing::assert_close(y, norma::tensor({1, 2}));
}
