// Linear equations, determinants, einsum, distances. Values against PyTorch's are in tests/parity.
#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

namespace {

using Inputs = std::vector<Tensor>;
using Function = std::function<Tensor(const Inputs&)>;

/// Far from singular.
Tensor matrices(const Shape& sizes) {
  const Tensor spread = randn(sizes, {.dtype = kFloat64}) * 0.4;
  return (spread + eye(sizes.back(), {.dtype = kFloat64}) * 2).requires_grad_();
}

}  // namespace

TEST_CASE("matrix functions have first and second derivatives") {
  manual_seed(3);
  struct Case {
    const char* name;
    Shape a, b;
    Function function;
  };
  const std::vector<Case> cases = {
      {"inverse", {2, 3, 3}, {}, [](const Inputs& x) { return x[0].inverse() * x[1]; }},
      {"solve", {3, 3}, {2, 3, 2}, [](const Inputs& x) { return linalg::solve(x[0], x[1]); }},
      {"solve a vector", {2, 3, 3}, {3}, [](const Inputs& x) { return linalg::solve(x[0], x[1]); }},
      {"solve vectors",
       {2, 3, 3},
       {2, 3},
       [](const Inputs& x) { return linalg::solve(x[0], x[1]); }},
      {"det", {2, 3, 3}, {2}, [](const Inputs& x) { return x[0].det() * x[1]; }},
      {"slogdet", {2, 3, 3}, {2}, [](const Inputs& x) { return x[0].slogdet().second * x[1]; }},
      {"matrix_power", {3, 3}, {3}, [](const Inputs& x) { return x[0].matrix_power(3) * x[1]; }},
      {"its inverse", {3, 3}, {3}, [](const Inputs& x) { return x[0].matrix_power(-2) * x[1]; }},
      {"cholesky",
       {3, 3},
       {3, 3},
       [](const Inputs& x) { return linalg::cholesky(x[0].matmul(x[0].t())) * x[1]; }},
      {"kron", {2, 2}, {3}, [](const Inputs& x) { return kron(x[0], x[1]); }},
      {"einsum", {2, 3, 3}, {3, 2}, [](const Inputs& x) { return einsum("bij,jk->kbi", x); }},
      {"einsum of a diagonal",
       {2, 3, 3},
       {3},
       [](const Inputs& x) { return einsum("bii,i->bi", x).square(); }},
      {"tensordot", {2, 3, 3}, {3, 3, 2}, [](const Inputs& x) { return tensordot(x[0], x[1]); }},
      {"cdist", {4, 4}, {2, 3, 4}, [](const Inputs& x) { return cdist(x[0], x[1]); }},
      {"cdist of many rows",
       {3, 3},
       {30, 3},
       [](const Inputs& x) { return cdist(x[0], x[1] * 3 + 5).narrow(1, 0, 2); }},
      {"cdist, p = 3", {4, 4}, {3, 4}, [](const Inputs& x) { return cdist(x[0], x[1], 3); }},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(gradient_error(c.function, {matrices(c.a), random_leaf(c.b)}) == "");
  }
}

TEST_CASE("larger systems are solved to the last digits, rows exchanged where they must be") {
  manual_seed(4);
  const Tensor a = randn({70, 70}, {.dtype = kFloat64}), x = randn({70, 3}, {.dtype = kFloat64});
  CHECK(mismatch(linalg::solve(a, a.matmul(x)), x, 1e-9, 1e-9) == "");
  CHECK(mismatch(a.inverse().matmul(a), eye(70, {.dtype = kFloat64}), 0, 1e-10) == "");
  const Tensor swap = tensor_of({0, 1, 1, 0}, {2, 2});
  CHECK(equal(swap.inverse(), swap));
  CHECK(swap.det().item<double>() == -1);
  CHECK(equal(a.matrix_power(0), eye(70, {.dtype = kFloat64})));
  CHECK(equal(tensor({{1, 1}, {0, 1}}).matrix_power(5), tensor({{1, 5}, {0, 1}})));
  CHECK(zeros({3, 0, 0}).det().sizes() == Shape{3});
}

