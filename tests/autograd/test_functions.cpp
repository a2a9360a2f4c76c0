// Functions of elements: derivatives, dtypes, refusals. Values beside PyTorch: tests/parity.
#include <cmath>
#include <functional>
#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Elements from `low` to `high`, both left out.
Tensor spread(double low, double high) {
  const Tensor x = arange(1, 12).to(kFloat64) / 12 * (high - low) + low;
  return x.detach().requires_grad_();
}

struct Row {
  const char* name;
  double low, high;
  Tensor (*function)(const Tensor&);
};

/// The gradients of the sum of `function` times g.
std::vector<std::vector<double>> gradients(const Function& function, std::vector<Tensor> inputs,
                                           const Tensor& g) {
  for (Tensor& x : inputs) x = x.detach().requires_grad_();
  function(inputs).backward(g);
  std::vector<std::vector<double>> all;
  for (const Tensor& x : inputs) all.push_back(to_vector(x.grad()));
  return all;
}

}  // namespace

TEST_CASE("functions of one element have both derivatives") {
  for (const Row& row : {
           Row{"sin", -3, 3, sin},
           Row{"cos", -3, 3, cos},
           Row{"tan", -1, 1, tan},
           Row{"asin", -0.9, 0.9, asin},
           Row{"acos", -0.9, 0.9, acos},
           Row{"atan", -3, 3, atan},
           Row{"sinh", -2, 2, sinh},
           Row{"cosh", -2, 2, cosh},
           Row{"asinh", -2, 2, asinh},
           Row{"acosh", 1.1, 4, acosh},
           Row{"atanh", -0.9, 0.9, atanh},
           Row{"sinc", -3.1, 3, sinc},
           Row{"exp2", -2, 2, exp2},
           Row{"expm1", -2, 2, expm1},
           Row{"log1p", -0.9, 2, log1p},
           Row{"log2", 0.1, 4, log2},
           Row{"log10", 0.1, 4, log10},
           Row{"rsqrt", 0.3, 4, rsqrt},
           Row{"reciprocal", 0.3, 4, reciprocal},
           Row{"erf", -2, 2, erf},
           Row{"erfc", -2, 2, erfc},
           Row{"erfinv", -0.9, 0.9, erfinv},
           Row{"floor", 0.1, 0.9, floor},
           Row{"ceil", 0.1, 0.9, ceil},
           Row{"trunc", 0.1, 0.9, trunc},
           Row{"frac", 0.1, 0.9, frac},
           Row{"sign", 0.1, 0.9, sign},
       }) {
    INFO(row.name);
    CHECK(gradient_error([&](const std::vector<Tensor>& x) { return row.function(x[0]); },
                         {spread(row.low, row.high)}) == "");
  }
  CHECK(gradient_error([](const std::vector<Tensor>& x) { return round(x[0], 1); },
                       {spread(0.06, 0.14)}) == "");
}

TEST_CASE("functions of several tensors have both derivatives") {
  manual_seed(3);
  const Tensor a = random_leaf({2, 3}), b = (random_leaf({3}) + 0.2).detach().requires_grad_(),
               c = random_leaf({2, 1});
  const Tensor positive = (rand({2, 3}, {.dtype = kFloat64}) + 0.5).requires_grad_();
  const auto check = [&](const char* name, const Function& function,
                         const std::vector<Tensor>& inputs) {
    INFO(name);
    CHECK(gradient_error(function, inputs) == "");
  };
  using X = const std::vector<Tensor>&;
  check("atan2", [](X x) { return atan2(x[0], x[1]); }, {a, b});
  check("hypot", [](X x) { return hypot(x[0], x[1]); }, {a, b});
  check("logaddexp", [](X x) { return logaddexp(x[0], x[1]); }, {a, b});
  check("fmod", [](X x) { return fmod(x[0] * 0.1 + 5.2, x[1]); }, {a, positive});
  check("remainder", [](X x) { return remainder(x[0], x[1]); }, {a, positive});
  check("fmod of a number", [](X x) { return fmod(x[0], 10); }, {a});
  check("remainder of a number", [](X x) { return remainder(x[0], 10); }, {positive});
  check("lerp", [](X x) { return lerp(x[0], x[1], x[2]); }, {a, b, c});
  check("lerp by a number", [](X x) { return lerp(x[0], x[1], 0.7); }, {a, b});
  check("addcmul", [](X x) { return addcmul(x[0], x[1], x[2], 0.5); }, {a, b, c});
  check("addcdiv", [](X x) { return addcdiv(x[0], x[1], x[2], -2); }, {a, b, positive});
  check("clamp by tensors", [](X x) { return clamp(x[0], x[1] - 0.5, x[2] + 0.5); }, {a, b, c});
  check("clamp from below", [](X x) { return clamp(x[0], x[1]); }, {a, b});
  check("clamp from above", [](X x) { return clamp(x[0], Tensor(), x[1]); }, {a, b});
  check("clamp", [](X x) { return x[0].clamp(-0.5, 0.5); }, {a});
}

