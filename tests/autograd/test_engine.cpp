// The graph and backward(): order, accumulation, errors, depth, leaks.
#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::InputGrads;
using autograd::live_nodes;
using autograd::record;

namespace {

Tensor leaf(const NestedList& values) {
  return tensor(values, {.dtype = kFloat64, .requires_grad = true});
}
Tensor plain(const NestedList& values) { return tensor(values, {.dtype = kFloat64}); }

}  // namespace

TEST_CASE("gradients of values used more than once add up") {
  Tensor a = leaf({3});
  SECTION("a diamond") {
    const Tensor b = a + a;
    const Tensor c = b * b;
    c.backward();
    CHECK(a.grad().item<double>() == 24);
  }
  SECTION("a result that several operations of different age use") {
    const Tensor b = a * 2.0, early = b * 3.0;
    const Tensor late = (b * b) * early;
    (late + early + b).backward();  // 36 a^3 ... : (2a)^2 * 6a + 6a + 2a
    CHECK(a.grad().item<double>() == 72 * 9 + 8);
  }
  SECTION("many uses: the sum is kept in one tensor") {
    Tensor total = a * 0.0;
    for (int i = 0; i < 50; ++i) total = total + a;
    total.backward();
    CHECK(a.grad().item<double>() == 50);
  }
  SECTION("between calls") {
    (a * 2.0).backward();
    const Tensor first = a.grad();
    (a * 3.0).backward();
    CHECK(a.grad().item<double>() == 5);
    CHECK(first.is_same(a.grad()));
    a.set_grad(Tensor());
    (a * 4.0).backward();
    CHECK(a.grad().item<double>() == 4);
    CHECK(first.item<double>() == 5);
  }
  SECTION("one gradient for two leaves is not one tensor") {
    Tensor b = leaf({4});
    (a + b).backward();
    CHECK(!a.grad().is_same(b.grad()));
    (a * 1.0).backward();
    CHECK(a.grad().item<double>() == 2);
    CHECK(b.grad().item<double>() == 1);
  }
  SECTION("a leaf itself") {
    a.backward();
    CHECK(a.grad().item<double>() == 1);
  }
  SECTION("a caller's gradient is not taken over") {
    const Tensor g = plain({7});
    a.backward(g);
    a.backward(g);
    CHECK(a.grad().item<double>() == 14);
    CHECK(g.item<double>() == 7);
  }
}

TEST_CASE("backward with a gradient, and its checks") {
  Tensor x = leaf({{1, 2}, {3, 4}});
  (x * 2.0).backward(plain({{1, 2}, {3, 4}}));
  CHECK(equal(x.grad(), plain({{2, 4}, {6, 8}})));
  x.set_grad(Tensor());
  (x * 2.0).backward(ones({2, 2}).requires_grad_());  // cast, and its own history ignored
  CHECK(equal(x.grad(), plain({{2, 2}, {2, 2}})));
  x.set_grad(Tensor());
  ones({1, 1, 1}, {.dtype = kFloat64}).mul(x.sum()).backward();  // one element is enough

  CHECK(error_of([&] { (x * 2.0).backward(); }) ==
        "[backward] expected a scalar (one element) or a gradient argument, got a tensor of shape "
        "[2, 2]; "
        "reduce it first, for example with sum() or mean()");
  CHECK(error_of([&] { (x * 2.0).backward(ones({2})); }) ==
        "[backward] expected a gradient of shape [2, 2], got [2]");
  CHECK(error_of([&] { x.detach().sum().backward(); }) ==
        "[backward] expected a tensor that requires_grad, got one that neither does nor was made "
        "from one "
        "that does; call requires_grad_() on a leaf first, outside NoGradGuard");
  CHECK(error_of([] { Tensor().backward(); }) ==
        "[backward] expected a defined tensor, got an undefined one; Tensor() is undefined, and so "
        "is grad() before backward()");
  const Tensor unused = leaf({1});
  CHECK(error_of([&] { unused.grad().abs(); }).find("[abs] expected a defined tensor") == 0);
}