TEST_CASE("singular matrices have a determinant, its logarithm and the gradient of the first") {
  const auto gradient = [](const Tensor& values) {
    const Tensor a = values.clone().requires_grad_();
    a.det().sum().backward();
    return a.grad();
  };
  const Tensor rank_one = tensor_of({1, 2, 2, 4}, {2, 2});
  CHECK(rank_one.det().item<double>() == 0);
  CHECK(mismatch(gradient(rank_one), tensor_of({4, -2, -2, 1}, {2, 2}), 1e-14) == "");
  CHECK(mismatch(gradient(zeros({3, 3}, {.dtype = kFloat64})), zeros({3, 3}, {.dtype = kFloat64}),
                 0, 1e-30) == "");
  const auto [sign, logarithm] = zeros({2, 2}).slogdet();
  CHECK(sign.item<float>() == 0);
  CHECK(logarithm.item<float>() == -INFINITY);
}

TEST_CASE("cdist has no gradient where one coordinate is equal, whatever p") {
  const Tensor b = tensor({{1.0, 5.0}}, {.dtype = kFloat64});
  for (const double p : {0.5, 1.0, 1.5}) {
    const Tensor a = tensor({{1.0, 2.0}}, {.dtype = kFloat64, .requires_grad = true});
    cdist(a, b, p).backward();
    CHECK(equal(a.grad(), tensor({{0.0, -1.0}}, {.dtype = kFloat64})));
  }
}

TEST_CASE("cdist has no gradient at distance 0") {
  Tensor x = tensor({{1.0, 2.0}, {3.0, 5.0}}).requires_grad_();
  for (double p : {0.0, 1.0, 2.0, 3.0, double(INFINITY)}) {
    x.set_grad({});
    cdist(x, x.detach(), p).select(0, 0).select(0, 0).backward();
    CHECK(equal(x.grad(), zeros({2, 2})));
  }
}

TEST_CASE("einsum sums whole numbers and names of every kind") {
  const Tensor a = tensor({{1, 2}, {3, 4}});
  CHECK(equal(einsum("ij,jk", {a, a}), tensor({{7, 10}, {15, 22}})));
  CHECK(equal(einsum("ii", {a}), tensor(5)));
  CHECK(equal(einsum("ba", {a}), a.t()));
  CHECK(equal(einsum("bA->bA", {a}), a));
  CHECK(equal(einsum("...i->i...", {a}), a.t()));
  CHECK(equal(einsum(" i j -> ", {a}), tensor(10)));
  CHECK(equal(einsum("i,j,k->kji", {a[0], a[0], a[1]})[1], tensor({{4, 8}, {8, 16}})));
  CHECK(einsum("ij,jk", {zeros({2, 0}), zeros({0, 3})}).sizes() == Shape{2, 3});
}

