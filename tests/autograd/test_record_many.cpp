// Operations of several results, written from outside with installed headers only.
#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::InputGrads, autograd::Saved, autograd::grad;
using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;

namespace {

int backward_calls = 0;

/// r = √(x² + y²) and φ = atan2(y, x). Second derivatives pass through a saved result.
Tensors polar(const Tensor& x, const Tensor& y) {
  const Tensor a = x.detach(), b = y.detach(), r = (a * a + b * b).sqrt();
  Tensor phi = empty_like(a);
  for (int64_t i = 0; i < a.numel(); ++i)
    phi.data_ptr<double>()[i] = std::atan2(b.data_ptr<double>()[i], a.data_ptr<double>()[i]);
  return autograd::record_many(
      "polar", {r, phi}, {&x, &y},
      [x = Saved(x), y = Saved(y), r = Saved(r)](const Tensors& g, InputGrads& d) {
        ++backward_calls;
        if (g[0].defined()) {
          if (d.needs(0)) d[0] = g[0] * *x / *r;
          if (d.needs(1)) d[1] = g[0] * *y / *r;
        }
        if (g[1].defined()) {
          const Tensor square = *r * *r, dx = -(g[1] * *y / square), dy = g[1] * *x / square;
          d[0] = d[0].defined() ? d[0] + dx : dx;
          d[1] = d[1].defined() ? d[1] + dy : dy;
        }
      });
}

/// Quotient and remainder, and an integer result that has no gradient.
Tensors split(const Tensor& x) {
  const Tensor v = x.detach();
  return autograd::record_many("split", {v * 2.0, v.to(kInt64), v * v}, {&x},
                               [x = Saved(x)](const Tensors& g, InputGrads& d) {
                                 CHECK(g.size() == 3);
                                 CHECK_FALSE(g[1].defined());
                                 d[0] = zeros_like(*x);
                                 if (g[0].defined()) d[0] = d[0] + g[0] * 2.0;
                                 if (g[2].defined()) d[0] = d[0] + g[2] * *x * 2.0;
                               });
}

}  // namespace

TEST_CASE("several results have the gradients of their formula, first and second") {
  manual_seed(1);
  const Tensor x = random_leaf({3}), y = random_leaf({3});
  const auto with = [](double a, double b) {
    return [=](const Tensors& in) {
      const Tensors out = polar(in[0], in[1]);
      return a == 0 ? out[1] * b : b == 0 ? out[0] * a : out[0] * a + out[1] * out[0] * b;
    };
  };
  CHECK(gradient_error(with(2, 0), {x, y}) == "");
  CHECK(gradient_error(with(0, 3), {x, y}) == "");
  CHECK(gradient_error(with(2, 3), {x, y}) == "");
  CHECK(gradient_error([](const Tensors& in) { return polar(in[0], in[0] * 2.0)[0]; }, {x}) == "");
}

TEST_CASE("backward runs once, for all results that something depends on") {
  const Tensor x = tensor_of({3, 1}, {2}).requires_grad_(), y = tensor_of({4, 0}, {2});
  backward_calls = 0;
  const Tensors out = polar(x, y);
  CHECK(out[0].grad_fn_name() == "polar");
  CHECK(out[1].grad_fn_name() == "polar");
  CHECK_FALSE(out[0].is_leaf());
  (out[0] * out[0] + out[0] + out[1]).sum().backward({}, true);
  CHECK(backward_calls == 1);
  CHECK(mismatch(x.grad(), tensor_of({6 + 0.6 - 0.16, 3}, {2}), 1e-14) == "");
  // In one of the results, or in none.
  CHECK(mismatch(grad({out[1].sum()}, {x}, {}, true)[0], tensor_of({-0.16, 0}, {2}), 1e-14) == "");
  CHECK(grad({out[0].sum()}, {out[0], out[1]}, {}, true, false, true)[1].defined() == false);
  CHECK(to_vector(grad({(out[0] * 2.0).sum(), out[1].sum()}, {out[0], out[1]}, {}, true)[0]) ==
        Numbers{2, 2});
  CHECK(backward_calls == 2);
}

TEST_CASE("results that are no floating numbers have no history") {
  const Tensor x = tensor_of({1.5, -2}, {2}).requires_grad_();
  const Tensors out = split(x);
  CHECK(out[0].requires_grad());
  CHECK_FALSE(out[1].requires_grad());
  CHECK(out[2].requires_grad());
  (out[2] * out[1].to(kFloat64)).sum().backward();
  CHECK(to_vector(x.grad()) == Numbers{3, 8});
  const NoGradGuard no_grad;
  CHECK_FALSE(split(x)[0].requires_grad());
}

