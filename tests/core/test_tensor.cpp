// The handle: properties, access to values, creation from numbers and lists.
#include "norma/core/tensor.h"

#include <functional>
#include <limits>
#include <type_traits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("a handle names values; copies name the same ones") {
  Tensor x = zeros({2, 3}, {.dtype = kFloat64});
  const Tensor same = x, other = x.clone();
  x.fill_(2);
  CHECK(same.is_same(x));
  CHECK(same.sum().item<double>() == 12);
  CHECK(!other.is_same(x));
  CHECK(other.sum().item<double>() == 0);
  CHECK(x.dim() == 2);
  CHECK(x.numel() == 6);
  CHECK(x.size(-1) == 3);
  CHECK(x.sizes() == Shape({2, 3}));
  CHECK(x.dtype() == kFloat64);
  CHECK(x.is_contiguous());
  CHECK(x.version() == 1);
  const Tensor part = x.t().narrow(0, 1, 2);
  CHECK(part.strides() == Shape({1, 3}));
  CHECK(part.storage_offset() == 1);
  CHECK(!part.is_contiguous());
  CHECK(part.data_ptr<double>() == x.data_ptr<double>() + 1);
  CHECK(part.version() == 1);
  CHECK(x.contiguous().is_same(x));
  CHECK(x.to(kFloat64).is_same(x));
  CHECK(zeros({1, 3}).t().is_contiguous());
  CHECK(zeros({4, 0}).t().is_contiguous());
  CHECK(error_of([&] { x.size(2); }) == "[size] expected a dimension in [-2, 1], got 2");
  CHECK(error_of([] { ones({}).size(0); }) ==
        "[size] expected a tensor with dimensions, got a 0-d tensor");
}

TEST_CASE("item and data_ptr") {
  CHECK(tensor(2.5).item<float>() == 2.5f);
  CHECK(tensor(2.5).item<int>() == 2);
  CHECK(tensor({{7}}).item<int64_t>() == 7);
  CHECK(tensor(true).item<bool>());
  CHECK(tensor({3}, {.dtype = kUInt8}).item<double>() == 3);
  CHECK(tensor({1, 2, 3}).select(0, 2).item<uint8_t>() == 3);
  CHECK(error_of([] { ones({2}).item<float>(); }) ==
        "[item] expected a tensor with one element, got [2]");
  CHECK(error_of([] { ones({0}).item<float>(); }).find("got [0]") != std::string::npos);
  CHECK(error_of([] { ones({2}).data_ptr<double>(); }) ==
        "[data_ptr] expected a tensor of float64, got float32; convert with to() first");
  CHECK(error_of([] { tensor({1}).data_ptr<bool>(); }).find("of bool, got int64") !=
        std::string::npos);
}

TEST_CASE("tensors from literal values") {
  CHECK(tensor({{1.0, 2.0}, {3.0, 4.0}}).sizes() == Shape({2, 2}));
  CHECK(tensor({{1.5}}).sizes() == Shape({1, 1}));
  CHECK(tensor({1.5}).sizes() == Shape({1}));
  CHECK(tensor(1.5).sizes() == Shape());
  CHECK(tensor({{{1}}}).sizes() == Shape({1, 1, 1}));
  CHECK(tensor({}).sizes() == Shape({0}));
  CHECK(tensor({{}, {}}).sizes() == Shape({2, 0}));
  CHECK(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}).sizes() == Shape({2, 2, 2}));
  CHECK(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}).select(0, 1).sum().item<int>() == 26);
  CHECK(tensor({1, 2}).dtype() == kInt64);
  CHECK(tensor({true, false}).dtype() == kBool);
  CHECK(tensor({1, 2.5}).dtype() == kFloat32);
  CHECK(tensor({true, 2}).dtype() == kInt64);
  CHECK(tensor({}).dtype() == kFloat32);
  CHECK(tensor({1, 2}, {.dtype = kFloat64}).dtype() == kFloat64);
  CHECK(tensor({1.0}, {.requires_grad = true}).requires_grad());
  CHECK(tensor(std::vector<float>{1, 2}).dtype() == kFloat32);
  CHECK(tensor(std::vector<double>{1, 2}).dtype() == kFloat64);
  CHECK(tensor(std::vector<int64_t>{1, 2}).dtype() == kInt64);
  CHECK(tensor(std::vector<uint8_t>{1, 2}).dtype() == kUInt8);
  CHECK(tensor(std::vector<float>{}).sizes() == Shape({0}));
  const int64_t large = (int64_t{1} << 53) + 1;
  CHECK(tensor(large).item<int64_t>() == large);

  CHECK(error_of([] {
          tensor({{1, 2}, {3}});
        }) == "[tensor] expected rows of equal length, got 1 elements in a row of 2");
  CHECK(error_of([] {
          tensor({{1}, 2});
        }) == "[tensor] expected lists of equal depth, got a number among lists");
  CHECK(error_of([] {
          tensor({1, {2}});
        }) == "[tensor] expected lists of equal depth, got a list among numbers");
  CHECK(error_of([] { tensor({{{1}}, {2}}); }).find("[tensor] expected lists of equal depth") == 0);
}

