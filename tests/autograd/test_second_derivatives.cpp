// autograd::grad, create_graph and gradgradcheck. The other tests of operations check second
// derivatives where they check the first (support/gradients.h); here is what they do not reach.
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using Tensors = std::vector<Tensor>;
using autograd::grad;

namespace {

Tensor leaf(const Shape& sizes) { return randn(sizes, {.dtype = kFloat64, .requires_grad = true}); }
Tensor number(double value) { return tensor(value, {.dtype = kFloat64, .requires_grad = true}); }

/// Derivatives of f at x of order 0, 1, …
template <class F>
std::vector<double> derivatives(F f, double x, int count) {
  const Tensor at = number(x);
  Tensor y = f(at);
  std::vector<double> values = {y.item<double>()};
  while (static_cast<int>(values.size()) < count) {
    y = grad({y}, {at}, {}, {}, true)[0];
    values.push_back(y.item<double>());
  }
  return values;
}

void check_near(const std::vector<double>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("order " << i);
    CHECK(got[i] == Approx(want[i]).epsilon(1e-9).margin(1e-12));
  }
}

}  // namespace

TEST_CASE("derivatives of any order have the values of the formulas") {
  const double x = 0.7, e = std::exp(x), t = std::tanh(x), s = 1 / (1 + std::exp(-x));
  check_near(derivatives([](const Tensor& v) { return v.exp(); }, x, 5), {e, e, e, e, e});
  check_near(derivatives([](const Tensor& v) { return v.pow(4); }, x, 5),
             {x * x * x * x, 4 * x * x * x, 12 * x * x, 24 * x, 24});
  check_near(derivatives([](const Tensor& v) { return v.tanh(); }, x, 4),
             {t, 1 - t * t, -2 * t * (1 - t * t), (1 - t * t) * (6 * t * t - 2)});
  const double s1 = s * (1 - s);
  check_near(derivatives([](const Tensor& v) { return v.sigmoid(); }, x, 4),
             {s, s1, s1 * (1 - 2 * s), s1 * (1 - 6 * s + 6 * s * s)});
  check_near(derivatives([](const Tensor& v) { return v.log(); }, x, 4),
             {std::log(x), 1 / x, -1 / (x * x), 2 / (x * x * x)});
  check_near(derivatives([](const Tensor& v) { return 2.0 / v; }, x, 4),
             {2 / x, -2 / (x * x), 4 / (x * x * x), -12 / (x * x * x * x)});
  const double pi = std::acos(-1.0), density = std::exp(-x * x / 2) / std::sqrt(2 * pi);
  const double below = 0.5 * std::erfc(-x / std::sqrt(2.0));
  check_near(
      derivatives([](const Tensor& v) { return v.gelu(); }, x, 4),
      {x * below, below + x * density, (2 - x * x) * density, (x * x * x - 4 * x) * density});
}

TEST_CASE("grad gives what backward() adds to leaves, and leaves them alone") {
  manual_seed(1);
  const Tensor x = leaf({3, 4}), w = leaf({4, 2}), unused = leaf({2});
  const auto loss = [&] { return x.matmul(w).tanh().sum(); };
  const Tensors found = grad({loss()}, {w, x});
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(w.grad().defined());
  CHECK_FALSE(found[0].requires_grad());
  loss().backward();
  CHECK(equal(found[0], w.grad()));
  CHECK(equal(found[1], x.grad()));

  // Also of a result on the way, of several outputs, and with gradients to start with.
  const Tensor h = x.matmul(w), y = h.tanh(), z = h * 2.0;
  const Tensor start = randn({3, 2}, {.dtype = kFloat64});
  const Tensors of_h = grad({y, z}, {h, x, unused}, {start, start * 3.0}, true, false, true);
  const Tensor want = start * (1.0 - y.detach().square()) + start * 6.0;
  CHECK(mismatch(of_h[0], want, 1e-12) == "");
  CHECK(mismatch(of_h[1], want.matmul(w.detach().t()), 1e-12) == "");
  CHECK_FALSE(of_h[2].defined());
  // An output twice counts twice, and an output may be an input.
  CHECK(mismatch(grad({y, y}, {h}, {start, start}, true)[0], 2.0 * grad({y}, {h}, {start}, true)[0],
                 1e-12) == "");
  CHECK(equal(grad({y}, {y}, {start}, true)[0], start));
  // In another order of depth: x lies below h.
  CHECK(mismatch(grad({y}, {x, h}, {start})[1], start * (1.0 - y.detach().square()), 1e-12) == "");
}