TEST_CASE("results may die before each other, change in place, and be hooked") {
  const int64_t nodes = autograd::live_nodes();
  {
    const Tensor x = tensor_of({3}, {1}).requires_grad_(), y = tensor_of({4}, {1}).requires_grad_();
    // Only the angle lives, but its second derivatives go through the saved radius.
    const Tensor phi = polar(x, y)[1];
    const Tensor first = grad({phi}, {x}, {}, {}, true)[0];
    const double r4 = 625;
    CHECK(grad({first}, {x}, {}, true)[0].item<double>() == Approx(2 * 3 * 4 / r4));
    CHECK(grad({first}, {y})[0].item<double>() == Approx((16 - 9) / r4));

    Tensors out = polar(x, y);
    double seen = 0;
    out[0].register_hook([&](const Tensor& g) {
      seen = g.item<double>();
      return g * 10;
    });
    out[1].retain_grad();
    out[1].mul_(2.0);
    (out[0] * 3.0 + out[1]).sum().backward();
    CHECK(seen == 3);
    CHECK(out[1].grad().item<double>() == 1);
    CHECK(x.grad().item<double>() == Approx(30 * 0.6 - 2 * 0.16));

    out = polar(x, y);
    const Tensor sum = (out[0] * out[0]).sum();
    out[0].mul_(2.0);
    CHECK(error_of([&] { sum.backward(); }).find("was changed in place since") !=
          std::string::npos);
  }
  CHECK(autograd::live_nodes() == nodes);
}

TEST_CASE("a run within a run, and one that failed, leave nothing behind") {
  const Tensor x = number_leaf(2);
  bool fails = true;
  const auto both = [&](const Tensor& v) {
    const Tensor a = v.detach();
    return autograd::record_many("both", {a * 2.0, a * 3.0}, {&v},
                                 [&](const Tensors& g, InputGrads& d) {
                                   if (fails) fail("both", "expected better times");
                                   d[0] = g[0] * 2.0 + g[1] * 3.0;
                                 });
  };
  const Tensors out = both(x);
  const Tensor loss = out[0] * 10.0 + out[1];
  CHECK(error_of([&] { loss.backward({}, true); }) == "[both] expected better times");
  fails = false;
  // The gradient of out[0] has arrived when the hook on out[1]'s way starts a run of its own.
  const Tensor late = out[1] * 1.0;
  double inner = 0;
  late.register_hook([&](const Tensor&) {
    if (inner == 0) inner = grad({out[0], out[1]}, {x}, {}, true)[0].item<double>();
  });
  (out[0] * 10.0 + late).backward({}, true);
  CHECK(inner == 5);
  CHECK(x.grad().item<double>() == 23);

  const Tensors wrong =
      autograd::record_many("wrong", {ones({2}), ones({3})}, {&x},
                            [](const Tensors&, InputGrads& d) { d[0] = ones({4}); });
  CHECK(to_vector(grad({wrong[1].sum()}, {x})[0]) == Numbers{4});  // a broadcast shape
  const Tensor y = random_leaf({2});
  const Tensors other =
      autograd::record_many("wrong", {ones({2}), ones({3})}, {&y},
                            [](const Tensors&, InputGrads& d) { d[0] = ones({4}); });
  CHECK(error_of([&] { other[1].sum().backward(); }) ==
        "[wrong] expected its backward to give a gradient of shape [2], got [4]");
}

TEST_CASE("observers see several results of one operation") {
  struct Log : autograd::Observer {
    std::string text;
    void result(const char* op, const Tensor& out, autograd::Inputs in) override {
      text += std::string(op) + out.sizes().str() + std::to_string(in.size()) + " ";
    }
    void gradient(const autograd::Node& node, int i, const Tensor& g) override {
      text += std::string(node.name) + std::to_string(i) + g.sizes().str() + " ";
    }
  };
  const Tensor x = tensor_of({3}, {1}).requires_grad_(), y = tensor_of({4}, {1}).requires_grad_();
  Log log;
  {
    const autograd::ObserverGuard guard(log);
    polar(x, y)[0].backward();
  }
  CHECK(log.text == "polar[1]2 polar[1]2 polar0[] polar0[1] polar1[1] ");
  const DetectAnomalyGuard anomaly;
  const Tensor bad = tensor_of({0}, {1}).requires_grad_();
  CHECK(error_of([&] { polar(bad, bad)[0].backward(); }).find("polar") != std::string::npos);
}
