// create_graph and gradgradcheck. The other tests of operations check second
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

/// Derivatives of f at x of order 0, 1, …
template <class F>
std::vector<double> derivatives(F f, double x, int count) {
  const Tensor at = number_leaf(x);
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

TEST_CASE("backward with create_graph leaves gradients that have derivatives") {
  const Tensor x = number_leaf(3);
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
    const Tensor y = number_leaf(1);
    const Tensor slope = grad({y.sigmoid().square()}, {y}, {}, {}, true)[0];
    grad({slope}, {y});
  }
  CHECK(autograd::live_nodes() == before);
}

TEST_CASE("gradgradcheck finds a second derivative that is wrong") {
  manual_seed(2);
  const Tensors in = {random_leaf({3})};
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
  const Tensor hidden = random_leaf({3});
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
  const Tensor x = number_leaf(3);
  const Tensor slope = grad({x * x.detach()}, {x}, {}, {}, true)[0];
  CHECK(slope.item<double>() == 3);
  CHECK_FALSE(slope.requires_grad());
}

TEST_CASE("second derivatives of changes in place, views, copies and joins") {
  manual_seed(3);
  const Tensors two = {random_leaf({3, 4}), random_leaf({4})};
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
    check("dropout", {random_leaf({4, 6})}, [p](const Tensors& x) {
      manual_seed(5);
      return fn::dropout(x[0].square(), p, true);
    });
    check("dropout2d", {random_leaf({2, 3, 2, 2})}, [p](const Tensors& x) {
      manual_seed(5);
      return fn::dropout2d(x[0].tanh(), p, true);
    });
  }
  check("max over everything, and along an axis", {random_leaf({3, 4})},
        [](const Tensors& x) { return x[0].square().max() * x[0].exp().max(1).first.sum(); });
  check("a network with all that is fused", {random_leaf({4, 1, 6, 6})}, [](const Tensors& x) {
    manual_seed(6);
    nn::Sequential net(nn::Conv2d(1, 2, 3, {.bias = false}), nn::BatchNorm2d(2), nn::ReLU(),
                       nn::MaxPool2d(2), nn::Flatten(), nn::Linear(8, 3), nn::BatchNorm1d(3),
                       nn::Tanh());
    net.to(kFloat64);
    return net(x[0]);
  });
  check("frozen and evaluating norms", {random_leaf({4, 2, 3})}, [](const Tensors& x) {
    nn::BatchNorm1d norm(2);
    norm.to(kFloat64);
    norm.running_mean.fill_(0.3);
    norm.eval();
    return norm(x[0].square()).relu();
  });
}