TEST_CASE("a graph is freed by backward unless retain_graph") {
  Tensor x = leaf({0.5});
  const Tensor y = x.exp();
  const Tensor z = y * y;
  z.backward(Tensor(), true);
  const double once = x.grad().item<double>();
  z.backward(Tensor(), true);
  CHECK(x.grad().item<double>() == 2 * once);
  z.backward();
  CHECK(x.grad().item<double>() == 3 * once);
  CHECK(error_of([&] { z.backward(); }) ==
        "[mul] expected a graph that was not freed yet, got one whose saved values went with an "
        "earlier "
        "backward(); compute the loss anew, detach() what one step hands to the next, or pass "
        "retain_graph = true to the first call");
  CHECK(error_of([&] { y.backward(); }).find("[exp] ") == 0);
  CHECK(x.grad().item<double>() == 3 * once);
  const Tensor w = leaf({2});
  CHECK(error_of([&] { (w * 3.0 + y).backward(); }).find("[exp] ") == 0);
  CHECK(!w.grad().defined());  // checked before anything ran

  const Tensor no_values_needed = (x + 1.0).sum();
  no_values_needed.backward();
  no_values_needed.backward();
  CHECK(x.grad().item<double>() == Approx(3 * once + 2));
  const Tensor shared = (x * 2.0 - 1.0).reshape({1, 1}), one = shared.sum(), other = shared.mean();
  one.backward();
  other.backward();
  CHECK(x.grad().item<double>() == Approx(3 * once + 6));
}

TEST_CASE("NoGradGuard nests and belongs to its scope") {
  Tensor x = leaf({1});
  CHECK(grad_enabled());
  {
    const NoGradGuard outer;
    CHECK(!grad_enabled());
    {
      const NoGradGuard inner;
      CHECK(!(x * 2.0).requires_grad());
    }
    CHECK(!grad_enabled());
    CHECK(!(x * 2.0).requires_grad());
    CHECK((x * 2.0).is_leaf());
    CHECK(zeros({1}, {.requires_grad = true}).requires_grad());
    CHECK_THROWS_AS((x * 2.0).backward(), Error);
  }
  CHECK(grad_enabled());
  const Tensor y = x * 2.0;
  CHECK(y.requires_grad());
  {
    const NoGradGuard no_grad;
    y.backward();  // a graph recorded before can be walked
  }
  CHECK(x.grad().item<double>() == 2);
  try {
    const NoGradGuard no_grad;
    fail("test", "expected to be caught");
  } catch (const Error&) {
  }
  CHECK(grad_enabled());
}

TEST_CASE("an error inside a backward function leaves the graph usable") {
  Tensor x = leaf({1, 2});
  bool refuse = true;
  const Tensor y = x * 2.0;
  const Tensor z = record("moody", y.detach().clone(), {&y}, [&](const Tensor& g, InputGrads& d) {
    if (refuse) fail("moody", "expected a better day");
    d[0] = g;
  });
  const Tensor loss = (z + y).sum();
  const int64_t bytes = live_storage_bytes();
  CHECK(error_of([&] { loss.backward(Tensor(), true); }) == "[moody] expected a better day");
  CHECK(live_storage_bytes() == bytes);
  CHECK(!x.grad().defined());
  CHECK(grad_enabled());
  refuse = false;
  loss.backward();
  CHECK(equal(x.grad(), plain({4, 4})));
}

TEST_CASE("gradients of the wrong shape are refused, of a broadcast shape summed") {
  Tensor x = leaf({1, 2, 3});
  const auto with_gradient = [&](const Shape& sizes) {
    return record("custom", x.detach().clone(), {&x}, [sizes](const Tensor&, InputGrads& d) {
      CHECK(d.count() == 1);
      CHECK(d.needs(0));
      d[0] = ones(sizes);
    });
  };
  CHECK(error_of([&] { with_gradient({2}).sum().backward(); }) ==
        "[custom] expected its backward to give a gradient of shape [3], got [2]");
  CHECK(error_of([&] { with_gradient({}).sum().backward(); }).find("of shape [3], got []") !=
        std::string::npos);
  CHECK(!x.grad().defined());
  with_gradient({4, 2, 3}).sum().backward();
  CHECK(equal(x.grad(), plain({8, 8, 8})));  // summed, and cast to float64
  const Tensor none = record("custom", x.detach().clone(), {&x}, [](const Tensor&, InputGrads&) {});
  none.sum().backward();
  CHECK(equal(x.grad(), plain({8, 8, 8})));
}