TEST_CASE("a share of 0 is 0, whatever gradient arrives") {
  const Tensor g = tensor({kInf, kNaN, kInf});
  const Tensor a = tensor({1.0, 2.0, 1.0}), b = tensor({2.0, 1.0, 1.0});
  const auto largest = gradients([](const auto& x) { return maximum(x[0], x[1]); }, {a, b}, g);
  CHECK(largest[0][0] == 0);
  CHECK(std::isnan(largest[0][1]));
  CHECK(largest[0][2] == kInf);
  CHECK(largest[1][1] == 0);
  const auto smallest = gradients([](const auto& x) { return minimum(x[0], x[1]); }, {a, b}, g);
  CHECK(smallest[0][1] == 0);
  CHECK(smallest[1][0] == 0);

  const Tensor one = tensor({kInf});
  const auto all = [&](const Function& function) {
    return gradients(function, {tensor({1.0, 3.0, 3.0})}, one.reshape({}))[0];
  };
  CHECK(all([](const auto& x) { return x[0].max(); }) == std::vector<double>{0, kInf, kInf});
  CHECK(all([](const auto& x) { return x[0].min(); }) == std::vector<double>{kInf, 0, 0});

  const Tensor base = tensor({0.0, kInf, 1.0}), zero = zeros({3});
  CHECK(gradients([&](const auto& x) { return x[0].pow(zero); }, {base}, g)[0] ==
        std::vector<double>(3, 0));
  CHECK(gradients([](const auto& x) { return x[0].pow(0); }, {base}, g)[0] ==
        std::vector<double>(3, 0));
  // Also where the gradient has a gradient.
  Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  const Tensor y = maximum(x, full({2}, 1.5)) * tensor({kInf, 1.0});
  CHECK(to_vector(autograd::grad({y.sum()}, {x}, {}, {}, true)[0]) == std::vector<double>{0, 1});
}

TEST_CASE("clamp: bounds that are NaN, met, absent, or out of reach") {
  const Tensor x = tensor({-1.0, 0.0, 1.0, kNaN}), g = ones({4});
  const auto slope = [&](const Function& function) { return gradients(function, {x}, g)[0]; };
  CHECK(slope([](const auto& v) { return v[0].clamp(-1, 1); }) == std::vector<double>{0, 1, 0, 0});
  CHECK(slope([](const auto& v) { return v[0].clamp(-1); }) == std::vector<double>{0, 1, 1, 0});
  CHECK(slope([](const auto& v) { return v[0].clamp(std::nullopt, 1); }) ==
        std::vector<double>{1, 1, 0, 0});
  CHECK(slope([](const auto& v) { return v[0].clamp(kNaN, 1); }) == std::vector<double>(4, 0));
  CHECK(x.clamp(kNaN, 1).isnan().all().item<bool>());
  CHECK(x.clamp_max(kNaN).isnan().all().item<bool>());
  CHECK(tensor({1, 2}).clamp(0, kNaN).isnan().all().item<bool>());
  CHECK(equal(tensor({1, 2}).clamp(1.5), tensor({1.5, 2.0})));
  CHECK(equal(clamp(tensor({1.0, 5.0}), 0, 2), tensor({1.0, 2.0})));

  const Tensor bytes = tensor({1, 200}, {.dtype = kUInt8});
  CHECK(to_vector(bytes.clamp(0, 300)) == std::vector<double>{1, 200});
  CHECK(to_vector(bytes.clamp(-5, 30)) == std::vector<double>{1, 30});
  Tensor changed = bytes.clone();
  CHECK(to_vector(changed.clamp_(-5, 300)) == std::vector<double>{1, 200});
  CHECK(error_of([&] { bytes.clone().clamp_(300, 400); }) ==
        "[clamp] expected bounds that fit uint8, got min = 300.0");
  CHECK(error_of([&] { bytes.clamp_max(-1); }) ==
        "[clamp_max] expected bounds that fit uint8, got max = -1.0");
  CHECK(error_of([&] { x.clamp(std::nullopt); }) ==
        "[clamp] expected at least one bound, got none");
  CHECK(error_of([&] { x.clamp(Tensor()); }) == "[clamp] expected at least one bound, got none");
  CHECK(error_of([] { tensor({true}).clamp(false, true); }) ==
        "[clamp] expected numbers, got a bool tensor and bool bounds");
}