TEST_CASE("the embedding's gradient is differentiated as it is computed") {
  manual_seed(4);
  const Tensor rows = tensor(std::vector<int64_t>{2, 0, 2, 1, 2}), table = random_leaf({4, 3});
  const Tensor start = random_leaf({5, 3}), along = randn({4, 3}, {.dtype = kFloat64});
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
  const Tensor x = random_leaf({6, 3});
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

TEST_CASE("gradients that are recorded are those of an ordinary backward, at the ends, too") {
  namespace fn = functional;
  const auto check = [](const char* name, const Tensor& x,
                        const std::function<Tensor(const Tensor&)>& f) {
    INFO(name);
    const Tensor plain = grad({f(x)}, {x})[0], recorded = grad({f(x)}, {x}, {}, {}, true)[0];
    CHECK(recorded.dtype() == plain.dtype());
    CHECK(mismatch(recorded.detach(), plain, 1e-5, 0) == "");
  };
  const auto at = [](std::vector<float> values) { return tensor(values).requires_grad_(); };
  for (const double p : {0.5, 1.0, 1.5, 2.0, 3.0, 4.0}) {
    for (const float scale : {1e-15F, 1.0F, 1e15F}) {
      check("norm", at({scale, -scale, 2 * scale}), [p](const Tensor& x) { return x.norm(p); });
    }
    check("norm with a 0", at({0, 3, -4}), [p](const Tensor& x) { return x.norm(p); });
    check("norm of zeros", at({0, 0}), [p](const Tensor& x) { return x.norm(p); });
  }
  check("std of what is equal", at({2, 2, 2}), [](const Tensor& x) { return x.std(Shape{0}); });
  const Tensor none = tensor(std::vector<int64_t>{-100, -100});
  const Tensor logits = tensor({{1.0F, 2.0F}, {3.0F, 0.0F}}).requires_grad_();
  check("every row ignored", logits, [&](const Tensor& x) { return fn::cross_entropy(x, none); });
  check("a row ignored, with an infinite gradient", logits, [](const Tensor& x) {
    const Tensor y = tensor(std::vector<int64_t>{-100, 1});
    const Tensor loss = fn::cross_entropy(x, y, {.reduction = Reduction::None});
    return (loss * tensor({INFINITY, 1.0F})).select(0, 1) + loss.select(0, 0) * INFINITY;
  });
}

TEST_CASE("second derivatives at the ends are PyTorch's, or 0 where it has none") {
  const auto twice = [](const Tensor& x, const Tensor& along, auto f) {
    const Tensor g = grad({f(x)}, {x}, {}, {}, true)[0];
    return grad({(g * along).sum()}, {x})[0];
  };
  const Tensor v = tensor({1.0, 2.0, 3.0});
  const Tensor zero = zeros({3}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor nothing = zeros({3}, {.dtype = kFloat64});
  CHECK(equal(twice(zero, v, [](const Tensor& x) { return x.norm(); }), nothing));
  const Tensor same = full({3}, 2.0, {.dtype = kFloat64}).requires_grad_();
  CHECK(equal(twice(same, v, [](const Tensor& x) { return x.std(Shape{0}); }), nothing));
  // x / |x|: (v - x (x·v) / |x|²) / |x|, also where an element is 0.
  const Tensor part = tensor({0.0, 3.0, 4.0}, {.dtype = kFloat64, .requires_grad = true});
  CHECK(mismatch(twice(part, v, [](const Tensor& x) { return x.norm(); }),
                 tensor(std::vector<double>{0.2, (2 - 3 * 18 / 25.0) / 5, (3 - 4 * 18 / 25.0) / 5}),
                 1e-12) == "");
  // What is linear between kinks has a derivative of 0, not none.
  const Tensor r = grad({(part * v).relu().sum()}, {part}, {}, {}, true)[0];
  CHECK(equal(grad({r.sum()}, {part})[0], nothing));
  const Tensor a = grad({part.abs().sum()}, {part}, {}, {}, true)[0];
  CHECK(equal(grad({a.sum()}, {part})[0], nothing));
  // Windows of a pool that meet no cell.
  const Tensor image = randn({1, 300, 2, 2}, {.dtype = kFloat64, .requires_grad = true});
  const auto pool = [](const Tensor& x) {
    return functional::max_pool2d(x, 2, {.stride = 1, .padding = 1, .dilation = 3});
  };
  const Tensor start = zeros_like(pool(image)).requires_grad_();
  const Tensor pooled = grad({pool(image)}, {image}, {start}, {}, true)[0];
  const Tensor along = grad({(pooled * image.detach()).sum()}, {start})[0];
  CHECK(along.abs().max().item<double>() <= image.abs().max().item<double>());
}

TEST_CASE("what create_graph cannot differentiate is refused") {
  const Tensor x = random_leaf({2, 2});
  const Tensor value = x.detach().exp();
  const Tensor y =
      autograd::record("view", value, {&x},
                       [p = autograd::Saved(value.t())](const Tensor& g, autograd::InputGrads& d) {
                         d[0] = g * p->t();
                       });
  grad({y.sum()}, {x}, {}, true);
  CHECK(error_of([&] { grad({y.sum()}, {x}, {}, {}, true); }) ==
        "[view] expected a saved result as it is, got a view of it of shape [2, 2]: create_graph "
        "cannot differentiate by it");
  CHECK(has(error_of([&] { gradgradcheck([](const Tensors& in) { return in[0].detach(); }, {x}); }),
            "[gradgradcheck] expected a function whose result depends on an input"));
}