TEST_CASE("what these operations refuse") {
  const Tensor a = ones({2, 3}), s = eye(2), singular = zeros({2, 2});
  const auto error = [](const char* equation, const Inputs& operands) {
    return error_of([&] { einsum(equation, operands); });
  };
  CHECK(error("ij,jk->il", {s, s}) ==
        "[einsum] expected output subscripts that an operand has, got l");
  CHECK(error("ij->ii", {s}) ==
        "[einsum] expected every subscript of the output once, got i twice");
  CHECK(error("ij,jk", {a, s}) ==
        "[einsum] expected sizes that broadcast for subscript j, got 2 for operand 1 after 3");
  CHECK(error("...,...", {a, ones({2})}) ==
        "[einsum] expected sizes that broadcast for the ellipsis, got 2 for operand 1 after 3");
  CHECK(error("ij", {a, s}) == "[einsum] expected 1 operands for \"ij\", got 2");
  CHECK(error("ij,", {a}) == "[einsum] expected 2 operands for \"ij,\", got 1");
  CHECK(error("ijk", {a}) ==
        "[einsum] expected 3 dimensions, as operand 0 has subscripts, got [2, 3]");
  CHECK(error("ij...k", {a}) ==
        "[einsum] expected at least 3 dimensions, as operand 0 has subscripts, got [2, 3]");
  CHECK(error("i.j", {a}) ==
        "[einsum] expected letters and at most one \"...\" for an operand, got '.' in \"i.j\"");
  CHECK(error("i1->i", {a}) ==
        "[einsum] expected letters and at most one \"...\" for an operand, got '1' in \"i1->i\"");
  CHECK(error("ii->i", {a}) ==
        "[einsum] expected one size for the repeated subscript i of operand 0, got 2 and 3");
  CHECK(error("i,i", {ones({2}), tensor({1, 2})}) ==
        "[einsum] expected operands of one dtype, got float32 and int64; convert with to()");
  CHECK(error_of([&] { tensordot(a, a, 1); }) ==
        "[tensordot] expected equal sizes in the contracted dimensions, got 3 in dimension 1 of "
        "[2, 3] and 2 in dimension 0 of [2, 3]");
  CHECK(error_of([&] {
          tensordot(a, a, {0}, {0, 1});
        }) == "[tensordot] expected as many dimensions of both operands, got [0] and [0, 1]");
  CHECK(error_of([&] { tensordot(a, a, 3); }) ==
        "[tensordot] expected from 0 to as many dimensions as [2, 3] and [2, 3] have, got 3");
  CHECK(error_of([&] { linalg::inv(a); }) ==
        "[linalg.inv] expected square matrices, [*, n, n], got [2, 3]");
  CHECK(error_of([&] { singular.inverse(); }) ==
        "[linalg.inv] expected an invertible matrix, got a singular one: pivot 1 is zero");
  CHECK(error_of([&] {
          stack({s, singular}).inverse();
        }) ==
        "[linalg.inv] expected an invertible matrix, got a singular one in matrix 1 of the batch: "
        "pivot 1 is zero");
  CHECK(error_of([&] { linalg::solve(singular, s); }) ==
        "[linalg.solve] expected an invertible matrix, got a singular one: pivot 1 is zero");
  CHECK(error_of([&] {
          linalg::solve(s, ones({3, 2}));
        }) ==
        "[linalg.solve] expected right-hand sides of 2 rows for matrices of shape [2, 2], got [3, "
        "2]");
  CHECK(
      error_of([&] { linalg::solve(s, ones({2}, {.dtype = kFloat64})); }) ==
      "[linalg.solve] expected operands of one dtype, got float32 and float64; convert with to()");
  CHECK(error_of([&] {
          tensor({{1, 2}, {3, 4}}).det();
        }) == "[linalg.det] expected a floating input, got int64; convert it with to(kFloat32)");
  CHECK(error_of([&] { linalg::slogdet(ones({2})); }) ==
        "[linalg.slogdet] expected square matrices, [*, n, n], got [2]");
  CHECK(error_of([&] { linalg::cholesky(s * -1); }) ==
        "[linalg.cholesky] expected a positive definite matrix, got one whose leading minor of "
        "order 1 is not positive");
  CHECK(error_of([&] { a.matrix_power(2); }) ==
        "[linalg.matrix_power] expected square matrices, [*, n, n], got [2, 3]");
  const Tensor wide = ones({1, 1, 1, 1, 1, 1, 1});
  CHECK(error_of([&] { kron(a, wide); }) ==
        "[kron] expected operands of at most 6 dimensions, got [2, 3] and [1, 1, 1, 1, 1, 1, 1]");
  CHECK(error_of([&] { cdist(a, s); }) ==
        "[cdist] expected rows of one length, [*, P, M] and [*, R, M], got [2, 3] and [2, 2]");
  CHECK(error_of([&] { cdist(a, a, -1); }) == "[cdist] expected p of at least 0, got -1");
  CHECK(error_of([&] {
          cdist(a, ones({2, 3}, {.dtype = kFloat64}));
        }) == "[cdist] expected operands of one dtype, got float32 and float64; convert with to()");
}
