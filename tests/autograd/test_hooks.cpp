// Hooks on tensors. The numbers are PyTorch's, or follow from the formula.
#include "norma/autograd/checkpoint.h"
#include "norma/autograd/engine.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using Numbers = std::vector<double>;
using autograd::grad;

namespace {

/// Notes what it is given in `seen`, times `factor`.
auto noting(Numbers& seen, double factor = 1) {
  return [&seen, factor](const Tensor& g) { seen.push_back(g.sum().item<double>() * factor); };
}

}  // namespace

TEST_CASE("a hook sees the gradient, and may put another in its place") {
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  Numbers seen;
  x.register_hook(noting(seen));
  x.register_hook([](const Tensor& g) { return g * 2; });
  x.register_hook([](const Tensor&) { return Tensor(); });
  x.register_hook(noting(seen));
  (x * 3 + x * 4).sum().backward();  // one call, with the sum over the uses
  CHECK(seen == Numbers{14, 28});
  CHECK(to_vector(x.grad()) == Numbers{14, 14});
  CHECK(to_vector(grad({(x * 3).sum()}, {x})[0]) == Numbers{6, 6});
  (x * 1).sum().backward();  // what was there is not changed again
  CHECK(to_vector(x.grad()) == Numbers{16, 16});
}

TEST_CASE("hooks on results on the way come before what lies below, and before retain_grad") {
  const Tensor x = ones({2}, {.requires_grad = true}), y = x * 2, z = (y * 3).sum();
  y.register_hook([](const Tensor& g) { return g * 10; });
  y.retain_grad();
  y.register_hook([](const Tensor& g) { return g + 1; });
  // As in PyTorch, grad() gives of a result on the way what arrived there.
  const auto got = grad({z}, {y, x}, {}, true);
  CHECK(to_vector(got[0]) == Numbers{3, 3});
  CHECK(to_vector(got[1]) == Numbers{62, 62});
  CHECK(to_vector(y.grad()) == Numbers{31, 31});
  z.backward();
  CHECK(to_vector(y.grad()) == Numbers{62, 62});
  CHECK(to_vector(x.grad()) == Numbers{62, 62});
  // At the end of its path it has passed the hooks.
  const Tensor w = x * 2;
  w.register_hook([](const Tensor& g) { return g * 10; });
  CHECK(to_vector(grad({(w * 3).sum()}, {w})[0]) == Numbers{30, 30});
}

TEST_CASE("a hook is removed by its handle, also while it runs") {
  const Tensor x = number_leaf(3);
  Numbers seen;
  HookHandle none, once, later;
  none.remove();
  once = x.register_hook([&](const Tensor&) {
    seen.push_back(1);
    once.remove();
    later = x.register_hook(noting(seen, 10));
  });
  const HookHandle copy = x.register_hook(noting(seen));
  (x * 2).backward();
  CHECK(seen == Numbers{1, 2});
  (x * 3).backward();
  CHECK(seen == Numbers{1, 2, 3, 30});
  HookHandle(copy).remove();
  later.remove();
  later.remove();
  (x * 4).backward();
  CHECK(seen.size() == 4);
  HookHandle outlives;
  outlives = (x * 2).register_hook(noting(seen));
  outlives.remove();
}

TEST_CASE("hooks are called where they are reached, and not elsewhere") {
  const Tensor x = number_leaf(2), w = number_leaf(5), y = x * w;
  Numbers seen;
  x.register_hook(noting(seen));
  w.register_hook(noting(seen, 100));
  grad({y}, {x}, {}, true);
  CHECK(seen == Numbers{5});
  y.backward();
  CHECK(seen.size() == 3);
  {
    const NoGradGuard no_grad;
    x.register_hook(noting(seen));  // a leaf has its place without recording, too
  }
  (x * 7).backward();
  CHECK(Numbers(seen.begin() + 3, seen.end()) == Numbers{7, 7});
}

TEST_CASE("after a change in place a hook stays with the values before it") {
  const Tensor x = tensor(3.0, {.requires_grad = true});
  Tensor y = x * 2;
  Numbers seen;
  y.register_hook(noting(seen));
  y.mul_(5);
  y.register_hook(noting(seen));
  (y * y).backward();
  CHECK(seen == Numbers{60, 300});
  CHECK(x.grad().item<double>() == 600);
}

TEST_CASE("set_data() and a module's to() leave the hooks of a leaf") {
  nn::Linear layer(2, 1, {.bias = false});
  Numbers seen;
  layer.weight.register_hook(noting(seen));
  layer.weight.register_post_accumulate_grad_hook(noting(seen, 0));
  layer.to(kFloat64);
  layer(ones({3, 2}, {.dtype = kFloat64})).sum().backward();
  CHECK(seen == Numbers{6, 0});
  layer.requires_grad_(false);
  layer.requires_grad_(true);
  layer(ones({1, 2}, {.dtype = kFloat64})).sum().backward();
  CHECK(seen == Numbers{6, 0, 2, 0});
}