TEST_CASE("the graph is freed as by backward(), or kept") {
  const Tensor x = number(2);
  Tensor y = x.exp();
  grad({y}, {x}, {}, true);
  grad({y}, {x});
  CHECK(has(error_of([&] { grad({y}, {x}); }), "[exp] expected a graph that was not freed yet"));
  y = x.exp();
  grad({y}, {x}, {}, {}, true);
  CHECK(grad({y}, {x}, {}, false, true)[0].requires_grad());
  CHECK(has(error_of([&] { grad({y}, {x}); }), "was not freed yet"));
  // What does not lead to an input stays.
  const Tensor a = number(1), b = number(3), left = a.exp(), right = b.exp(), sum = left + right;
  grad({sum}, {a});
  CHECK(grad({right}, {b})[0].item<double>() == Approx(std::exp(3)));
}

TEST_CASE("backward with create_graph leaves gradients that have derivatives") {
  const Tensor x = number(3);
  x.pow(3).backward({}, false, true);
  CHECK(x.grad().item<double>() == 27);
  CHECK(x.grad().requires_grad());
  const Tensor first = x.grad();
  x.pow(2).backward({}, false, true);
  CHECK(x.grad().item<double>() == 33);
  CHECK(first.item<double>() == 27);
  // d/dx (3 x² + 2 x) = 6 x + 2, and the recorded gradient is not added to.
  CHECK(grad({x.grad()}, {x})[0].item<double>() == 20);
  const int64_t before = autograd::live_nodes();
  {
    const Tensor y = number(1);
    const Tensor slope = grad({y.sigmoid().square()}, {y}, {}, {}, true)[0];
    grad({slope}, {y});
  }
  CHECK(autograd::live_nodes() == before);
}

TEST_CASE("grad's errors say what to do") {
  const Tensor x = leaf({2}), y = x * 2.0, constant = ones({2}, {.dtype = kFloat64});
  CHECK(error_of([&] { grad({}, {x}); }) == "[grad] expected outputs and inputs, got 0 and 1");
  CHECK(error_of([&] { grad({y}, {}); }) == "[grad] expected outputs and inputs, got 1 and 0");
  CHECK(error_of([&] { grad({y}, {x}); }) ==
        "[grad] expected a scalar (one element) or a gradient argument, got a tensor of shape [2]; "
        "reduce it first, for example with sum() or mean()");
  CHECK(error_of([&] {
          grad({y, y}, {x}, {constant});
        }) ==
        "[grad] expected a gradient for each of the 2 outputs, got 1; an undefined Tensor stands "
        "for 1");
  CHECK(error_of([&] { grad({y}, {x}, {ones({3}, {.dtype = kFloat64})}); }) ==
        "[grad] expected a gradient of shape [2], got [3]");
  CHECK(has(error_of([&] { grad({constant.sum()}, {x}); }),
            "[grad] expected a tensor that requires_grad"));
  CHECK(error_of([&] { grad({y.sum()}, {constant}); }) ==
        "[grad] expected inputs that require a gradient, got input 0 of shape [2] that does not; "
        "call requires_grad_() before the outputs are computed");
  const Tensor other = leaf({4});
  CHECK(error_of([&] {
          grad({y.sum()}, {x, other});
        }) ==
        "[grad] expected inputs that the outputs depend on, got input 1 of shape [4] that is not "
        "in their graph; pass allow_unused = true to get an undefined Tensor for it");
  // After an error the graph still serves.
  CHECK(equal(grad({y.sum()}, {x})[0], constant * 2.0));
  CHECK(has(error_of([&] { gradgradcheck({}, {x}); }), "[gradgradcheck] expected a function"));
  CHECK(has(error_of([&] {
              gradgradcheck([](const Tensors& in) { return in[0]; }, {ones({2}).requires_grad_()});
            }),
            "[gradgradcheck] expected input 0 to be float64, got float32"));
}

