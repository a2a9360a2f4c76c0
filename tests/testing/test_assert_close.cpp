// assert_close against PyTorch's, word for word (golden_assert_close.py).
#include <norma/testing.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <fstream>
#include <limits>
#include <map>
#include <tuple>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using norma::testing::assert_close;
using norma::testing::CloseOptions;
using norma::testing::Value;

namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = INFINITY;

struct Case {
  std::string name;
  Value actual, expected;
  CloseOptions options = {};
};

Tensor f64(const Tensor& x) { return x.to(kFloat64); }

std::vector<Case> cases() {
  const Tensor grid = arange(24).to(kFloat32).reshape({2, 3, 4});
  Tensor moved = grid.clone();
  moved.index({1, 2, 3}) += 0.5;
  moved.index({0, 0, 1}) += 0.25;
  const CloseOptions loose = {.rtol = 0.1, .atol = 0}, exact = {.rtol = 0, .atol = 0};
  const CloseOptions any_nan = {.equal_nan = true}, any_type = {.check_dtype = false};
  const auto within = [](double atol) { return CloseOptions{.rtol = 0, .atol = atol}; };
  const Tensor nan = tensor({1.0, kNan}), one = tensor({1.0}), two = tensor({2.0});
  const NamedTensors wb = {{"w", one}, {"b", two}};
  return {
      {"equal", grid, grid.clone()},
      {"two of 24", moved, grid},
      {"two of 24, float64", f64(moved), f64(grid)},
      {"within", moved, grid, within(0.5)},
      {"one within", moved, grid, within(0.3)},
      {"relative", tensor({1.0, 2.0, 4.0}), tensor({1.05, 2.5, 4.0}), loose},
      {"at the bound", tensor({1.5}), one, within(0.5)},
      {"default float32, close", tensor({1.0 + 1e-6}), one},
      {"default float32, small", tensor({9e-6}), tensor({0.0})},
      {"default float32, not", tensor({1.0 + 2e-5}), one},
      {"default float64, not", tensor({1.0 + 1e-6}, {.dtype = kFloat64}), f64(one)},
      {"default float64, close", tensor({1.0 + 1e-7}, {.dtype = kFloat64}), f64(one)},
      {"zero expected", tensor({1.0, 0.0}), tensor({0.0, 0.0})},
      {"exact", tensor({1.0, 2.0}), tensor({1.0, 2.5}), exact},
      {"nan", nan, nan},
      {"equal_nan", nan, nan, any_nan},
      {"nan and a number", tensor({1.0, kNan, 3.0}), tensor({1.5, 2.0, 9.0}), any_nan},
      {"number and nan", tensor({1.0, 2.0}), nan},
      {"infinities", tensor({kInf, -kInf}), tensor({kInf, -kInf})},
      {"opposite infinities", tensor({kInf, 1.0}), tensor({-kInf, 1.0})},
      {"infinite and not", tensor({kInf, 1.0}), tensor({5.0, 1.0}), {.rtol = kInf, .atol = 0}},
      {"not and infinite", tensor({5.0, 1.0}), tensor({kInf, 1.0})},
      {"int64", tensor({1, 2, 9}), tensor({1, 3, 5})},
      {"int64 within", tensor({1, 2, 9}), tensor({1, 3, 8}), within(1)},
      {"int32", tensor({1, 2}).to(kInt32), tensor({1, 0}).to(kInt32)},
      {"uint8", tensor({200, 2}).to(kUInt8), tensor({100, 2}).to(kUInt8)},
      {"bool", tensor({true, false}), tensor({true, true})},
      {"0-d", tensor(1.5), tensor(1.0)},
      {"0-d float64", tensor(0.1, {.dtype = kFloat64}), tensor(0.0, {.dtype = kFloat64})},
      {"0-d exact", tensor(1.5), tensor(1.0), exact},
      {"0-d nan", tensor(kNan), tensor(kNan)},
      {"0-d int", tensor(7), tensor(2)},
      {"0-d bool", tensor(true), tensor(false)},
      {"empty", zeros({0, 3}), zeros({0, 3})},
      {"empty, other shape", zeros({0, 3}), zeros({3, 0})},
      {"shapes", zeros({2}), zeros({2, 1})},
      {"dtypes", zeros({2}), zeros({2}, {.dtype = kFloat64})},
      {"dtypes not asked", tensor({1.0 + 1e-6}), f64(one), any_type},
      {"dtypes not asked, not close", tensor({1, 2}), tensor({1.0, 2.5}), any_type},
      {"strides not asked", grid.transpose(0, 1), grid.transpose(0, 1).contiguous()},
      {"strides",
       tensor({{1.0, 2.0}, {3.0, 4.0}}).t(),
       tensor({{1.0, 3.0}, {2.0, 4.0}}),
       {.check_stride = true}},
      {"transposed", moved.transpose(0, 2), grid.transpose(0, 2).contiguous()},
      {"requires_grad", ones({1}, {.requires_grad = true}) * 3, tensor({3.5})},
      {"small numbers", tensor({1e-7, 3e-8}, {.dtype = kFloat64}),
       tensor({1e-7, 0.0}, {.dtype = kFloat64}), within(1e-9)},
      {"large numbers", tensor({1e20}, {.dtype = kFloat64}), tensor({3e22}, {.dtype = kFloat64})},
      {"msg", one, two, {.msg = "the step was wrong"}},
      {"floats", 0.5, 0.25},
      {"floats close", 0.5, 0.5 + 1e-8},
      {"floats nan", kNan, kNan},
      {"floats equal_nan", kNan, kNan, any_nan},
      {"floats infinite", kInf, kInf},
      {"float and zero", 0.5, 0.0},
      {"ints", 3, 5},
      {"ints within", 3, 5, within(2)},
      {"int and float", 3, 3.0},
      {"int and float, types not asked", 3, 3.0, any_type},
      {"int and float, not close", 3, 3.5, any_type},
      {"bools", true, false},
      {"bools equal", true, true},
      {"list", {one, tensor({2.0, 3.0})}, {one, tensor({2.0, 4.0})}},
      {"list of floats", {1.0, 2.0, 3.0}, {1.0, 2.0, 3.5}},
      {"lengths", {1.0, 2.0}, {1.0}},
      {"nested", {{one}, {two, 5}}, {{one}, {two, 6}}},
      {"nested lengths", {{1.0}, {2.0}}, {{1.0}, {2.0, 3.0}}},
      {"mapping", wb, NamedTensors{{"w", one}, {"b", tensor({2.5})}}},
      {"mapping, other order", NamedTensors{{"b", two}, {"w", one}}, wb},
      {"keys", NamedTensors{{"w", one}, {"c", two}}, wb},
      {"list of mappings", {NamedTensors{{"w", one}}}, {NamedTensors{{"w", two}}}},
  };
}

