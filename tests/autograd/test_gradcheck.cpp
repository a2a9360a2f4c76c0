// gradcheck itself: it must find wrong gradients and say where.
#include "norma/autograd/gradcheck.h"

#include <cmath>
#include <cstdio>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::InputGrads;
using autograd::record;
using Tensors = std::vector<Tensor>;

namespace {

Tensor leaf(const NestedList& values) {
  return tensor(values, {.dtype = kFloat64, .requires_grad = true});
}

/// 3x, whose backward claims `slope` for the element `at`.
Tensor tripled(const Tensor& x, int64_t at, double slope) {
  return record("tripled", x.detach() * 3.0, {&x}, [=](const Tensor& g, InputGrads& d) {
    d[0] = g * 3.0;
    d[0].reshape(-1).select(0, at).mul_(slope / 3);
  });
}

}  // namespace

TEST_CASE("right gradients pass") {
  const auto result = gradcheck(
      [](const Tensors& x) { return x[0].matmul(x[1]).tanh() + x[2]; },
      {leaf({{0.1, 0.2}, {0.3, 0.4}}), leaf({{1, 2, 3}, {4, 5, 6}}), leaf({0.5, 0.25, 0.125})});
  CHECK(result.ok);
  CHECK(result);
  CHECK(result.input >= 0);
  CHECK(result.message.find("gradients agree; worst at input ") == 0);
  CHECK(std::fabs(result.analytic - result.numeric) <= result.tolerance);
  const auto empty = gradcheck([](const Tensors& x) { return x[0] * 2.0; }, {leaf({})});
  CHECK(empty.ok);
  CHECK(empty.message == "gradients agree: no elements to check");
}

TEST_CASE("a wrong gradient is found, with element, both values and tolerance") {
  const auto wrong = [](const Tensors& x) { return (x[0] + tripled(x[1], 4, 3.5)).sum(); };
  const Tensors inputs = {leaf({{1, 2, 3}, {4, 5, 6}}), leaf({{1, 2, 3}, {4, 5, 6}})};
  const auto result = gradcheck(wrong, inputs);
  CHECK(!result.ok);
  CHECK(!result);
  CHECK(result.input == 1);
  CHECK(result.index == Shape({1, 1}));
  CHECK(result.analytic / result.numeric == Approx(3.5 / 3).epsilon(1e-6));
  CHECK(result.tolerance == Approx(1e-5 + 1e-3 * std::fabs(result.numeric)));
  char expected[200];
  std::snprintf(expected, sizeof(expected),
                "gradients differ; worst at input 1, element [1, 1]: backward() gives %.9g, "
                "central difference "
                "%.9g, tolerance %.9g",
                result.analytic, result.numeric, result.tolerance);
  CHECK(result.message == expected);
  std::ostringstream printed;
  printed << result;
  CHECK(printed.str() == expected);
  CHECK(gradcheck(wrong, inputs, {.rtol = 0.2}).ok);
  CHECK(!gradcheck([](const Tensors& x) { return tripled(x[0], 0, 3.001); }, {leaf({1, 2})},
                   {.atol = 1e-7, .rtol = 1e-7})
             .ok);
}

TEST_CASE("missing, constant and NaN gradients do not pass") {
  const auto missing = [](const Tensors& x) {
    return record("missing", x[0].detach() * 2.0 + x[1].detach(), {&x[0], &x[1]},
                  [](const Tensor& g, InputGrads& d) { d[1] = g; });
  };
  const auto result = gradcheck(missing, {leaf({1, 2}), leaf({1, 2})});
  CHECK(!result.ok);
  CHECK(result.input == 0);
  CHECK(result.analytic == 0);
  CHECK(!gradcheck([](const Tensors& x) { return x[0].log(); }, {leaf({-1, 2})}).ok);
  CHECK(!gradcheck([](const Tensors& x) { return tripled(x[0], 0, NAN); }, {leaf({1, 2})}).ok);
  // Errors that cancel in the plain sum do not cancel here.
  const auto swapped = [](const Tensors& x) {
    return record("swapped", x[0].detach() * 1.0, {&x[0]}, [](const Tensor& g, InputGrads& d) {
      d[0] = stack({g.select(0, 1), g.select(0, 0)});
    });
  };
  CHECK(!gradcheck(swapped, {leaf({1, 2})}).ok);
}

TEST_CASE("inputs without gradient take part, and all inputs stay as they were") {
  Tensor x = leaf({1, 2, 3});
  const Tensor index = tensor({2, 0}), scale = tensor({2.0, 3.0}, {.dtype = kFloat64});
  x.set_grad(full({3}, 7, {.dtype = kFloat64}));
  const Tensor grad = x.grad();
  CHECK(gradcheck([](const Tensors& in) { return in[0].index_select(0, in[1]) * in[2]; },
                  {x, index, scale})
            .ok);
  CHECK(x.grad().is_same(grad));
  CHECK(equal(grad, full({3}, 7, {.dtype = kFloat64})));
  CHECK(equal(x, tensor({1, 2, 3}, {.dtype = kFloat64})));
  int calls = 0;
  CHECK(error_of([&] {
          gradcheck(
              [&](const Tensors& in) {
                if (++calls == 2) fail("moody", "expected a better day");
                return in[0] * 2.0;
              },
              {x});
        }) == "[moody] expected a better day");
  CHECK(equal(x, tensor({1, 2, 3}, {.dtype = kFloat64})));
  CHECK(x.grad().is_same(grad));
}

TEST_CASE("what cannot be checked is refused") {
  const auto twice = [](const Tensors& x) { return x[0] * 2.0; };
  CHECK(error_of([&] { gradcheck(twice, {ones({2}, {.requires_grad = true})}); }) ==
        "[gradcheck] expected input 0 to be float64, got float32; float32 has too few digits for "
        "differences");
  CHECK(error_of([&] { gradcheck(twice, {leaf({1}) * 1.0}); }) ==
        "[gradcheck] expected input 0 to be a leaf, got the result of mul");
  Tensor turned = zeros({2, 3}, {.dtype = kFloat64}).t();
  turned.requires_grad_();
  CHECK(error_of([&] { gradcheck(twice, {turned}); }) ==
        "[gradcheck] expected input 0 to be contiguous; call contiguous() first");
  CHECK(error_of([&] { gradcheck(twice, {Tensor()}); }) ==
        "[gradcheck] expected defined inputs, got an undefined one");
  CHECK(error_of([&] { gradcheck(twice, {ones({2}, {.dtype = kFloat64})}); }) ==
        "[gradcheck] expected a function whose result depends on an input that requires_grad, got "
        "one that "
        "does not");
  CHECK(error_of([&] {
          gradcheck([](const Tensors& x) { return x[0].detach(); }, {leaf({1})});
        }).find("[gradcheck] expected a function whose result depends on") == 0);
}
