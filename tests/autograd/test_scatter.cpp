// Operations with index tensors: positions, picking, writing. Values against PyTorch's are in
// tests/parity.
#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

namespace {

using Inputs = std::vector<Tensor>;
using Function = std::function<Tensor(const Inputs&)>;

const Tensor kIndex = tensor({{2, 0, 1}, {1, 0, 0}});  // into rows of a [3, 4]
const Tensor kRows = tensor({2, 0});

}  // namespace

TEST_CASE("picking and writing have first and second derivatives") {
  manual_seed(2);
  const Tensor mask =
      tensor({{true, false, true, true}, {false, false, true, false}, {true, true, false, false}});
  struct Case {
    const char* name;
    Shape values;
    Function function;
  };
  const std::vector<Case> cases = {
      {"masked_select", {6}, [=](const Inputs& x) { return x[0].masked_select(mask) * x[1]; }},
      {"masked_select of less",
       {},
       [=](const Inputs& x) { return x[0][0].masked_select(mask) * x[1]; }},
      {"masked_scatter", {7}, [=](const Inputs& x) { return x[0].masked_scatter(mask, x[1]); }},
      {"masked_scatter_",
       {7},
       [=](const Inputs& x) { return (x[0] * 2).masked_scatter_(mask, x[1]); }},
      {"take", {2, 3}, [](const Inputs& x) { return x[0].take(kIndex - 12) * x[1]; }},
      {"put", {2, 3}, [](const Inputs& x) { return x[0].put(kIndex + 3, x[1], true); }},
      {"put_",
       {3},
       [](const Inputs& x) {
         return (x[0] * 2).put_(tensor({-1, 4, 0}), x[1]);
       }},
      {"take_along_dim",
       {2, 4},
       [](const Inputs& x) { return x[0].take_along_dim(kIndex.narrow(1, 0, 1), 0) * x[1]; }},
      {"take_along_dim of all",
       {6},
       [](const Inputs& x) { return x[0].take_along_dim(kIndex) * x[1]; }},
      {"scatter",
       {2, 3},
       [](const Inputs& x) {
         return x[0].scatter(1, tensor({{2, 0, 1}, {3, 0, 1}}), x[1]);
       }},
      {"scatter of a larger source",
       {3, 4},
       [](const Inputs& x) {
         return x[0].scatter(1, tensor({{2, 0, 1}}), x[1]);
       }},
      {"scatter of a number",
       {4},
       [](const Inputs& x) { return x[0].scatter(0, kIndex, 2.5) * x[1]; }},
      {"scatter add", {2, 3}, [](const Inputs& x) { return x[0].scatter(0, kIndex, x[1], "add"); }},
      {"scatter_",
       {2, 3},
       [](const Inputs& x) {
         return (x[0] * 2).scatter_(1, tensor({{2, 0, 1}, {3, 0, 1}}), x[1]);
       }},
      {"scatter_add", {2, 3}, [](const Inputs& x) { return x[0].scatter_add(0, kIndex, x[1]); }},
      {"scatter_add_",
       {2, 3},
       [](const Inputs& x) { return (x[0] * 2).scatter_add_(0, kIndex, x[1]); }},
      {"sum",
       {2, 3},
       [](const Inputs& x) { return x[0].scatter_reduce(0, kIndex, x[1], "sum", false); }},
      {"mean",
       {2, 3},
       [](const Inputs& x) { return x[0].scatter_reduce(0, kIndex, x[1], "mean"); }},
      {"prod",
       {2, 3},
       [](const Inputs& x) { return x[0].scatter_reduce(0, kIndex, x[1], "prod"); }},
      {"prod without self",
       {2, 3},
       [](const Inputs& x) { return x[0].scatter_reduce(0, kIndex, x[1], "prod", false); }},
      {"amax",
       {2, 3},
       [](const Inputs& x) { return x[0].scatter_reduce(0, kIndex, x[1], "amax").square(); }},
      {"amin",
       {2, 3},
       [](const Inputs& x) {
         return x[0].scatter_reduce(0, kIndex, x[1], "amin", false).square();
       }},
      {"index_add", {2, 4}, [](const Inputs& x) { return x[0].index_add(0, kRows, x[1], 1.5); }},
      {"index_add_",
       {3, 2},
       [](const Inputs& x) {
         return (x[0] * 2).index_add_(1, tensor({1, 1}), x[1]);
       }},
      {"index_copy", {3, 2}, [](const Inputs& x) { return x[0].index_copy(-1, kRows, x[1]); }},
      {"index_copy_",
       {3, 2},
       [](const Inputs& x) { return (x[0] * 2).index_copy_(1, kRows, x[1]); }},
      {"index_fill", {}, [](const Inputs& x) { return x[0].index_fill(0, kRows - 3, x[1]); }},
      {"index_fill_",
       {4},
       [](const Inputs& x) { return (x[0] * 2).index_fill_(0, kRows, 3) * x[1]; }},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto squared = [&](const Inputs& x) { return c.function(x) * c.function(x); };
    CHECK(gradient_error(squared, {random_leaf({3, 4}), random_leaf(c.values)}) == "");
  }
}