TEST_CASE("vectors of every kind of number become tensors") {
  CHECK(tensor(std::vector<int>{3, -1}).str() == "tensor([ 3, -1])");
  CHECK(tensor(std::vector<int>{3}).dtype() == kInt64);
  CHECK(tensor(std::vector<short>{3}).dtype() == kInt64);
  CHECK(tensor(std::vector<char>{3}).dtype() == kInt64);
  CHECK(tensor(std::vector<signed char>{-3}).item<int>() == -3);
  CHECK(tensor(std::vector<unsigned>{4294967295u}).item<int64_t>() == 4294967295);
  CHECK(tensor(std::vector<long long>{3}).dtype() == kInt64);
  CHECK(tensor(std::vector<std::size_t>{3}).dtype() == kInt64);
  CHECK(tensor(std::vector<bool>{true, false}).str() == "tensor([ True, False])");
  CHECK(error_of([] { tensor(std::vector<std::size_t>{std::size_t{1} << 63}); }) ==
        "[tensor] expected a value that fits int64, got 9223372036854775808");

  const std::vector<std::vector<float>> rows = {{1, 2, 3}, {4, 5, 6}};
  CHECK(tensor(rows).sizes() == Shape({2, 3}));
  CHECK(tensor(rows).dtype() == kFloat32);
  CHECK(tensor(rows).select(0, 1).str() == "tensor([4., 5., 6.])");
  CHECK(tensor(std::vector<std::vector<std::vector<int>>>{{{1}, {2}}}).sizes() == Shape({1, 2, 1}));
  CHECK(tensor(std::vector<std::vector<double>>{{}, {}}).sizes() == Shape({2, 0}));
  CHECK(tensor(std::vector<std::vector<double>>{}).sizes() == Shape({0}));
  CHECK(error_of([] {
          tensor(std::vector<std::vector<double>>{{1, 2}, {3}});
        }) == "[tensor] expected rows of equal length, got 1 elements in a row of 2");
  CHECK(error_of([] {
          tensor(std::vector<std::vector<double>>{{}, {3}});
        }) == "[tensor] expected rows of equal length, got 1 elements in a row of 0");
}

TEST_CASE("a value is had as any type of number that holds it") {
  CHECK(tensor(3).item<std::size_t>() == 3);
  CHECK(tensor(-3).item<short>() == -3);
  CHECK(tensor(3.5).item<long long>() == 3);
  CHECK(tensor(3.5).item<long double>() == 3.5L);
  CHECK(tensor(0.5).item<bool>());
  const int64_t most = std::numeric_limits<int64_t>::max();
  CHECK(tensor(most).item<uint64_t>() == static_cast<uint64_t>(most));
  for (const auto& value : {tensor(-1), tensor(-1.0)}) {
    CHECK(error_of([&] { value.item<std::size_t>(); }).find("a value that fits the integer") !=
          std::string::npos);
  }
  CHECK(error_of([] { tensor(40000).item<short>(); }) ==
        "[item] expected a value that fits the integer asked for, got 40000; ask for a double");
  CHECK(tensor({1.5}).data_ptr<const float>()[0] == 1.5f);
}

TEST_CASE("full is of its value's kind") {
  CHECK(full({2}, 7).dtype() == kInt64);
  CHECK(full({2}, uint8_t{7}).dtype() == kInt64);
  CHECK(full({2}, true).dtype() == kBool);
  CHECK(full({2}, 7.0).dtype() == kFloat32);
  CHECK(full({2}, 7, {.requires_grad = true}).dtype() == kFloat32);
  CHECK(full({2}, std::numeric_limits<int64_t>::max()).select(0, 1).item<int64_t>() ==
        std::numeric_limits<int64_t>::max());
}