TEST_CASE("gradgradcheck finds a second derivative that is wrong") {
  manual_seed(2);
  const Tensors in = {leaf({3})};
  // Right gradients, of which one is a constant to the graph.
  const auto detached = [](const Tensors& x) {
    return autograd::record(
        "cube", x[0].detach().pow(3), {&x[0]},
        [v = autograd::Saved(x[0].detach())](const Tensor& g, autograd::InputGrads& d) {
          d[0] = g * 3.0 * v->square();
        });
  };
  CHECK(gradcheck(detached, in));
  const GradcheckResult wrong = gradgradcheck(detached, in);
  CHECK_FALSE(wrong);
  CHECK(has(wrong.message, "gradients differ; worst at input 0"));
  const auto linked = [](const Tensors& x) {
    return autograd::record(
        "cube", x[0].detach().pow(3), {&x[0]},
        [v = autograd::Saved(x[0].detach(), x[0])](const Tensor& g, autograd::InputGrads& d) {
          d[0] = g * 3.0 * v->square();
        });
  };
  CHECK(gradgradcheck(linked, in));
  // What has a history of its own and is no input is refused.
  const Tensor hidden = leaf({3});
  const auto stray = [&](const Tensors& x) {
    return autograd::record(
        "stray", x[0].detach(), {&x[0]},
        [v = autograd::Saved(hidden)](const Tensor& g, autograd::InputGrads& d) { d[0] = g * *v; });
  };
  CHECK(error_of([&] { grad({stray(in).sum()}, in, {}, {}, true); }) ==
        "[stray] expected saved values of its inputs, got those of another tensor of shape [3] "
        "that requires_grad: create_graph cannot differentiate by it; save an input of record(), "
        "or detach() it");
  // detach() stops second derivatives as it stops the first.
  const Tensor x = number(3);
  const Tensor slope = grad({x * x.detach()}, {x}, {}, {}, true)[0];
  CHECK(slope.item<double>() == 3);
  CHECK_FALSE(slope.requires_grad());
}

TEST_CASE("second derivatives of changes in place, views, copies and joins") {
  manual_seed(3);
  const Tensors two = {leaf({3, 4}), leaf({4})};
  const auto check = [&](const char* name, const std::function<Tensor(const Tensors&)>& f) {
    INFO(name);
    CHECK(gradient_error(f, two) == "");
  };
  check("a part is multiplied", [](const Tensors& x) {
    Tensor y = x[0].tanh() * 1.5;
    y.slice(0, 1, 3).mul_(x[1]);
    return y * y;
  });
  check("a view of what changes", [](const Tensors& x) {
    Tensor y = x[0].exp() * 1.5;
    const Tensor row = y.select(0, 1);
    y.mul_(x[1]);
    return row.square();
  });
  check("an expanded view of what changes", [](const Tensors& x) {
    Tensor y = x[1].exp() * 1.5;
    const Tensor wide = y.expand({3, 4});
    y.mul_(x[1]);
    return wide.square() * x[0];
  });
  check("a transposed base", [](const Tensors& x) {
    Tensor y = (x[0].exp() * 1.5).t();
    y.slice(0, 0, 3, 2).div_(x[1].slice(0, 0, 3).exp());
    return y.square();
  });
  check("copy_ and fill_", [](const Tensors& x) {
    Tensor y = x[0].sigmoid() * 1.5;
    y.select(0, 0).copy_(x[1].tanh());
    y.select(0, 2).fill_(2.0);
    return y.pow(3);
  });
  check("cat, stack, permute, narrow", [](const Tensors& x) {
    const Tensor y = cat({x[0], x[1].unsqueeze(0)}).square();
    return stack({y, y.tanh()}, 1).permute({2, 0, 1}).narrow(0, 1, 2).pow(2);
  });
  check("another dtype on the way", [](const Tensors& x) {
    return x[0].square().to(kFloat32).to(kFloat64) * 0.0 + x[0] * x[1].square();
  });
}

TEST_CASE("second derivatives of layers that draw, choose and look up") {
  manual_seed(4);
  const auto check = [&](const char* name, const Tensors& in,
                         const std::function<Tensor(const Tensors&)>& f) {
    INFO(name);
    CHECK(gradient_error(f, in) == "");
  };
  namespace fn = functional;
  for (const double p : {0.5, 1.0}) {
    check("dropout", {leaf({4, 6})}, [p](const Tensors& x) {
      manual_seed(5);
      return fn::dropout(x[0].square(), p, true);
    });
    check("dropout2d", {leaf({2, 3, 2, 2})}, [p](const Tensors& x) {
      manual_seed(5);
      return fn::dropout2d(x[0].tanh(), p, true);
    });
  }
  check("max over everything, and along an axis", {leaf({3, 4})},
        [](const Tensors& x) { return x[0].square().max() * x[0].exp().max(1).first.sum(); });
  check("a network with all that is fused", {leaf({4, 1, 6, 6})}, [](const Tensors& x) {
    manual_seed(6);
    nn::Sequential net(nn::Conv2d(1, 2, 3, {.bias = false}), nn::BatchNorm2d(2), nn::ReLU(),
                       nn::MaxPool2d(2), nn::Flatten(), nn::Linear(8, 3), nn::BatchNorm1d(3),
                       nn::Tanh());
    net.to(kFloat64);
    return net(x[0]);
  });
  check("frozen and evaluating norms", {leaf({4, 2, 3})}, [](const Tensors& x) {
    nn::BatchNorm1d norm(2);
    norm.to(kFloat64);
    norm.running_mean.fill_(0.3);
    norm.eval();
    return norm(x[0].square()).relu();
  });
}

