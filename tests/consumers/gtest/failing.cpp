// What failed comparisons print; expected.txt has the lines.
#include <norma/norma.h>
#include <norma/testing/gtest.h>

using norma::Tensor;
using norma::testing::IsClose;

TEST(IsClose, Passing) {
  const Tensor y = norma::tensor({1.0, 2.0});
  EXPECT_THAT(y, IsClose(y.clone()));
  EXPECT_THAT(y, IsClose(norma::tensor({1.0, 2.4}), {.rtol = 0, .atol = 0.5}));
  EXPECT_THAT(y, testing::Not(IsClose(norma::tensor({1.0, 2.5}))));
  EXPECT_THAT(y, testing::AnyOf(IsClose(norma::zeros({2})), IsClose(y)));
  EXPECT_THAT(0.5, IsClose(0.5));
  EXPECT_THAT((std::vector<Tensor>{y, y}), testing::Each(IsClose(y)));
  EXPECT_THAT(std::vector<Tensor>{y}, IsClose({y}));
  const norma::nn::Linear fc(2, 2);
  ASSERT_THAT(fc.state_dict(), IsClose(fc.clone().state_dict()));
  norma::testing::check_module(fc.clone(), {norma::randn({2, 2})});
}

TEST(IsClose, Failing) {
  const Tensor y = norma::tensor({1.0, 2.0});
  EXPECT_THAT(y, IsClose(norma::tensor({1.0, 2.5})));
  EXPECT_THAT(0.25, IsClose(0.5));
  EXPECT_THAT(y, testing::Not(IsClose(y)));
  norma::testing::assert_close(y, norma::tensor({1, 2}));
}