TEST_CASE("creation checks its arguments") {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  CHECK(error_of([] { arange(0, 5, 0); }) == "[arange] expected a step other than 0, got 0.0");
  CHECK(error_of([] { arange(0.001, 0, 1); }) ==
        "[arange] expected an end that the step leads to, got start 0.001, end 0.0, step 1.0");
  CHECK(error_of([] { arange(5, 0); }) ==
        "[arange] expected an end that the step leads to, got start 5.0, end 0.0, step 1.0");
  CHECK(error_of([] { arange(0.0, 1.0, -0.1); }).find("an end that the step leads to") !=
        std::string::npos);
  CHECK(error_of([=] { arange(nan, 1.0); }).find("got start nan") != std::string::npos);
  CHECK(error_of([=] { arange(0, inf); }).find("end inf") != std::string::npos);
  CHECK(error_of([=] { arange(0, inf, 1, {.dtype = kInt64}); }) ==
        "[arange] expected a value that fits int64, got inf");
  const int64_t large = int64_t{1} << 53;
  CHECK(arange(large, large + 3).numel() == 3);
  CHECK(arange(large, large + 3).select(0, 1).item<int64_t>() == large + 1);
  CHECK(arange(5, 0, -2).numel() == 3);
  CHECK(arange(3, 3).numel() == 0);
  CHECK(error_of([] { linspace(0, 1, -1); }) == "[linspace] expected 0 steps or more, got -1");
  CHECK(linspace(0.1, 0.7, 1000).select(0, 999).item<float>() == 0.7f);
  CHECK(error_of([] { eye(-1); }) == "[empty] expected sizes of 0 or more, got [-1, -1]");
  CHECK(error_of([] { full({2}, 300, {.dtype = kUInt8}); }) ==
        "[full] expected a value that fits uint8, got 300.0");
  CHECK(error_of([=] { full({2}, nan, {.dtype = kInt64}); }) ==
        "[full] expected a value that fits int64, got nan");
  CHECK(error_of([=] {
          tensor({1, 2}).fill_(1e300);
        }).find("a value that fits int64") != std::string::npos);
  CHECK(full({}, -1, {.dtype = kUInt8}).item<int>() == 255);
  CHECK(full({}, std::numeric_limits<int64_t>::max(), {.dtype = kInt64}).item<int64_t>() ==
        std::numeric_limits<int64_t>::max());
  CHECK(full({}, std::numeric_limits<int64_t>::min(), {.dtype = kInt64}).item<int64_t>() ==
        std::numeric_limits<int64_t>::min());
  CHECK(error_of([] { zeros({2}, {.dtype = kInt64, .requires_grad = true}); }) ==
        "[requires_grad_] expected a floating tensor, got int64");
  CHECK(empty_like(tensor({1, 2})).dtype() == kInt64);
}

TEST_CASE("a tensor is assigned to a name, or its values to a part of another") {
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Tensor>);
  STATIC_REQUIRE(std::is_assignable_v<Tensor&, const Tensor&>);
  STATIC_REQUIRE_FALSE(std::is_assignable_v<Tensor&, double>);  // `x = 3` has no meaning
  const Tensor x = zeros({3, 2}), row = tensor({1.0, 2.0});
  x[0] = row;
  x[1] = x[0];
  x[2] = 3;
  CHECK(to_vector(x) == std::vector<double>{1, 2, 1, 2, 3, 3});
  x[0] = x[1] = 0.5;  // from the right, as in Python
  x.narrow(1, 1, 1) = tensor({{7}, {8}, {9}});
  CHECK(to_vector(x) == std::vector<double>{0.5, 7, 0.5, 8, 3, 9});
  Tensor name = x;
  name = row;
  CHECK((name.is_same(row) && x.size(0) == 3));

  CHECK(error_of([&] { x[0] = ones({3}); }).starts_with("[copy_] expected "));
  CHECK(error_of([&] { x[0] = Tensor(); }).starts_with("[copy_] expected a defined tensor"));
  CHECK(error_of([&] { Tensor() = x; }).starts_with("[copy_] expected a defined tensor"));
  const Tensor leaf = ones({2, 2}, {.requires_grad = true});
  CHECK(error_of([&] {
          leaf[0] = 1;
        }).starts_with("[fill_] expected a tensor that may change in place, got a view of a leaf"));
  const Tensor y = leaf * 2;
  y[0] = leaf[1] * 3;
  y.sum().backward();
  CHECK(to_vector(leaf.grad()) == std::vector<double>{0, 0, 5, 5});
}