std::map<std::string, std::string> golden() {
  std::ifstream file(NORMA_TESTING_TESTS "golden_assert_close.txt");
  std::map<std::string, std::string> said;
  std::string name;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      name = line.substr(4);
      said[name];
    } else {
      said[name] += (said[name].empty() ? "" : "\n") + line;
    }
  }
  return said;
}

}  // namespace

TEST_CASE("assert_close says what PyTorch says") {
  const auto said = golden();
  const std::vector<Case> all = cases();
  CHECK(all.size() == said.size());
  for (const Case& c : all) {
    CAPTURE(c.name);
    REQUIRE(said.count(c.name) == 1);
    const std::string& message = said.at(c.name);
    CHECK(norma::testing::difference(c.actual, c.expected, c.options) == message);
    CHECK(error_of([&] { assert_close(c.actual, c.expected, c.options); }) ==
          (message.empty() ? "no error" : "[assert_close] " + message));
  }
}

TEST_CASE("assert_close counts what else differs") {
  const Tensor one = tensor({1.0}), two = tensor({2.0});
  const NamedTensors state = {{"a", one}, {"b", one}, {"c", one}};
  const std::string second =
      norma::testing::difference(state, NamedTensors{{"a", one}, {"b", two}, {"c", two}});
  CHECK(has(second, "for item [\"b\"]; 1 other of 3 differ, too"));
  const std::string all = norma::testing::difference({1, 2, 3}, {4, 5, 6});
  CHECK(has(all, "for item [0]; 2 others of 3 differ, too"));
}

TEST_CASE("assert_close takes what holds tensors and numbers") {
  const Tensor a = tensor({1.0, 2.0});
  assert_close(std::vector<Tensor>{a, a}, {a, a});
  assert_close(std::pair(a, 1), {a, 1});
  assert_close(std::tuple(a, 1, 2.0), std::tuple(a.clone(), 1, 2.0));
  assert_close(std::array<double, 2>{1, 2}, std::vector<double>{1, 2});
  assert_close(std::deque<int>{1, 2}, std::vector<int64_t>{1, 2});
  assert_close(std::vector<bool>{true, false}, {true, false});
  assert_close(a.sizes(), {2});
  assert_close(a.sizes(), Shape{2});
  assert_close(std::map<std::string, double>{{"lr", 0.1}},
               std::map<std::string, float>{{"lr", 0.1F}});
  assert_close(std::vector<std::vector<Tensor>>{{a}, {}}, {{a}, std::vector<Tensor>()});
  assert_close(a[0], tensor(1.0));
  assert_close(a.index({0}), a[0]);
  const nn::Linear fc(2, 3), other = fc.clone();
  assert_close(fc.state_dict(), other.state_dict());
  assert_close(fc.parameters(), other.parameters());
  CHECK_THROWS_AS(assert_close(fc.state_dict(), nn::Linear(2, 3).state_dict()), Error);
}