TEST_CASE("with create_graph what a hook computes has derivatives") {
  const Tensor x = number_leaf(3), y = x.pow(3);
  y.register_hook([c = x.detach(), w = x * 1](const Tensor& g) { return g * g * c * 2 + w; });
  const Tensor first = grad({y * y}, {x}, {}, {}, true)[0];
  CHECK(first.item<double>() == 472473);
  CHECK(grad({first}, {x})[0].item<double>() == 198359605458);
  CHECK(gradient_error(
            [](const std::vector<Tensor>& in) {
              const Tensor z = in[0] * in[1];
              if (z.requires_grad()) z.register_hook([](const Tensor& g) { return g * 1; });
              return z.sigmoid();
            },
            {random_leaf({3}), random_leaf({3})}) == "");
  Numbers seen;
  const Tensor v = number_leaf(1);
  v.register_hook([&](const Tensor& g) { seen.push_back(g.requires_grad()); });
  (v * v).backward({}, true, true);
  (v * v).backward();
  CHECK(seen == Numbers{1, 0});
}

TEST_CASE("post-accumulate hooks get the leaf when its gradient has grown") {
  Tensor x = tensor({1.0, 2.0}).requires_grad_();
  Numbers seen;
  HookHandle handle = x.register_post_accumulate_grad_hook(
      [&](const Tensor& leaf) { seen.push_back(leaf.grad().sum().item<double>()); });
  x.register_hook([](const Tensor& g) { return g * 2; });
  (x * 3 + x * 4).sum().backward();
  CHECK(seen == Numbers{28});
  grad({x.sum()}, {x});
  CHECK(seen.size() == 1);
  x.sum().backward();
  CHECK(seen == Numbers{28, 32});
  handle.remove();
  // An optimiser's step for each parameter as soon as it can be made, which needs no memory for all
  // gradients.
  x.register_post_accumulate_grad_hook([](Tensor leaf) {
    const NoGradGuard no_grad;
    leaf.sub_(leaf.grad() * 0.5);
    leaf.set_grad(Tensor());
  });
  x.set_grad(Tensor());
  x.sum().backward();
  CHECK(to_vector(x) == Numbers{0, 1});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a hook sees gradients as they are, whatever is overwritten or fused") {
  manual_seed(3);
  const Tensor x = random_leaf({6, 3}), w = random_leaf({3}), b = random_leaf({3});
  const auto run = [&](bool hooked, std::vector<Tensor>& seen) {
    const auto keep = [&](const Tensor& t) {
      if (hooked) t.register_hook([&](const Tensor& g) { seen.push_back(g); });
    };
    Tensor y = functional::batch_norm(x, {.weight = w, .bias = b, .training = true});
    keep(y);
    Tensor z = std::move(y).relu();
    keep(z);
    Tensor u = (std::move(z) * 2.0).relu();
    keep(u);
    return grad({(u * u).sum()}, {x, w, b});
  };
  std::vector<Tensor> seen, none;
  const auto plain = run(false, none), hooked = run(true, seen);
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(differing_bits(hooked[i], plain[i]) == "");
  REQUIRE(seen.size() == 3);
  const Tensor y = functional::batch_norm(x, {.weight = w, .bias = b, .training = true}).detach();
  const Tensor z = y.relu(), u = z * 2.0;
  CHECK(mismatch(seen[0], u * 2, 1e-14) == "");
  CHECK(mismatch(seen[1], u * 4 * (u > 0).to(kFloat64), 1e-14) == "");
  CHECK(mismatch(seen[2], u * 4 * (y > 0).to(kFloat64), 1e-14) == "");
}

TEST_CASE("hooks die with what they are on, and may start a run of their own") {
  const int64_t nodes = autograd::live_nodes();
  const auto alive = std::make_shared<int>(7);
  {
    const Tensor x = number_leaf(2), other = number_leaf(3);
    const Tensor y = x * x;
    y.register_hook([alive, other](const Tensor& g) {
      const autograd::EnableGradGuard recording;
      return g * grad({other * other}, {other})[0];
    });
    x.register_hook([alive](const Tensor&) {});
    y.backward();
    CHECK(x.grad().item<double>() == 24);
    CHECK(alive.use_count() == 3);
  }
  CHECK(alive.use_count() == 1);
  CHECK(autograd::live_nodes() == nodes);
}