TEST_CASE("an undefined tensor says so, naming what was asked of it") {
  const Tensor none, x = ones({2, 2});
  CHECK(!none.defined());
  CHECK(!none.is_same(x));
  const auto check = [](const std::string& op, const std::function<void()>& use) {
    CHECK(error_of(use) == "[" + op +
                               "] expected a defined tensor, got an undefined one; Tensor() is "
                               "undefined, and so is grad() before backward()");
  };
  check("sizes", [&] { none.sizes(); });
  check("dim", [&] { none.dim(); });
  check("numel", [&] { none.numel(); });
  check("dtype", [&] { none.dtype(); });
  check("item", [&] { none.item<float>(); });
  check("data_ptr", [&] { none.data_ptr<float>(); });
  check("requires_grad", [&] { none.requires_grad(); });
  check("grad", [&] { none.grad(); });
  check("detach", [&] { none.detach(); });
  check("clone", [&] { none.clone(); });
  check("contiguous", [&] { none.contiguous(); });
  check("to", [&] { none.to(kFloat64); });
  check("copy_", [&] { Tensor(x).copy_(none); });
  check("fill_", [&] { Tensor(none).fill_(0); });
  check("add", [&] { none + x; });
  check("add", [&] { x + none; });
  check("add", [&] { none + 1; });
  check("sub", [&] { x - none; });
  check("sub", [&] { none - 1; });
  check("sub", [&] { 1 - none; });
  check("mul", [&] { none* x; });
  check("mul", [&] { none * 2; });
  check("div", [&] { x / none; });
  check("div", [&] { none / 2; });
  check("div", [&] { 2 / none; });
  check("pow", [&] { none.pow(2); });
  check("pow", [&] { x.pow(none); });
  check("neg", [&] { -none; });
  check("add_", [&] { Tensor(none).add_(x); });
  check("mul_", [&] { Tensor(x).mul_(none); });
  check("sub_", [&] { Tensor(none).sub_(1); });
  check("eq", [&] { static_cast<void>(none == x); });
  check("lt", [&] { static_cast<void>(none < 1); });
  check("isnan", [&] { none.isnan(); });
  check("isfinite", [&] { none.isfinite(); });
  check("logical_not", [&] { none.logical_not(); });
  check("abs", [&] { none.abs(); });
  check("exp", [&] { none.exp(); });
  check("relu", [&] { none.relu(); });
  check("clamp", [&] { none.clamp(0, 1); });
  check("maximum", [&] { x.maximum(none); });
  check("where", [&] { where(none, x, x); });
  check("where", [&] { where(x > 0, none, x); });
  check("masked_fill", [&] { none.masked_fill(x > 0, 0); });
  check("masked_fill", [&] { x.masked_fill(none, 0); });
  check("sum", [&] { none.sum(); });
  check("mean", [&] { none.mean(); });
  check("var", [&] { none.var(0); });
  check("norm", [&] { none.norm(); });
  check("max", [&] { none.max(); });
  check("max", [&] { none.max(0); });
  check("argmax", [&] { none.argmax(); });
  check("any", [&] { none.any(); });
  check("softmax", [&] { none.softmax(0); });
  check("matmul", [&] { none.matmul(x); });
  check("matmul", [&] { x.matmul(none); });
  check("linear", [&] { functional::linear(x, none); });
  check("cat", [&] { cat({x, none}); });
  check("stack", [&] { stack({x, none}); });
  check("index_select", [&] { x.index_select(0, none); });
  check("gather", [&] { x.gather(0, none); });
  check("reshape", [&] { none.reshape({4}); });
  check("view", [&] { none.view({4}); });
  check("flatten", [&] { none.flatten(); });
  check("transpose", [&] { none.transpose(0, 1); });
  check("t", [&] { none.t(); });
  check("permute", [&] { none.permute({0, 1}); });
  check("squeeze", [&] { none.squeeze(); });
  check("unsqueeze", [&] { none.unsqueeze(0); });
  check("narrow", [&] { none.narrow(0, 0, 1); });
  check("select", [&] { none[0]; });
  check("slice", [&] { none.slice(0, 0, 1); });
  check("expand", [&] { none.expand({2}); });
  check("set_data", [&] { Tensor(x).set_data(none); });
  check("set_grad", [&] { Tensor(none).set_grad(x); });
  check("requires_grad_", [&] { Tensor(none).requires_grad_(); });
  check("allclose", [&] { allclose(none, x); });
  check("equal", [&] { equal(x, none); });
}