TEST_CASE("a C++ float has the digits of float32") {
  assert_close(0.1F, 0.1);
  assert_close(0.1, 0.1F);
  CHECK(norma::testing::difference(0.25F, 0.5F) ==
        "Scalars are not close!\n\nExpected 0.5 but got 0.25.\nAbsolute difference: 0.25 (up to "
        "1e-05 allowed)\nRelative difference: 0.5 (up to 1.3e-06 allowed)");
  CHECK(norma::testing::difference(1.0, 1.00001) != "");
  assert_close(1.0F, 1.00001F);
}

TEST_CASE("assert_close of integers is exact") {
  const int64_t least = INT64_MIN, most = INT64_MAX;
  CHECK(has(norma::testing::difference(tensor({least}), tensor({most})),
            "Greatest absolute difference: 18446744073709551615 at index (0,)"));
  CHECK(
      has(norma::testing::difference(least, most), "Absolute difference: 18446744073709551615\n"));
  const int64_t large = (int64_t(1) << 60) + 1;
  CHECK(norma::testing::difference(tensor({large}), tensor({large - 1})) != "");
  CHECK(norma::testing::difference(large, large - 1) != "");
  // PyTorch's difference of 1 and 2 wraps around to 255.
  assert_close(tensor({1}).to(kUInt8), tensor({2}).to(kUInt8), {.rtol = 0, .atol = 1});
}

TEST_CASE("assert_close of tensors that are not there") {
  CHECK(norma::testing::difference(Tensor(), Tensor()) == "");
  CHECK(norma::testing::difference(Tensor(), zeros({2})) ==
        "Expected a tensor of shape [2] but got an undefined tensor.");
  CHECK(norma::testing::difference(zeros({2}), Tensor()) ==
        "Expected an undefined tensor but got a tensor of shape [2].");
  CHECK(has(norma::testing::difference({Tensor(), Tensor()}, {Tensor(), zeros({2})}),
            "for item [1]"));
}

TEST_CASE("assert_close leaves tensors and the graph alone") {
  const Tensor w = ones({2, 2}, {.requires_grad = true});
  const Tensor y = (w * 2).t();
  const Tensor before = y.detach().clone();
  assert_close(y, full({2, 2}, 2.0));
  assert_close(scattered(before), before);
  CHECK(y.requires_grad());
  y.sum().backward();
  CHECK(mismatch(w.grad(), full({2, 2}, 2.0)) == "");
  CHECK(mismatch(y.detach(), before) == "");
}

TEST_CASE("assert_close refuses what it cannot compare") {
  const Tensor x = zeros({2});
  const auto error = [&](const Value& a, const Value& b, const CloseOptions& options = {}) {
    return error_of([&] { assert_close(a, b, options); });
  };
  CHECK(error(x, x, {.rtol = 0.1}) ==
        "[assert_close] expected rtol and atol, or neither, got no atol; 0 switches one off");
  CHECK(error(x, x, {.atol = 0.1}) ==
        "[assert_close] expected rtol and atol, or neither, got no rtol; 0 switches one off");
  CHECK(error(x, x, {.rtol = -1, .atol = 0}) ==
        "[assert_close] expected rtol and atol >= 0, got -1.0 and 0.0");
  CHECK(error(x, x, {.rtol = 0, .atol = kNan}) ==
        "[assert_close] expected rtol and atol >= 0, got 0.0 and nan");
  const std::string hint =
      "; tensor({…}) makes a tensor of numbers, item<double>() a number of a tensor";
  CHECK(error(x, {0.0, 0.0}) ==
        "[assert_close] expected two values of one kind, got a tensor of shape [2] and a list of "
        "2" +
            hint);
  CHECK(error(1.0, x) ==
        "[assert_close] expected two values of one kind, got a number and a tensor of shape [2]" +
            hint);
  CHECK(error({Tensor(), 1}, {Tensor(), NamedTensors{{"a", x}}}) ==
        "[assert_close] expected two values of one kind, got a number and a mapping of 1 at item "
        "[1]" +
            hint);
  CHECK(error(NamedTensors{{"a", x}, {"a", x}}, NamedTensors{{"a", x}}) ==
        "[assert_close] expected each key once, got \"a\" twice");
}

TEST_CASE("values print as Python's do") {
  CHECK(Value(tensor({1.0, 2.0})).repr() == "tensor([1., 2.])");
  CHECK(Value({1, 0.5, true}).repr() == "[1, 0.5, True]");
  CHECK(Value(NamedTensors{{"w", tensor(1)}}).repr() == "{\"w\": tensor(1)}");
}
