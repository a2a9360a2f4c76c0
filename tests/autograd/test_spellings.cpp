// Methods of Tensor under other names; the numbers are PyTorch 2.15's.
#include <limits>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("floor_divide rounds downwards, in the promoted type") {
  CHECK(tensor({1.0, -1.0, 3.0}).floor_divide(0.1).equal(tensor({9.0, -10.0, 29.0})));
  CHECK(tensor({-7, 7}).floor_divide(tensor({2, -2})).equal(tensor({-4, -4})));
  const int64_t most = std::numeric_limits<int64_t>::max();
  CHECK(tensor({most}).floor_divide(2).equal(tensor({most / 2})));
  const Tensor mixed = tensor({7}).to(kUInt8).floor_divide(tensor({-2}));
  CHECK(mixed.dtype() == kInt64);
  CHECK(mixed.equal(tensor({-4})));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(tensor({1.0, -1.0}).floor_divide(tensor({0.0, 0.0})).equal(tensor({inf, -inf})));
  CHECK(error_of([] { tensor({1}).floor_divide(0); }) ==
        "[floor_divide] expected integers to be divided by others than 0, got 0");
  CHECK(error_of([] { tensor({true}).floor_divide(true); }) ==
        "[floor_divide] expected numbers, got bools; convert one with to()");
}

TEST_CASE("isclose, inner, where, dist and clip") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(tensor({1.0, inf, 1.0, 2.0})
            .isclose(tensor({inf, inf, -inf, 2.00001}))
            .equal(tensor({false, true, false, true})));
  CHECK(tensor({true, false}).isclose(tensor({true, true})).equal(tensor({true, false})));
  CHECK(error_of([] { tensor({1}).isclose(tensor({1.0})); }) ==
        "[isclose] expected tensors of one dtype, got int64 and float32");
  CHECK(error_of([] { tensor({1.0}).isclose(tensor({1.0}), -1); }) ==
        "[isclose] expected rtol and atol >= 0, got -1.0 and 1e-08");
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(x.inner(tensor({{1, 0, 1}, {0, 1, 0}})).equal(tensor({{4, 2}, {10, 5}})));
  CHECK(x.inner(tensor(2)).equal(x * 2));
  CHECK(error_of([&] {
          x.inner(tensor({1, 2}));
        }) == "[inner] expected last dimensions of one size, got shapes [2, 3] and [2]");
  CHECK(error_of([&] { x.inner(tensor({1.0})); }) ==
        "[inner] expected tensors of one dtype, got int64 and float32");
  CHECK(tensor({1, 2}).where(tensor({true, false}), 0.5).equal(tensor({1.0, 0.5})));
  CHECK(tensor({1, 2}).where(tensor({true, false}), tensor({5, 6})).equal(tensor({1, 6})));
  CHECK(tensor({1.0, 5.0}).dist(tensor({4.0, 1.0})).item<float>() == 5);
  CHECK(tensor({1.0, 5.0}).clip(2, 4).equal(tensor({2.0, 4.0})));
}

TEST_CASE("short forms and other names") {
  const Tensor x = tensor({{1.0, -2.0}, {3.0, 4.0}});
  CHECK(x.absolute().equal(x.abs()));
  CHECK(x.multiply(2).equal(x * 2));
  CHECK(x.divide(x).equal(ones({2, 2})));
  CHECK(x.subtract(x).equal(zeros({2, 2})));
  CHECK(x.greater(0).equal(x > 0));
  CHECK(x.less(x).equal(x < x));
  CHECK(x.allclose(x + 1e-9));
  CHECK_FALSE(x.equal(x + 1));
  CHECK(x.is_same_size(zeros({2, 2})));
  CHECK_FALSE(x.is_same_size(zeros({4})));
  CHECK(tensor(2).is_nonzero());
  CHECK(x.variable_data().equal(x));
}

TEST_CASE("forms that change a variable") {
  Tensor x = zeros({3, 3});
  CHECK(x.fill_diagonal_(2).equal(eye(3) * 2));
  Tensor cube = zeros({2, 2, 2});
  CHECK(cube.fill_diagonal_(1).sum().item<float>() == 2);
  CHECK(error_of([] {
          zeros({2, 3, 2}).fill_diagonal_(1);
        }) ==
        "[fill_diagonal_] expected a matrix, or more dimensions of one size, got shape [2, 3, 2]");
  Tensor y = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(y.unsqueeze_(0).sizes() == Shape({1, 2, 3}));
  CHECK(y.squeeze_().sizes() == Shape({2, 3}));
  CHECK(y.unsqueeze_(1).squeeze_(1).sizes() == Shape({2, 3}));
  CHECK(y.t_().equal(tensor({{1, 4}, {2, 5}, {3, 6}})));
  CHECK(y.transpose_(0, 1).equal(tensor({{1, 2, 3}, {4, 5, 6}})));
  CHECK(y.tril_().equal(tensor({{1, 0, 0}, {4, 5, 0}})));
  CHECK(y.triu_().equal(tensor({{1, 0, 0}, {0, 5, 0}})));
  CHECK(y.eq_(tensor(5)).equal(tensor({{0, 0, 0}, {0, 1, 0}})));
  CHECK(y.resize_({2, 2}).equal(tensor({{0, 0}, {0, 0}})));
  Tensor leaf = zeros({2, 2}).requires_grad_();
  CHECK(error_of([&] { leaf.t_(); }) ==
        "[t_] expected a tensor that may change in place, got a leaf that requires_grad, of shape "
        "[2, 2]; change it under NoGradGuard, or use the out-of-place operation");
  CHECK(error_of([&] {
          y.resize_({-1, 2});
        }) == "[resize_] expected sizes of 0 or more, got [-1, 2]");
  CHECK(error_of([&] { leaf.resize_({4}); }) ==
        "[resize_] expected a tensor that requires no gradient, got one of shape [2, 2]; use "
        "reshape, slice or cat");
}