TEST_CASE("integers become floating, or stay") {
  const Tensor n = tensor({-2, 0, 3}), bits = tensor({true, false});
  for (const auto function : {sin, erf, log2, rsqrt, reciprocal, exp2, sinc, erfinv, log1p}) {
    CHECK(function(n).dtype() == kFloat32);
    CHECK(function(bits).dtype() == kFloat32);
  }
  for (const auto function : {floor, ceil, trunc, sign}) CHECK(function(n).dtype() == kInt64);
  CHECK(equal(round(n), n));
  CHECK(equal(sign(bits), bits));
  CHECK(to_vector(sign(tensor({-2.0, kNaN, 0.0}))) == std::vector<double>{-1, 0, 0});
  CHECK(atan2(n, n).dtype() == kFloat32);
  CHECK(fmod(n, 2.5).dtype() == kFloat32);
  CHECK(to_vector(fmod(tensor({-7, 7}), 3)) == std::vector<double>{-1, 1});
  CHECK(to_vector(remainder(tensor({-7, 7}), 3)) == std::vector<double>{2, 1});
  const Tensor lowest = tensor({std::numeric_limits<int64_t>::min()});
  CHECK(fmod(lowest, -1).item<int64_t>() == 0);
  CHECK(equal(addcmul(n, n, n), tensor({2, 0, 12})));
  CHECK(addcmul(n, n, n, 2.5).dtype() == kInt64);
  CHECK(addcdiv(n, n, tensor({2.0, 2.0, 2.0})).dtype() == kFloat32);
  CHECK(isinf(n).dtype() == kBool);
  CHECK(logical_and(n, tensor({1.0, 1.0, 0.0})).dtype() == kBool);
}

TEST_CASE("rounding, and the ends of ranges") {
  CHECK(to_vector(round(tensor({0.5, 1.5, -0.5, -2.5}))) == std::vector<double>{0, 2, -0.0, -2});
  CHECK(to_vector(round(tensor({1250.0, 1350.0}), -2)) == std::vector<double>{1200, 1400});
  CHECK(allclose(round(tensor({1.234, -1.236}), 2), tensor({1.23, -1.24})));
  CHECK(to_vector(erfinv(tensor({1.0, -1.0, 0.0}))) == std::vector<double>{kInf, -kInf, 0});
  CHECK(std::isnan(erfinv(tensor({1.5})).item<double>()));
  CHECK(hypot(tensor({3e30}), tensor({4e30})).item<double>() == Approx(5e30));
  CHECK(logaddexp(tensor({-kInf}), tensor({-kInf})).item<double>() == -kInf);
  CHECK(logaddexp(tensor({1000.0}), tensor({1000.0})).item<double>() == Approx(1000.6931));
  CHECK(to_vector(lerp(tensor({1e10}), tensor({3.0}), 1)) == std::vector<double>{3});
  CHECK(to_vector(isinf(tensor({kInf, -kInf, kNaN, 1.0}))) == std::vector<double>{1, 1, 0, 0});
  for (const double y : {-0.999999, -0.7, -0.3, 1e-9, 0.5, 0.99, 0.9999999999}) {
    const Tensor x = erfinv(tensor(y, {.dtype = kFloat64}));
    CHECK(erf(x).item<double>() == Approx(y).epsilon(1e-14));
  }
}

TEST_CASE("forms in place write, and keep the gradient") {
  Tensor x = tensor({1.44, 0.25}, {.requires_grad = true});
  Tensor y = x * 1;
  const Tensor mask = tensor({true, false});
  y.rsqrt_().reciprocal_().square_().log_().abs_().sin_().cos_();
  const Tensor same = cos(sin(x.log().abs()));
  CHECK(allclose(y, same));
  const auto slopes = [&](const Tensor& out) {
    x.set_grad({});
    out.sum().backward();
    return x.grad();
  };
  CHECK(allclose(slopes(y), slopes(same)));
  y = x * 10;
  y.floor_().ceil_().round_(1).trunc_();
  CHECK(to_vector(y) == std::vector<double>{14, 2});
  y.masked_fill_(mask, 3).clamp_min_(2.5).clamp_max_(2.75);
  CHECK(to_vector(y) == std::vector<double>{2.75, 2.5});
  y = x * 1;
  y.lerp_(ones({2}), 0.5).lerp_(zeros({2}), full({2}, 0.5));
  y.addcmul_(x, x, 2).addcdiv_(x, x + 1);
  const Tensor z = (x + 1) / 4 + 2 * x * x + x / (x + 1);
  CHECK(allclose(y, z));
  CHECK(allclose(slopes(y), slopes(z)));
  y = x * 1;
  y.clamp_(full({2}, 0.5), full({2}, 1.0));
  CHECK(to_vector(y) == std::vector<double>{1, 0.5});
  CHECK(to_vector(slopes(y)) == std::vector<double>{0, 0});
}