TEST_CASE("equal extrema of scatter_reduce share the gradient") {
  const Tensor x = tensor({1, 5}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor src = tensor({5, 5, 0}, {.dtype = kFloat64, .requires_grad = true});
  x.scatter_reduce(0, tensor({1, 1, 1}), src, "amax").sum().backward();
  CHECK(mismatch(x.grad(), tensor_of({1, 1.0 / 3}, {2}), 1e-15) == "");
  CHECK(mismatch(src.grad(), tensor_of({1.0 / 3, 1.0 / 3, 0}, {3}), 1e-15) == "");
}

TEST_CASE("whole numbers are scattered, too") {
  const Tensor x = tensor({1, -4, 7}), at = tensor({0, 1, 1});
  CHECK(equal(x.scatter_reduce(0, at, tensor({2, 1, 1}), "mean"), tensor({1, -1, 7})));
  CHECK(equal(x.scatter_reduce(0, at, tensor({2, 1, 3}), "amax", false), tensor({2, 3, 7})));
  CHECK(equal(x.scatter_reduce(0, at, tensor({2, 1, 3}), "amin"), tensor({1, -4, 7})));
  CHECK(equal(x.scatter(0, at, tensor({3, 2, 2}), "multiply"), tensor({3, -16, 7})));
  CHECK(equal(x.index_fill(0, tensor({-1}), 2.9), tensor({1, -4, 2})));
  CHECK(equal(x.index_fill(0, tensor(0), tensor(2.9)), tensor({2, -4, 7})));
  const double nan = NAN;
  CHECK(std::isnan(tensor({1.0, 2.0})
                       .scatter_reduce(0, tensor({0, 0}), tensor({nan, 3.0}), "amax")[0]
                       .item<double>()));
}

TEST_CASE("nonzero and its kin") {
  CHECK(equal(tensor({{0, 3}, {-1, 0}}).nonzero(), tensor({{0, 1}, {1, 0}})));
  CHECK(tensor(1.0).nonzero().sizes() == Shape{1, 0});
  CHECK(tensor(0.0).argwhere().sizes() == Shape{0, 0});
  CHECK(zeros({0, 3}).nonzero().sizes() == Shape{0, 2});
  CHECK(equal(where(tensor(2.0))[0], tensor({0})));
  const std::vector<Tensor> at = where(tensor({{0, 3}, {-1, 0}}));
  REQUIRE(at.size() == 2);
  CHECK(equal(at[0], tensor({0, 1})));
  CHECK(equal(at[1], tensor({1, 0})));
}

TEST_CASE("operations with index tensors refuse what does not fit") {
  Tensor x = zeros({3, 4});
  const Tensor src = ones({2, 3}), mask = zeros({3, 4}, {.dtype = kBool});
  CHECK(error_of([&] { x.scatter(0, tensor({{3}}), src); }) ==
        "[scatter] expected indices in [0, 2], got 3");
  CHECK(error_of([&] { x.scatter_(0, tensor({{-1}}), 1); }) ==
        "[scatter_] expected indices in [0, 2], got -1");
  CHECK(error_of([&] {
          x.scatter(0, zeros({1, 1}), src);
        }) == "[scatter] expected an index of dtype int64, got float32");
  CHECK(error_of([&] { x.scatter(1, tensor({0}), src); }) ==
        "[scatter] expected an index of as many dimensions, no larger than [3, 4] except in "
        "dimension 1, got [1]");
  CHECK(error_of([&] {
          x.scatter_add(0, tensor({{0, 0, 0, 0}}), src);
        }) ==
        "[scatter_add] expected a source no smaller than the index of shape [1, 4], got [2, 3]");
  CHECK(error_of([&] {
          x.scatter_add_(0, kIndex, tensor({{1, 2, 3}, {1, 2, 3}}));
        }) ==
        "[scatter_add_] expected values of the dtype float32 that they are written to, got int64; "
        "convert them with to()");
  CHECK(error_of([&] { x.scatter(0, kIndex, src, "mean"); }) ==
        "[scatter] expected reduce \"add\" or \"multiply\", got \"mean\"");
  CHECK(error_of([&] { x.scatter(0, kIndex, src.clone().requires_grad_(), "multiply"); }) ==
        "[scatter] expected tensors that need no gradient for what is not differentiable");
  CHECK(error_of([&] { x.scatter_reduce(0, kIndex, src, "max"); }) ==
        "[scatter_reduce] expected reduce \"sum\", \"prod\", \"mean\", \"amax\" or \"amin\", "
        "got \"max\"");
  CHECK(error_of([&] { x.index_add(0, kRows, src); }) ==
        "[index_add] expected a source of shape [2, 4], a row for every index, got [2, 3]");
  CHECK(error_of([&] { x.index_copy(0, kIndex, src); }) ==
        "[index_copy] expected a 1-d index, got one of shape [2, 3]");
  CHECK(error_of([&] { x.index_fill(0, kRows, src); }) ==
        "[index_fill] expected a number or a 0-d tensor as value, got one of shape [2, 3]");
  CHECK(error_of([&] { x.index_fill_(0, tensor({-4}), 1); }) ==
        "[index_fill_] expected indices in [-3, 2], got -4");
  CHECK(error_of([&] { x.masked_select(x); }) ==
        "[masked_select] expected a mask of dtype bool, got float32; compare it, as in mask != 0");
  CHECK(error_of([&] { x.masked_scatter(mask.eq(false), src); }) ==
        "[masked_scatter] expected a source of at least 12 elements, as many as the mask has true, "
        "got 6");
  CHECK(error_of([&] {
          x.masked_scatter_(zeros({2, 3, 4}, {.dtype = kBool}), src);
        }) == "[masked_scatter_] expected a mask that broadcasts to [3, 4], got [2, 3, 4]");
  CHECK(error_of([&] { x.take(tensor({12})); }) == "[take] expected indices in [-12, 11], got 12");
  CHECK(error_of([] { zeros({0}).take(tensor({0})); }) ==
        "[take] expected a tensor with elements, got one of shape [0]");
  CHECK(error_of([&] { x.put(kIndex, ones({5})); }) ==
        "[put] expected as many values as indices, got 5 and 6");
  CHECK(error_of([&] { x.take_along_dim(tensor({0}), 0); }) ==
        "[take_along_dim] expected indices of as many dimensions as [3, 4], got [1]");
  CHECK(error_of([] {
          tensor(1.0).index_select(0, tensor({0, 0}));
        }) == "[index_select] expected an index of one element for a 0-d tensor, got 2");
  CHECK(error_of([&] { x.index_select(0, kIndex); }) ==
        "[index_select] expected a 1-d index, got one of shape [2, 3]");
  CHECK(has(error_of([&] { x.index_add_(0, kRows, Tensor()); }), "expected a defined tensor"));
}

TEST_CASE("an index may be the tensor that is written") {
  const auto after = [](auto write) {
    Tensor x = tensor({1, 2, 0});
    write(x);
    return x;
  };
  const int64_t far = 1000000000000;  // no position
  const Tensor all = full({3}, far, {.dtype = kInt64}), sum = tensor({far + 1, far + 2, far});
  CHECK(equal(after([&](Tensor& x) { x.scatter_(0, x, far); }), all));
  CHECK(equal(after([&](Tensor& x) { x.index_put_({x}, far); }), all));
  CHECK(equal(after([&](Tensor& x) { x.index_fill_(0, x, far); }), all));
  CHECK(equal(after([&](Tensor& x) { x.index_copy_(0, x, all); }), all));
  CHECK(equal(after([&](Tensor& x) { x.put_(x, all); }), all));
  CHECK(equal(after([&](Tensor& x) { x.index_add_(0, x, all); }), sum));
  CHECK(equal(after([&](Tensor& x) { x.index({x}) += far; }), sum));
}

TEST_CASE("elements that share memory are not written") {
  Tensor x = zeros({3}), pairs = x.unfold(0, 2, 1);
  const std::string message =
      "expected a tensor whose elements have memory of their own, got one of shape [2, 2] whose "
      "elements overlap; clone() it first";
  CHECK(error_of([&] { pairs.scatter_(1, tensor({{1}}), 5); }) == "[scatter_] " + message);
  CHECK(error_of([&] { pairs.index_put_({tensor({0})}, 5); }) == "[index_put_] " + message);
  CHECK(error_of([&] { pairs.add_(1); }) == "[add_] " + message);
  CHECK(error_of([&] { pairs.fill_(1); }) == "[fill_] " + message);
  CHECK(equal(x, zeros({3})));
  CHECK(equal(zeros({4}).unfold(0, 2, 2).scatter_(1, tensor({{1}}), 5),
              tensor({{0., 5.}, {0., 0.}})));
}

TEST_CASE("the mean of more values than kUInt8 counts") {
  const Tensor x = zeros({1}, {.dtype = kUInt8}), one = ones({255}, {.dtype = kUInt8});
  const Tensor at = zeros({255}, {.dtype = kInt64});
  CHECK(x.scatter_reduce(0, at, one, "mean").item<int64_t>() == 255);
}

TEST_CASE("the product of scatter_reduce has PyTorch's gradient, zeros or not") {
  const TensorOptions options{.dtype = kFloat64, .requires_grad = true};
  const Tensor at = tensor({0, 0, 1, 2, 1, 2});
  const auto check = [&](bool self, const NestedList& gx, const NestedList& gs) {
    const Tensor x = tensor({2, 0, 3, 0}, options), s = tensor({5, 0, 0, 0, 7, 0}, options);
    const Tensor y = x.scatter_reduce(0, at, s, "prod", self);
    CHECK(equal(y.detach(), zeros({4}, {.dtype = kFloat64})));
    y.backward(tensor({1, 2, 3, 4}, {.dtype = kFloat64}));
    CHECK(equal(x.grad(), tensor(gx, {.dtype = kFloat64})));
    CHECK(equal(s.grad(), tensor(gs, {.dtype = kFloat64})));
  };
  check(true, {0, 0, 0, 4}, {0, 10, 0, 0, 0, 0});
  check(false, {0, 0, 0, 4}, {0, 5, 14, 0, 0, 0});
  CHECK(equal(tensor({3, 4}).scatter_reduce(0, tensor({0, 0}), tensor({5, 2}), "prod"),
              tensor({30, 4})));

  const auto twice = [](double second) {
    const Tensor s = tensor({0.0, second, 3.0}, {.dtype = kFloat64, .requires_grad = true});
    const auto prod = [](const Inputs& x) {
      return x[0].scatter_reduce(0, tensor({0, 0, 1}), x[1], "prod");
    };
    return gradient_error(prod, {random_leaf({2}), s});
  };
  CHECK(twice(2) == "");
  CHECK(error_of([&] { twice(0); }) ==
        "[scatter_reduce] expected at most one 0 of src for a place, got more: create_graph cannot "
        "differentiate \"prod\" there");
}
