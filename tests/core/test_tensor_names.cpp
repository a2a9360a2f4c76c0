// Other names and properties of Tensor.
#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("names by which programs know properties of a tensor") {
  Tensor x = zeros({2, 3}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor turned = x.t();
  CHECK(x.scalar_type() == kFloat64);
  CHECK(x.is_floating_point());
  CHECK_FALSE(arange(3).is_floating_point());
  CHECK(x.ndimension() == 2);
  CHECK(x.stride(0) == 3);
  CHECK(turned.stride(-1) == 3);
  CHECK(error_of([&] { x.stride(2); }) == "[stride] expected a dimension in [-2, 1], got 2");
  CHECK(x.element_size() == 8);
  CHECK(turned.nbytes() == 48);
  CHECK(x.data_ptr() == x.data_ptr<double>());
  CHECK(x[1].data_ptr() == x.data_ptr<double>() + 3);
  CHECK(x.sizes().vec() == std::vector<int64_t>{2, 3});
  CHECK(x.slice(1, 1).sizes() == Shape({2, 2}));
}

TEST_CASE("names by which programs copy, convert and detach") {
  Tensor x = ones({2}, {.requires_grad = true});
  CHECK(x.cpu().is_same(x));
  CHECK(x.type_as(zeros({1}, {.dtype = kInt64})).dtype() == kInt64);
  CHECK(x.toType(kBool).dtype() == kBool);
  CHECK_FALSE(x.data().requires_grad());
  x.data().mul_(3);
  CHECK(x[0].item<float>() == 3);
  Tensor y = x * 2;
  CHECK(y.detach_().is_leaf());
  CHECK_FALSE(y.requires_grad());
  CHECK(y.set_requires_grad(true).requires_grad());
}