TEST_CASE("a record of many inputs, some absent, some without gradient") {
  Tensor a = leaf({1}), b = plain({2}), c = leaf({3});
  const std::vector<Tensor> inputs = {a, b, Tensor(), c, a, a};
  const Tensor out = record("many", plain({0}), inputs, [](const Tensor& g, InputGrads& d) {
    for (int i = 0; i < d.count(); ++i) {
      CHECK(d.needs(i) == (i != 1 && i != 2));
      d[i] = g * static_cast<double>(i + 1);
    }
  });
  out.backward();
  CHECK(a.grad().item<double>() == 1 + 5 + 6);
  CHECK(c.grad().item<double>() == 4);
  CHECK(!b.grad().defined());
  CHECK(!record("plain", plain({0}), {&b}, [](const Tensor&, InputGrads&) {}).requires_grad());
}

TEST_CASE("a chain of a million operations neither recurses nor stays") {
  const int64_t nodes = live_nodes(), bytes = live_storage_bytes();
  {
    Tensor x = ones({1}).requires_grad_();
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y + 1.0f;
    CHECK(live_nodes() >= nodes + 1000000);
    y.backward();
    CHECK(x.grad().item<float>() == 1);
  }
  CHECK(live_nodes() == nodes);
  {
    // Both inputs of every step are the same value.
    Tensor y = ones({1}).requires_grad_();
    for (int i = 0; i < 1000000; ++i) y = y + y;
  }
  CHECK(live_nodes() == nodes);
  {
    // Branches at every step, freed without backward.
    Tensor x = ones({1}).requires_grad_();
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = y * y + y;
  }
  CHECK(live_nodes() == nodes);
  CHECK(live_storage_bytes() == bytes);
}

TEST_CASE("nothing lives on after a training step") {
  Tensor w = randn({8, 4}).requires_grad_(), b = zeros({4}).requires_grad_();
  const Tensor x = randn({16, 8});
  const auto step = [&] {
    const Tensor hidden = (x.matmul(w) + b).relu();
    Tensor mixed = hidden.softmax(1) * 1.0;
    mixed.select(1, 0).mul_(2);
    const Tensor loss = (mixed.log() * hidden).mean() + w.norm() + mixed.var(0, false).sum();
    loss.backward();
    const NoGradGuard no_grad;
    w.sub_(w.grad() * 0.1);
    w.set_grad(Tensor());
    b.set_grad(Tensor());
  };
  step();
  const int64_t nodes = live_nodes(), bytes = live_storage_bytes();
  for (int i = 0; i < 3; ++i) {
    step();
    CHECK(live_nodes() == nodes);
    CHECK(live_storage_bytes() == bytes);
  }
  SECTION("saved results do not hold themselves") {
    for (int i = 0; i < 3; ++i) {
      const Tensor y = w.exp().sqrt().tanh().sigmoid().softmax(0).std().clone();
    }
    CHECK(live_nodes() == nodes);
    CHECK(live_storage_bytes() == bytes);
  }
  SECTION("the values of a graph go with backward, its outputs stay") {
    const Tensor y = w.exp(), z = (y * y).sum();
    const int64_t held = live_storage_bytes();
    z.backward();
    CHECK(live_storage_bytes() <= held + w.numel() * 4);  // the gradient is new
    CHECK(y.defined());
  }
  CHECK(w.requires_grad());
}

TEST_CASE("graphs are recorded and walked on several threads") {
  std::vector<double> results(4);
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < results.size(); ++k) {
    threads.emplace_back([&results, k] {
      Tensor x = full({64}, static_cast<double>(k + 1), {.dtype = kFloat64, .requires_grad = true});
      for (int i = 0; i < 200; ++i) {
        x.set_grad(Tensor());
        Tensor y = x;
        for (int j = 0; j < 20; ++j) y = y * 1.0 + x;
        y.sum().backward();
      }
      results[k] = x.grad().sum().item<double>();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (double result : results) CHECK(result == 64 * 21);
}