TEST_CASE("the embedding's gradient is differentiated as it is computed") {
  manual_seed(4);
  const Tensor rows = tensor(std::vector<int64_t>{2, 0, 2, 1, 2}), table = leaf({4, 3});
  const Tensor start = leaf({5, 3}), along = randn({4, 3}, {.dtype = kFloat64});
  for (const bool by_frequency : {false, true}) {
    for (const std::optional<int64_t> padding : {std::optional<int64_t>(), {0}, {-2}}) {
      const functional::EmbeddingOptions options{.padding_idx = padding,
                                                 .scale_grad_by_freq = by_frequency};
      const auto gradient = [&](bool create_graph) {
        const Tensor y = functional::embedding(rows, table, options);
        return grad({y}, {table}, {start}, {}, create_graph)[0];
      };
      CHECK(mismatch(gradient(true), gradient(false), 1e-14) == "");
      // The gradient is linear in `start`: row i counts 1, 1 / its index's frequency, or 0.
      const Tensor found = grad({(gradient(true) * along).sum()}, {start})[0];
      const int64_t none = padding ? (*padding + 4) % 4 : -1;
      for (int64_t i = 0; i < 5; ++i) {
        const int64_t row = std::vector<int64_t>{2, 0, 2, 1, 2}[static_cast<std::size_t>(i)];
        const double share = row == none ? 0 : by_frequency && row == 2 ? 1.0 / 3 : 1;
        CHECK(mismatch(found.select(0, i), along.select(0, row) * share, 1e-14) == "");
      }
    }
  }
}

TEST_CASE("gradients go through a model's parameters twice") {
  manual_seed(7);
  nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Linear(4, 2));
  net.to(kFloat64);
  const Tensor x = leaf({6, 3});
  const Tensor slope = grad({net(x).sum()}, {x}, {}, {}, true)[0];
  const Tensor penalty = (slope.square().sum({1}).sqrt() - 1.0).square().mean();
  penalty.backward();
  // Against differences, for every weight.
  for (Tensor& parameter : net.parameters()) {
    if (!parameter.grad().defined()) continue;
    const Tensor flat = parameter.detach().reshape({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      double& value = flat.data_ptr<double>()[i];
      const double before = value;
      const auto at = [&](double v) {
        value = v;
        const Tensor g = grad({net(x).sum()}, {x})[0];
        return (g.square().sum({1}).sqrt() - 1.0).square().mean().item<double>();
      };
      const double numeric = (at(before + 1e-6) - at(before - 1e-6)) / 2e-6;
      value = before;
      CHECK(parameter.grad().reshape({-1}).select(0, i).item<double>() ==
            Approx(numeric).epsilon(1e-4).margin(1e-7));
    }
  }
}

TEST_CASE("retain_grad keeps the gradient of a result on the way") {
  const Tensor x = number(3), y = x.square();
  y.retain_grad();
  CHECK(y.retains_grad());
  CHECK_FALSE(x.retains_grad());
  const Tensor z = y.exp() * 0.0 + y * y;
  CHECK_FALSE(z.retains_grad());
  z.backward({}, true);
  CHECK(y.grad().item<double>() == 18);
  CHECK(x.grad().item<double>() == 108);
  z.backward({}, true);
  CHECK(y.grad().item<double>() == 36);
  grad({z}, {x}, {}, true);
  CHECK(y.grad().item<double>() == 36);
  // A handle that dies is asked no more.
  const Tensor again = [&] {
    const Tensor w = x * 2.0;
    w.retain_grad();
    return w * w;
  }();
  again.backward();
  CHECK(x.grad().item<double>() == 216 + 24);
  x.retain_grad();  // a leaf's is there anyway
  CHECK(error_of([] { ones({2}).retain_grad(); }) ==
        "[retain_grad] expected a tensor that requires_grad, got one of shape [2] that does not");
}

TEST_CASE("recording is switched by a call or a guard") {
  const Tensor x = number(1);
  set_grad_enabled(false);
  CHECK_FALSE(grad_enabled());
  CHECK_FALSE((x * 2.0).requires_grad());
  {
    const autograd::GradModeGuard on(true);
    CHECK((x * 2.0).requires_grad());
    const autograd::GradModeGuard off(false);
    CHECK_FALSE(grad_enabled());
  }
  CHECK_FALSE(grad_enabled());
  // create_graph records where recording is off, as in PyTorch.
  Tensor y;
  {
    const autograd::EnableGradGuard on;
    y = x.exp();
  }
  CHECK(grad({y}, {x}, {}, {}, true)[0].requires_grad());
  set_grad_enabled(true);
  CHECK(grad_enabled());
}