TEST_CASE("functions of elements refuse what has no meaning") {
  const Tensor n = tensor({1, 2}), bits = tensor({true, false}), x = tensor({1.0, 2.0});
  CHECK(error_of([&] { floor(bits); }) ==
        "[floor] expected numbers, got a bool tensor; convert it with to(kFloat32)");
  CHECK(error_of([&] { round(n, 1); }) ==
        "[round] expected a floating tensor for decimals = 1, got int64");
  CHECK(error_of([&] { frac(n); }) == "[frac] expected a floating tensor, got int64");
  CHECK(error_of([&] { fmod(bits, bits); }) == "[fmod] expected numbers, got bool tensors");
  CHECK(error_of([&] { remainder(n, 0); }) ==
        "[remainder] expected integer divisors other than 0, got a 0");
  CHECK(error_of([&] { fmod(n, n - 1); }) ==
        "[fmod] expected integer divisors other than 0, got a 0");
  CHECK(error_of([&] { hypot(n, n); }) ==
        "[hypot] expected floating tensors, got int64; convert one with to(kFloat32)");
  CHECK(error_of([&] { logaddexp(n, n); }) ==
        "[logaddexp] expected floating tensors, got int64; convert one with to(kFloat32)");
  CHECK(error_of([&] { lerp(n, n, 0.5); }) ==
        "[lerp] expected floating tensors, got int64; convert with to(kFloat32)");
  CHECK(error_of([&] { lerp(x, x.to(kFloat64), 0.5); }) ==
        "[lerp] expected an end of the dtype float32, got float64");
  CHECK(error_of([&] { lerp(x, x, x.to(kFloat64)); }) ==
        "[lerp] expected a weight of the dtype float32, got float64");
  CHECK(error_of([&] { addcmul(bits, bits, bits); }) ==
        "[addcmul] expected numbers, got bool tensors");
  CHECK(error_of([&] { addcdiv(x, n, n); }) ==
        "[addcdiv] expected one of the operands to be floating, got int64 and int64; convert one "
        "with to(kFloat32)");
  CHECK(has(error_of([&] { x.clone().sub_(true); }), "[sub] expected numbers, got bool operands"));
  CHECK(has(error_of([&] { n.clone().sub_(true); }), "[sub] expected numbers, got bool operands"));
  CHECK(error_of([&] { bits.argmax(); }) ==
        "[argmax] expected numbers, got a bool tensor; convert it with to(kUInt8)");
  CHECK(error_of([&] { bits.argmin(0); }) ==
        "[argmin] expected numbers, got a bool tensor; convert it with to(kUInt8)");
  CHECK(error_of([&] { relu(bits); }) ==
        "[relu] expected numbers, got a bool tensor; convert it with to(kFloat32)");
  for (const auto& call :
       std::vector<std::function<void()>>{[&] { softmax(n, 0); }, [&] { log_softmax(bits, 0); },
                                          [&] { n.leaky_relu(); }, [&] { bits.gelu(); }}) {
    CHECK(has(error_of(call), "expected a floating input, got "));
  }
  CHECK(error_of([&] { sin(Tensor()); }) != "no error");
  CHECK(error_of([&] { reciprocal(Tensor()); }) != "no error");
}

TEST_CASE("allclose rounds its bounds to the type of the numbers") {
  CHECK(allclose(full({1}, 0.1F), zeros({1}), 1.1, 0.1));
  CHECK_FALSE(allclose(full({1}, 0.1F).to(kFloat64), zeros({1}, {.dtype = kFloat64}), 1.1, 0.1));
  CHECK(allclose(tensor({1}), tensor({2}), 0, 1));
  CHECK_FALSE(allclose(full({1}, kInf), zeros({1}), 1, kInf));
}