TEST_CASE("what hooks throw reaches the caller, and the graph can run again") {
  const Tensor x = number_leaf(2), y = x * 3;
  HookHandle wrong = y.register_hook([](const Tensor&) { return ones({3}); });
  CHECK(
      error_of([&] { y.backward(); }) ==
      "[register_hook] expected a hook that returns a gradient of shape [] and dtype float64, got "
      "[3] and float32; the hook is on a result of mul");
  wrong.remove();
  wrong = x.register_hook([](const Tensor& g) { return g.to(kFloat32); });
  CHECK(error_of([&] {
          y.backward({}, true);
        }).ends_with("shape [] and dtype float64, got [] and float32; the hook is on a leaf"));
  wrong.remove();
  wrong = y.register_hook([](const Tensor&) { throw std::runtime_error("mine"); });
  CHECK_THROWS_WITH(y.backward({}, true), "mine");
  wrong.remove();
  y.backward();
  CHECK(x.grad().item<double>() == 3);

  const auto none = [](const Tensor&) {};
  CHECK(error_of([&] { ones({2}).register_hook(none); }) ==
        "[register_hook] expected a tensor that requires_grad, got one of shape [2] that does not");
  CHECK(error_of([&] {
          Tensor().register_hook(none);
        }).starts_with("[register_hook] expected a defined tensor"));
  CHECK(error_of([&] { x.register_hook(std::function<Tensor(const Tensor&)>()); }) ==
        "[register_hook] expected a function, got none");
  CHECK(error_of([&] { ones({2}).register_post_accumulate_grad_hook(none); }) ==
        "[register_post_accumulate_grad_hook] expected a tensor that requires_grad, got one of "
        "shape [2] that does not");
  CHECK(error_of([&] { y.register_post_accumulate_grad_hook(none); }) ==
        "[register_post_accumulate_grad_hook] expected a leaf, got the result of mul; use "
        "register_hook, or retain_grad()");
}

TEST_CASE("a gradient that a hook computed keeps no history") {
  const Tensor x = tensor({2.0}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor w = tensor({3.0}, {.dtype = kFloat64, .requires_grad = true});
  x.register_hook([&](const Tensor& g) {
    const autograd::EnableGradGuard recording;
    return g * w;
  });
  for (int step = 1; step <= 2; ++step) {
    (x * 5).sum().backward();
    CHECK(x.grad().item<double>() == 15 * step);
    CHECK_FALSE(x.grad().requires_grad());
  }
}

TEST_CASE("a leaf's turn comes as soon as all operations on it have had theirs") {
  const Tensor a = ones({2}, {.requires_grad = true}), b = ones({2}, {.requires_grad = true});
  std::string order;
  const auto note = [&](const Tensor& t, const char* name) {
    t.register_hook([&order, name](const Tensor&) { order += name; });
  };
  const Tensor x = a * 2, y = x * b, z = y * 3, u = z * a;  // a is used first and last
  for (const auto& [t, name] : {std::pair{a, "a"}, {b, "b"}, {x, "x"}, {y, "y"}, {z, "z"}}) {
    note(t, name);
  }
  b.register_post_accumulate_grad_hook(
      [&](const Tensor& leaf) { order += leaf.grad().defined() ? "B" : "?"; });
  u.sum().backward();
  CHECK(order == "zybBxa");  // PyTorch's order, too
  CHECK(to_vector(a.grad()) == Numbers{12, 12});
}

TEST_CASE("a queued callback comes once, when all gradients are there") {
  const Tensor x = ones({2}, {.requires_grad = true}), w = ones({2}, {.requires_grad = true});
  int calls = 0;
  const auto count = [&] {
    CHECK(to_vector(w.grad()) == Numbers{3, 3});
    CHECK(to_vector(x.grad()) == Numbers{3, 3});
    if (++calls == 1) autograd::queue_callback([&] { calls += 10; });  // one more, at the end
  };
  HookHandle hook =
      w.register_post_accumulate_grad_hook([&](const Tensor&) { autograd::queue_callback(count); });
  // Within backward() another one runs: the outer one's end counts.
  const Tensor y = autograd::checkpoint([&](const Tensor& v) { return v * w; }, x);
  (y * 3).sum().backward();
  CHECK(calls == 11);
  hook.remove();
  (x * w).sum().backward();
  CHECK(calls == 11);
}

TEST_CASE("a backward() that throws forgets what was queued") {
  const Tensor x = ones({2}, {.requires_grad = true}), y = x * 2;
  int calls = 0;
  HookHandle first = y.register_hook([&](const Tensor&) {
    autograd::queue_callback([&] { ++calls; });
    fail("hook", "expected nothing");
  });
  CHECK(error_of([&] { y.sum().backward({}, true); }) == "[hook] expected nothing");
  first.remove();
  y.sum().backward();
  CHECK(calls == 0);
  CHECK(error_of([] { autograd::queue_callback([] {}); }) ==
        "[queue_callback] expected to be called by a hook while backward() runs, got a call "
        "outside of it");
  CHECK(error_of([&] { autograd::queue_callback(nullptr); }) ==
        "[queue_callback] expected a function, got none");
}
